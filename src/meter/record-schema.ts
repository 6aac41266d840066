// The journal's records, read back and checked: its bytes come from a disk. Unknown fields pass, wrong ones do not.
import { z } from 'zod'
import { eventDetailSchema } from '../upstream/event-detail-schema.ts'

const count = z.int().nonnegative()
/** Beyond it a number is a mistake or an attack, and a few of them would add up to more than a sum can hold exactly. */
const tokenCount = count.max(1e11)
// Half a surrogate pair is no text: ClickHouse refuses it, and nothing behind it would ever be written.
const text = z.string().transform((raw) => raw.toWellFormed())
const id = z
  .string()
  .min(1)
  .max(1_024)
  .transform((raw) => raw.toWellFormed())
const flag = z.boolean()
/** The year 2200: what the ledger's DateTime64(6) can hold, with room. */
const timeMs = z.number().nonnegative().max(7_258_118_400_000)
const uint32 = count.max(4_294_967_295)

const tokens = z.object({
  input_tokens: tokenCount,
  output_tokens: tokenCount,
  cache_read_input_tokens: tokenCount,
  cache_write_5m_input_tokens: tokenCount,
  cache_write_1h_input_tokens: tokenCount,
})

const usage = tokens.extend({
  active_seconds: z.number().nonnegative().max(1e10),
  list_cost_cents: z
    .string()
    .regex(/^-?\d{1,18}$/)
    .nullable(),
  web_search_requests: tokenCount,
})

const sightingBase = {
  kind: z.literal('sighting'),
  session_id: id,
  seen_at_ms: timeMs,
}

const eventSighting = z.object({
  ...sightingBase,
  about: z.literal('event'),
  thread_id: text,
  event_id: text,
  type: text,
  processed_at: text.nullable(),
  about_thread_id: text,
  tokens: tokens.nullable(),
  speed: text,
  is_error: flag,
  usage: usage.nullable(),
  // Records of an older version, still in the journal, have none of these.
  exchange_id: text.default(''),
  source: text.default(''),
  stop_reason: text.default(''),
  detail: eventDetailSchema.catch({}).default({}),
})

const sessionSighting = z.object({
  ...sightingBase,
  about: z.literal('session'),
  team: text,
  caller: text,
  agent_id: text,
  agent_name: text,
  agent_version: uint32,
  model: text,
  speed: text,
  inference_geo: text,
  environment_id: text,
  deployment_id: text,
  status: text,
  created_at: text,
  archived_at: text.nullable(),
  created_here: flag,
  usage: usage.nullable(),
  limit_cents: z
    .string()
    .regex(/^\d{1,15}$/)
    .nullable()
    .catch(null)
    .default(null),
})

const threadSighting = z.object({
  ...sightingBase,
  about: z.literal('thread'),
  thread_id: id,
  parent_thread_id: text.nullable(),
  model: text,
  speed: text,
  inference_geo: text,
})

const messageSighting = z.object({
  ...sightingBase,
  about: z.literal('message'),
  exchange_id: id,
  team: text,
  caller: text,
  message_id: text,
  model: text,
  speed: text,
  inference_geo: text,
  service_tier: text,
  tokens: tokens.nullable(),
  web_search_requests: tokenCount,
  is_whole: flag,
})

const deletionSighting = z.object({ ...sightingBase, about: z.literal('deletion') })

const creationSighting = z.object({
  kind: z.literal('sighting'),
  seen_at_ms: timeMs,
  about: z.literal('creation'),
  object_kind: id,
  object_id: id,
  team: text,
  caller: text,
  exchange_id: text,
})

const exchange = z.object({
  kind: z.literal('exchange'),
  exchange_id: z.string().min(1),
  started_at_ms: timeMs,
  duration_ms: z.number(),
  operation: text,
  method: text,
  path: text,
  team: text,
  caller: text,
  key_id: text,
  client_ip: text,
  user_agent: text,
  decision: text,
  error_code: text,
  rules: text,
  policy_hash: text,
  agent_id: text,
  agent_version: uint32,
  agent_version_requested: text,
  pin_kind: text,
  session_id: text,
  status: count.max(999),
  end_reason: text,
  upstream_request_id: text,
  request_bytes: count,
  response_bytes: count,
  events: count,
  trace_id: text,
  retry_count: uint32,
  // Records of an older version, still in the journal, have none of these.
  capabilities: text.default(''),
  shadow: text.default(''),
  pin_class: text.default(''),
  pin_rule: text.default(''),
  pin_findings: text.default(''),
  approved_by: text.default(''),
  config_hash: text.default(''),
  exposure: text.default(''),
})

const policyChange = z.object({
  kind: z.literal('policy_change'),
  change_id: id,
  changed_at_ms: timeMs,
  old_hash: text,
  new_hash: text,
  files: z.array(text),
  diff: z.array(text),
})

const verification = z.object({
  kind: z.literal('verification'),
  exchange_id: id,
  checked_at_ms: timeMs,
  team: text,
  caller: text,
  session_id: text,
  agent_id: text,
  agent_version: uint32,
  pin_class: text,
  mode: text,
  outcome: text,
  differences: z.array(text),
  expected_hash: text,
  answered_hash: text,
  action: text,
})

/** What an administrator did; it is in the audit log, and counts for nothing else. */
const act = z.object({
  kind: z.literal('act'),
  act_id: id,
  decided_at_ms: timeMs,
  act: text,
  by: text,
  detail: text,
})

const watched = z.object({
  kind: z.literal('watched'),
  session_id: id,
  upstream: text,
  state_key: text,
  listed_until: text,
  seen_at_ms: timeMs,
})

/** Any record the meter knows. */
export const meteredRecordSchema = z.union([
  z.discriminatedUnion('about', [
    eventSighting,
    sessionSighting,
    threadSighting,
    deletionSighting,
    creationSighting,
    messageSighting,
  ]),
  exchange,
  policyChange,
  verification,
  watched,
  act,
])

export type MeteredUsage = Readonly<z.output<typeof usage>>
export type MeteredTokens = Readonly<z.output<typeof tokens>>
export type MeteredEvent = Readonly<z.output<typeof eventSighting>>
export type MeteredSession = Readonly<z.output<typeof sessionSighting>>
export type MeteredThread = Readonly<z.output<typeof threadSighting>>
export type MeteredMessage = Readonly<z.output<typeof messageSighting>>
export type MeteredCreation = Readonly<z.output<typeof creationSighting>>
export type MeteredDeletion = Readonly<z.output<typeof deletionSighting>>
export type MeteredPolicyChange = Readonly<z.output<typeof policyChange>>
export type MeteredVerification = Readonly<z.output<typeof verification>>
export type MeteredWatched = Readonly<z.output<typeof watched>>
export type MeteredExchange = Readonly<z.output<typeof exchange>>
