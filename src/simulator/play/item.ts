// One item of a scenario file: what every item may say, and how it becomes steps.

import { z } from 'zod'
import { duration } from './duration.ts'
import type { ScenarioInput } from './scenario.ts'

export type StepInput = ScenarioInput['turns'][number][number]

/** What every item may say besides its own word. */
export const common = {
  /** Whose doing it is. */
  thread: z.string().default('primary'),
  /** How long nothing happens before it. */
  after: duration.default(0),
  /** Only when the latest tool confirmation said this. */
  only_if: z.enum(['allow', 'deny']).optional(),
  /** Only when the session's agent has a version in this range. */
  versions: z.strictObject({ from: z.int().optional(), to: z.int().optional() }).optional(),
}

type Common = z.infer<z.ZodObject<typeof common>>

/** Reads an item into steps. Throws a `ZodError` whose paths begin at the item. */
export type ReadItem = (raw: unknown) => readonly StepInput[]

/** An item of this shape, expanded by `expand`; what it says in common goes onto every step that says nothing else. */
export function itemOf<T extends Common>(
  schema: z.ZodType<T>,
  expand: (read: T) => readonly StepInput[],
): ReadItem {
  return (raw) => {
    const read = schema.parse(raw)
    return expand(read).map((step, at) => ({
      thread: read.thread,
      ...(read.only_if === undefined ? {} : { onlyIf: read.only_if }),
      ...(read.versions === undefined ? {} : { versions: read.versions }),
      ...step,
      delayMs: (step.delayMs ?? 0) + (at === 0 ? read.after : 0),
    }))
  }
}

/** Content of one text block. */
export const textContent = (text: string) => ({ content: [{ type: 'text', text }] })

const count = z.int().min(0).default(0)

/** Tokens of one model request. `write_1h` is the part of `write` that lives an hour; no event tells of it. */
export const tokens = z.strictObject({
  in: count,
  out: count,
  read: count,
  write: count,
  write_1h: count,
  searches: count,
})

/** The counts as events show them. */
export const modelUsage = (given: z.infer<typeof tokens>) => ({
  input_tokens: given.in,
  output_tokens: given.out,
  cache_read_input_tokens: given.read,
  cache_creation_input_tokens: given.write,
})
