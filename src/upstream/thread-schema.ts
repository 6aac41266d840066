// What Tollgate reads of a thread object (SDK 1.12.0 resources/beta/sessions/threads): whose model it ran on.
import { z } from 'zod'
import { identifier, model, word } from './field-schema.ts'

const threadSchema = z.object({
  type: z.literal('session_thread'),
  id: identifier,
  session_id: identifier,
  parent_thread_id: z.string().max(1_024).nullish().catch(null),
  // `type` agent and inline configure a model, `advisor` names one; all three say it as `agent.model`.
  agent: z.object({ type: word, model }).nullish().catch(null),
})

/** The upstream's part of a thread sighting; '' stands for what the object does not say. */
export type UpstreamThread = {
  readonly session_id: string
  readonly thread_id: string
  /** null on the primary thread. */
  readonly parent_thread_id: string | null
  readonly model: string
  readonly speed: string
  readonly inference_geo: string
}

/** Reads a thread object. Null when it is not one (`type`, `id` or `session_id` missing). Never throws. */
export function sightThread(raw: unknown): UpstreamThread | null {
  const parsed = threadSchema.safeParse(raw)
  if (!parsed.success) return null
  const { id, session_id, parent_thread_id, agent } = parsed.data
  return {
    session_id,
    thread_id: id,
    parent_thread_id: parent_thread_id ?? null,
    model: agent?.model.id ?? '',
    speed: agent?.model.speed ?? '',
    inference_geo: agent?.model.inference_geo ?? '',
  }
}
