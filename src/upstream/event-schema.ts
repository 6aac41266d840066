// What Tollgate reads of a session event (SDK 1.12.0 resources/beta/sessions/events): identity, time, counts,
// never content. Unknown event types and fields pass.
import { z } from 'zod'
import { identifier, timestamp, word } from './field-schema.ts'
import { sightTokens, sightUsage, type UpstreamTokens, type UpstreamUsage } from './usage-schema.ts'

const eventSchema = z.object({
  // An event should have one; what it bills must not be lost when it has none.
  id: z.string().max(1_024).default(''),
  type: identifier,
  processed_at: timestamp,
  session_thread_id: word,
  is_error: z.boolean().nullish().catch(false),
  stop_reason: z.object({ type: word }).nullish().catch(null),
  model_usage: z.unknown().optional(),
  usage: z.unknown().optional(),
})

const previews: ReadonlySet<string> = new Set(['event_start', 'event_delta'])

const speedSchema = z.object({ speed: word }).catch({ speed: '' })

/** The upstream's part of an event sighting. Field names are the upstream's where it has one. */
export type UpstreamEvent = {
  readonly event_id: string
  readonly type: string
  /** ISO 8601 as received; null while queued. */
  readonly processed_at: string | null
  /** `session_thread_id` in the event itself, '' when absent. */
  readonly about_thread_id: string
  /** Of one model request, or of one outcome evaluation's graders; null on every other type. */
  readonly tokens: UpstreamTokens | null
  readonly speed: string
  readonly is_error: boolean
  readonly stop_reason: string
  /** On `session.usage` only: the cumulative snapshot. */
  readonly usage: UpstreamUsage | null
}

/**
 * Reads one event from a stream frame, a list or a send's echo; `event_id` is '' when it came without one. Null when it
 * has no type, or is a preview (`event_start`, `event_delta`), which is nothing that happened. Never throws.
 */
export function sightEvent(raw: unknown): UpstreamEvent | null {
  const parsed = eventSchema.safeParse(raw)
  if (!parsed.success || previews.has(parsed.data.type)) return null
  const event = parsed.data
  const spent = tokensOf(event)
  return {
    event_id: event.id,
    type: event.type,
    processed_at: event.processed_at,
    about_thread_id: event.session_thread_id,
    tokens: spent === undefined ? null : sightTokens(spent),
    speed: spent === undefined ? '' : speedSchema.parse(spent).speed,
    is_error: event.is_error ?? false,
    stop_reason: event.stop_reason?.type ?? '',
    usage: event.type === 'session.usage' ? sightUsage(event.usage) : null,
  }
}

/** The raw counts that belong to this very event, if its type carries any. */
function tokensOf(event: z.output<typeof eventSchema>): unknown {
  if (event.type === 'span.model_request_end') return event.model_usage
  if (event.type === 'span.outcome_evaluation_end') return event.usage
  return undefined
}
