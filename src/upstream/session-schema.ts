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
  budget: z.unknown().optional(),
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
  /** Whole cents it may spend over its life (`budget.max_list_cost`); `0` when it has no limit, null when it does not say. */
  readonly limit_cents: string | null
}

/** Reads a session object. Null when it is not one (`type` is not `session`, or it has no id). Never throws. */
export function sightSession(raw: unknown): UpstreamSession | null {
  const parsed = sessionSchema.safeParse(raw)
  if (!parsed.success) return null
  const { agent, id, usage, budget, environment_id, deployment_id, status, created_at, archived_at } =
    parsed.data
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
    limit_cents: sightLimit(budget),
  }
}

// SDK 1.12.0 `BetaManagedAgentsBudgetLimit`: minor units as a string; the session's `budget` is null without one.
const limitSchema = z.object({
  type: z.literal('limit'),
  max_list_cost: z.object({ amount: z.string().regex(/^\d{1,15}$/), currency: z.literal('USD') }),
})

function sightLimit(budget: unknown): string | null {
  if (budget === null) return '0'
  const parsed = limitSchema.safeParse(budget)
  return parsed.success ? parsed.data.max_list_cost.amount : null
}
