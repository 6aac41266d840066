// A scenario is data: what the stand-in agent does after each message, event by event, with delays.
// The player fills in what only the upstream knows: ids, times, thread ids, links, usage snapshots.

import { z } from 'zod'

const modelUsage = z.strictObject({
  input_tokens: z.int().min(0),
  output_tokens: z.int().min(0),
  cache_read_input_tokens: z.int().min(0).default(0),
  cache_creation_input_tokens: z.int().min(0).default(0),
})

/** The token counts of a `span.model_request_end`, with absent cache counts as zero. */
export const modelUsageSchema = modelUsage

/** How a tool use is permitted: a policy, and under `auto` what the server judges. */
export const permissionSchema = z.strictObject({
  /** `configured`: what the session's agent says of the tool at that moment. */
  policy: z.enum(['always_allow', 'always_ask', 'auto', 'configured']).default('configured'),
  /** The judgement when the policy is `auto`. */
  verdict: z.enum(['allow', 'ask', 'deny']).default('allow'),
  /** Its grounds: any string, as upstream. */
  reason: z.string().optional(),
})

const anyStep = z.strictObject({
  /** The event's type; any string, so that types not yet invented can be played too. */
  type: z.string().min(1),
  /** Milliseconds to wait before the event. */
  delayMs: z.number().min(0).default(0),
  /** Whose event: `primary` or a name out of the scenario's `threads`. */
  thread: z.string().default('primary'),
  /** The other end of an `agent.thread_message_sent` or `_received`. */
  peer: z.string().default('primary'),
  /** Plays the step only when the latest tool confirmation said this. */
  onlyIf: z.enum(['allow', 'deny']).optional(),
  /** Plays the step only when the session's agent has a version in this range. */
  versions: z.strictObject({ from: z.int().optional(), to: z.int().optional() }).optional(),
  /** Fills in `evaluated_permission` and `evaluation` of a tool use; without it they are as `fields` say. */
  permission: permissionSchema.optional(),
  /** The workflow run a `workflow_run.*` event is of, by the scenario's own name for it. */
  run: z.string().optional(),
  /** The phase of the run that it enters or leaves. */
  phase: z.string().optional(),
  /** The event's own fields. */
  fields: z.record(z.string(), z.unknown()).default({}),
  /** What the upstream bills but no event says: the 1-hour part of the cache writes, and web searches. */
  hidden: z
    .strictObject({
      ephemeral_1h_input_tokens: z.int().min(0).default(0),
      web_search_requests: z.int().min(0).default(0),
    })
    .default({ ephemeral_1h_input_tokens: 0, web_search_requests: 0 }),
})

// A span's end without readable counts would stop the simulator in the middle of a turn.
const step = anyStep
  .refine(
    ({ type, fields }) =>
      type !== 'span.model_request_end' || modelUsage.safeParse(fields['model_usage']).success,
    'a `span.model_request_end` needs `fields.model_usage` with input_tokens and output_tokens',
  )
  .refine(
    ({ type, fields }) =>
      type !== 'span.outcome_evaluation_end' || modelUsage.optional().safeParse(fields['usage']).success,
    'the `fields.usage` of a `span.outcome_evaluation_end` has input_tokens and output_tokens',
  )

const childThread = z.strictObject({
  agent_name: z.string(),
  /** Absent: the session's own model. A member of the agent's roster under this name brings its own. */
  model: z.string().optional(),
  /** A saved agent, one that the model wrote, or the advisor. */
  kind: z.enum(['agent', 'inline', 'advisor']).default('agent'),
  /** The workflow run that makes the thread. */
  run: z.string().optional(),
})

const scenarioSchema = z.strictObject({
  name: z.string().min(1),
  /** What it shows, for people who choose one. */
  about: z.string().default(''),
  /** Child threads by the name that steps use; each runs an agent of its own name and model. */
  threads: z.record(z.string(), childThread).default({}),
  /**
   * What happens after the first, second, ... message; the last turn answers every message after it.
   * A turn that does not open with `session.status_running` or close with `session.status_idle` gets both.
   */
  turns: z.array(z.array(step)).min(1),
})

export type Step = z.infer<typeof step>
export type Scenario = z.infer<typeof scenarioSchema>
export type ChildThread = z.infer<typeof childThread>
export type Permission = z.infer<typeof permissionSchema>
/** A scenario as people write it: defaults left out. */
export type ScenarioInput = z.input<typeof scenarioSchema>

/** One step, checked, with its defaults. */
export const parseStep = (input: z.input<typeof step>): Step => step.parse(input)

/** Checks a scenario and fills in its defaults. Throws an `Error` naming every fault and where it is. */
export function parseScenario(input: unknown): Scenario {
  const parsed = scenarioSchema.safeParse(input)
  if (!parsed.success) throw new Error(`scenario is not valid: ${z.prettifyError(parsed.error)}`)
  const known = new Set(['primary', ...Object.keys(parsed.data.threads)])
  for (const { thread, peer } of parsed.data.turns.flat()) {
    const unknown = [thread, peer].find((name) => !known.has(name))
    if (unknown === undefined) continue
    throw new Error(`scenario \`${parsed.data.name}\` has no thread \`${unknown}\`: add it to \`threads\``)
  }
  return parsed.data
}
