// A script inside a request: tells the stand-in exactly what to answer, use, and break. It is read from
// `metadata.simulator_script` (an object, or its JSON text), or from a line `simulator: {...}` of the latest
// user text, for clients that cannot add metadata. Without one the answer follows from the request's own text.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { jsonObject } from '../json.ts'
import { latestUserText, type MessageParams } from './message-params.ts'

const count = z.int().min(0)

const scriptSchema = z.strictObject({
  thinking: z.string().optional(),
  text: z.string().optional(),
  /** Leaves `citations` out of texts that have none. The SDK's types want a null there, some other clients refuse one. */
  omit_citations: z.boolean().default(false),
  /** Tools to call, after the text. */
  tool_use: z.array(z.strictObject({ name: z.string().min(1), input: jsonObject.default({}) })).default([]),
  /** Web searches to make before the text, by query. */
  web_searches: z.array(z.string()).default([]),
  stop_reason: z
    .enum([
      'end_turn',
      'max_tokens',
      'stop_sequence',
      'tool_use',
      'pause_turn',
      'refusal',
      'model_context_window_exceeded',
    ])
    .optional(),
  /** Token counts to report and bill instead of the counted ones; each by itself. */
  usage: z
    .strictObject({
      input_tokens: count,
      output_tokens: count,
      thinking_tokens: count,
      cache_read_input_tokens: count,
      ephemeral_5m_input_tokens: count,
      ephemeral_1h_input_tokens: count,
      web_search_requests: count,
    })
    .partial()
    .default({}),
  /** Milliseconds between the events of a stream; a plain answer waits this long once. */
  delay_ms: z.int().min(0).default(0),
  /** Fails: at once with an HTTP status, or inside a stream after that many events. Nothing is billed. */
  error: z
    .strictObject({
      status: z.int().min(400).max(599).default(529),
      type: z.string().optional(),
      message: z.string().default('Overloaded'),
      after_events: z.int().min(1).optional(),
    })
    .optional(),
})

/** A script with its defaults filled in. */
export type MessageScript = z.infer<typeof scriptSchema>
/** A script as people write it: defaults left out. */
export type MessageScriptInput = z.input<typeof scriptSchema>

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidRequest('simulator script: not valid JSON')
  }
}

/** The script of a request, null when it has none. Throws a 400 that names the fault of one that cannot be played. */
export function readScript(params: MessageParams): MessageScript | null {
  const given = params.metadata?.['simulator_script']
  const line = /^simulator: (\{.*\})$/m.exec(latestUserText(params))?.[1]
  if (given === undefined && line === undefined) return null
  const value =
    given === undefined ? parseJson(line ?? '') : typeof given === 'string' ? parseJson(given) : given
  const script = scriptSchema.safeParse(value)
  if (!script.success) throw invalidRequest(`simulator script: ${z.prettifyError(script.error)}`)
  return script.data
}
