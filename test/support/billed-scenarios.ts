// What sessions do while the accountant looks: long requests that cross midnight, price tiers, threads that overlap.
import type { ScenarioInput } from '../../src/simulator/simulator.ts'

type Steps = ScenarioInput['turns'][number]

const minute = 60_000
const atRest = { stop_reason: { type: 'end_turn' } }

/** One model request. */
function ask(
  tokens: {
    readonly input: number
    readonly output: number
    readonly read?: number
    readonly write?: number
  },
  given: { readonly thread?: string; readonly delayMs?: number; readonly searches?: number } = {},
): Steps {
  const { thread = 'primary', delayMs = minute, searches = 0 } = given
  const model_usage = {
    input_tokens: tokens.input,
    output_tokens: tokens.output,
    cache_read_input_tokens: tokens.read ?? 0,
    cache_creation_input_tokens: tokens.write ?? 0,
  }
  return [
    { type: 'span.model_request_start', thread },
    {
      type: 'span.model_request_end',
      thread,
      delayMs,
      fields: { model_usage },
      hidden: { web_search_requests: searches },
    },
  ]
}

const step = (type: string, thread: string, delayMs = 0): Steps[number] => ({ type, thread, delayMs })

/** Runs eight minutes a turn. */
const chat: ScenarioInput = {
  name: 'chat',
  turns: [
    [
      ...ask({ input: 1000, output: 101, read: 5000, write: 300 }, { searches: 2 }),
      ...ask({ input: 1100, output: 90, read: 6000 }, { delayMs: 7 * minute }),
    ],
  ],
}

/** Prompts just below, at and above the limit between two price tiers, in every composition. */
const tiers: ScenarioInput = {
  name: 'tiers',
  turns: [
    [
      ...ask({ input: 100_000, output: 1 }),
      ...ask({ input: 99_999, output: 1, read: 2 }),
      ...ask({ input: 60_000, output: 10, write: 40_000 }),
      ...ask({ input: 1, output: 10, read: 60_000, write: 40_000 }),
    ],
  ],
}

/** Two children on other models, running while the primary rests, and a moment when nobody runs. */
const family: ScenarioInput = {
  name: 'family',
  threads: {
    a: { agent_name: 'a', model: 'claude-haiku-4-5' },
    b: { agent_name: 'b', model: 'claude-opus-5' },
  },
  turns: [
    [
      ...ask({ input: 100, output: 10 }),
      step('session.thread_created', 'a'),
      step('session.thread_status_running', 'a'),
      step('session.thread_created', 'b', 1234),
      step('session.thread_status_running', 'b'),
      { ...step('session.thread_status_idle', 'primary'), fields: atRest },
      ...ask({ input: 777, output: 77 }, { thread: 'a' }),
      ...ask({ input: 888, output: 88 }, { thread: 'b', delayMs: 5 * minute }),
      { ...step('session.thread_status_idle', 'a', 77), fields: atRest },
      { ...step('session.thread_status_idle', 'b', 99), fields: atRest },
      step('session.thread_status_running', 'primary', 3000),
      ...ask({ input: 5, output: 5 }),
    ],
  ],
}

export const scenarios: readonly ScenarioInput[] = [chat, tiers, family]

/** Model requests of one turn. */
export const asks = { tiers: 4 } as const
