// What Tollgate reads of a message (SDK 1.12.0 resources/messages): identity, model and counts, never content. A stream
// says its usage twice: at its start, and cumulatively at its end, where only the totals are said again.
import { z } from 'zod'
import { identifier, word } from './field-schema.ts'
import { sightTokens, type UpstreamTokens } from './usage-schema.ts'

const usageSchema = z.object({
  speed: word,
  inference_geo: word,
  service_tier: word,
  server_tool_use: z
    .object({ web_search_requests: z.int().nonnegative().nullish().catch(null) })
    .nullish()
    .catch(null),
})

const messageSchema = z.object({
  type: z.literal('message'),
  id: z.string().max(1_024).default(''),
  model: identifier,
  usage: z.record(z.string(), z.unknown()),
})

/** What one call of the Messages API used. */
export type UpstreamMessage = {
  /** '' when it came without one. */
  readonly message_id: string
  /** The model that answered, as the upstream names it. */
  readonly model: string
  /** '', `standard` or `fast`. */
  readonly speed: string
  readonly inference_geo: string
  /** '', `standard`, `priority` or `batch`. */
  readonly service_tier: string
  /** Null when the counts could not be read: then they are not known, and not zero. */
  readonly tokens: UpstreamTokens | null
  readonly web_search_requests: number
}

/** What is known of a message that nobody could read: that there was one. */
export const unreadMessage: UpstreamMessage = {
  message_id: '',
  model: '',
  speed: '',
  inference_geo: '',
  service_tier: '',
  tokens: null,
  web_search_requests: 0,
}

/** Reads a message; null when it is none. Never throws. */
export function sightMessage(raw: unknown): UpstreamMessage | null {
  const parsed = messageSchema.safeParse(raw)
  if (!parsed.success) return null
  const { id, model, usage } = parsed.data
  const { speed, inference_geo, service_tier, server_tool_use } = usageSchema.parse(usage)
  return {
    message_id: id,
    model,
    speed,
    inference_geo,
    service_tier,
    tokens: sightTokens(usage),
    web_search_requests: server_tool_use?.web_search_requests ?? 0,
  }
}

const startSchema = z.object({ message: z.record(z.string(), z.unknown()) })
const deltaSchema = z.object({ usage: z.record(z.string(), z.unknown()) })

/** The event types of a streamed message that carry usage, or say that it is whole. */
export const messageUsageEvents: ReadonlySet<string> = new Set([
  'message_start',
  'message_delta',
  'message_stop',
])

/** Follows a streamed message by its events. */
export type MessageStream = {
  readonly read: (event: unknown) => void
  /** What it used as far as it was said; null when it never began. */
  readonly message: () => UpstreamMessage | null
  /** Whether its last word on usage was heard. */
  readonly isWhole: () => boolean
}

/** Starts following. */
export function followMessage(): MessageStream {
  let started: Readonly<Record<string, unknown>> | null = null
  let usage: Readonly<Record<string, unknown>> = {}
  let isWhole = false
  return {
    read: (event) => {
      const start = startSchema.safeParse(event)
      if (start.success) {
        started = start.data.message
        const first = deltaSchema.safeParse(started)
        if (first.success) usage = first.data.usage
        return
      }
      const delta = deltaSchema.safeParse(event)
      if (!delta.success) return
      // Null says nothing new: what the start said of it stands.
      const said = Object.entries(delta.data.usage).filter(([, value]) => value !== null)
      usage = { ...usage, ...Object.fromEntries(said) }
      isWhole = true
    },
    message: () => (started === null ? null : sightMessage({ ...started, usage })),
    isWhole: () => isWhole,
  }
}
