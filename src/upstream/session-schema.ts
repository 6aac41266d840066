// What Tollgate reads of a session object (SDK 1.12.0 resources/beta/sessions/sessions).
import { z } from 'zod'
import { withoutKeys } from '../kernel/redact.ts'
import { identifier, model, timestamp, word } from './field-schema.ts'
import { sightUsage, type UpstreamUsage } from './usage-schema.ts'

const sessionSchema = z.object({
  type: z.literal('session'),
  id: identifier,
  agent: z
    .object({ id: word, name: word, version: z.number().int().nonnegative().catch(0), model })
    .nullish()
    .catch(null),
  environment_id: word,
  deployment_id: word,
  status: word,
  created_at: timestamp,
  archived_at: timestamp,
  usage: z.unknown().optional(),
})

/** The upstream's part of a session sighting; '' and 0 stand for what the object does not say. */
export type UpstreamSession = {
  readonly session_id: string
  readonly agent_id: string
  readonly agent_name: string
  readonly agent_version: number
  readonly model: string
  readonly speed: string
  readonly inference_geo: string
  readonly environment_id: string
  readonly deployment_id: string
  readonly status: string
  readonly created_at: string
  readonly archived_at: string | null
  readonly usage: UpstreamUsage | null
}

/** Reads a session object. Null when it is not one (`type` is not `session`, or it has no id). Never throws. */
export function sightSession(raw: unknown): UpstreamSession | null {
  const parsed = sessionSchema.safeParse(raw)
  if (!parsed.success) return null
  const { agent, id, usage, environment_id, deployment_id, status, created_at, archived_at } = parsed.data
  return {
    session_id: id,
    agent_id: agent?.id ?? '',
    agent_name: withoutKeys(agent?.name ?? ''),
    agent_version: agent?.version ?? 0,
    model: agent?.model.id ?? '',
    speed: agent?.model.speed ?? '',
    inference_geo: agent?.model.inference_geo ?? '',
    environment_id,
    deployment_id,
    status,
    created_at: created_at ?? '',
    archived_at,
    usage: sightUsage(usage),
  }
}
