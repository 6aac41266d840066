// The items of workflow runs: `starts_run`, `enters` and `leaves` for its phases, `ends_run`.

import { z } from 'zod'
import { common, itemOf, type ReadItem } from './item.ts'

const phase = z.union([
  z.string().transform((name) => ({ name, description: null })),
  z.strictObject({ name: z.string(), description: z.string() }),
])
const result = z.enum([
  'completed',
  'stopped',
  'timeout_error',
  'program_error',
  'unknown_error',
  'thread_limit_error',
])

const startsRun = itemOf(
  z.strictObject({
    ...common,
    starts_run: z.string(),
    description: z.string().nullable().default(null),
    phases: z.array(phase).default([]),
  }),
  ({ starts_run: run, description, phases }) => [
    { type: 'workflow_run.created', run, fields: { name: run, description, phases } },
    { type: 'workflow_run.status_running', run },
  ],
)
const enters = itemOf(z.strictObject({ ...common, enters: z.string(), run: z.string() }), (read) => [
  { type: 'workflow_run.phase_started', run: read.run, phase: read.enters },
])
const leaves = itemOf(z.strictObject({ ...common, leaves: z.string(), run: z.string() }), (read) => [
  { type: 'workflow_run.phase_ended', run: read.run, phase: read.leaves },
])
const endsRun = itemOf(
  z.strictObject({
    ...common,
    ends_run: z.string(),
    as: result.default('completed'),
    message: z.string().optional(),
  }),
  ({ ends_run: run, as, message: why = 'The run did not finish.' }) => {
    const isFine = as === 'completed' || as === 'stopped'
    const outcome = isFine ? { type: as } : { type: 'error', error: { type: as, message: why } }
    return [{ type: 'workflow_run.status_ended', run, fields: { result: outcome } }]
  },
)

/** The words of workflow runs. */
export const runWords: readonly (readonly [string, ReadItem])[] = [
  ['starts_run', startsRun],
  ['enters', enters],
  ['leaves', leaves],
  ['ends_run', endsRun],
]
