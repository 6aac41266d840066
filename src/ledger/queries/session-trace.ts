// Everything the ledger knows of one session that a trace of it needs: its row, its threads, its events, what its model
// requests cost, and what was refused on it.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const integer = z.union([z.string(), z.number()]).transform(Number).refine(Number.isSafeInteger)

const session = z.object({
  team: z.string(),
  caller: z.string(),
  agent_id: z.string(),
  agent_name: z.string(),
  agent_version: integer,
  model: z.string(),
  environment_id: z.string(),
  deployment_id: z.string(),
})
const admission = z.object({
  trace_id: z.string(),
  decision: z.string(),
  rules: z.string(),
  policy_hash: z.string(),
  pin_class: z.string(),
  pin_rule: z.string(),
  requested: z.string(),
  resolved: integer,
  approved_by: z.string(),
})
const thread = z.object({ thread_id: z.string(), is_primary: integer, model: z.string() })
const event = z.object({
  event_id: z.string(),
  thread_id: z.string(),
  about_thread_id: z.string(),
  type: z.string(),
  at_micros: integer,
  detail: z.string(),
  sent_by: z.string(),
  /** 0 while the upstream has not said when. */
  is_processed: integer,
})
const charge = z.object({
  event_id: z.string(),
  model: z.string(),
  input_tokens: integer,
  cached_tokens: integer,
  output_tokens: integer,
  cost_usd: z.union([z.string(), z.number()]).transform(String).nullable(),
})
const refusal = z.object({
  at_micros: integer,
  operation: z.string(),
  caller: z.string(),
  error_code: z.string(),
  rules: z.string(),
})
const sender = z.object({ exchange_id: z.string(), team: z.string(), caller: z.string() })

export type SessionTraceRows = {
  /** Null while nobody has seen the session object. */
  readonly session: Readonly<z.output<typeof session>> | null
  /** How its creation was let in; null when it was not made through a gateway. */
  readonly admission: Readonly<z.output<typeof admission>> | null
  readonly threads: readonly Readonly<z.output<typeof thread>>[]
  /** One more than `eventsMax` says that these are not all. */
  readonly events: readonly Readonly<z.output<typeof event>>[]
  /** By the event that ended the request; `input_tokens` has those of the cache in it. */
  readonly charges: ReadonlyMap<string, Readonly<z.output<typeof charge>>>
  readonly refusals: readonly Readonly<z.output<typeof refusal>>[]
  /** Who sent what, by exchange. */
  readonly senders: ReadonlyMap<string, Readonly<z.output<typeof sender>>>
}

const statements = {
  session: `SELECT team, caller, agent_id, agent_name, agent_version, model, environment_id, deployment_id
    FROM tollgate.sessions FINAL WHERE session_id = {id: String}`,
  admission: `SELECT trace_id, decision, rules, policy_hash, pin_class, pin_rule,
      agent_version_requested AS requested, agent_version AS resolved, approved_by
    FROM tollgate.exchanges FINAL
    WHERE session_id = {id: String} AND operation = 'sessions.create' AND status BETWEEN 200 AND 299
    ORDER BY started_at LIMIT 1`,
  threads: `SELECT thread_id, is_primary, model FROM tollgate.threads FINAL WHERE session_id = {id: String}`,
  events: `SELECT event_id, thread_id, about_thread_id, type, toUnixTimestamp64Micro(occurred_at) AS at_micros,
      detail, sent_by, is_processed
    FROM tollgate.session_events FINAL WHERE session_id = {id: String}
    ORDER BY occurred_at, event_id LIMIT {limit: UInt32}`,
  charges: `SELECT event_id, model, input_tokens + cached_tokens AS input_tokens,
      cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens AS cached_tokens, output_tokens, cost_usd
    FROM tollgate.usage_events FINAL WHERE session_id = {id: String}`,
  refusals: `SELECT toUnixTimestamp64Micro(toDateTime64(started_at, 6, 'UTC')) AS at_micros, operation, caller, error_code, rules
    FROM tollgate.exchanges FINAL WHERE session_id = {id: String} AND decision = 'denied'
    ORDER BY started_at LIMIT 1000`,
  senders: `SELECT exchange_id, team, caller FROM tollgate.exchanges FINAL
    WHERE exchange_id IN (SELECT sent_by FROM tollgate.session_events WHERE session_id = {id: String} AND sent_by != '')`,
}

/** Reads it. Rejects with what the ledger throws. */
export async function readSessionTrace(
  ledger: Pick<Ledger, 'query'>,
  sessionId: string,
  eventsMax: number,
): Promise<SessionTraceRows> {
  const ask = <Row>(sql: string, row: z.ZodType<Row>): Promise<readonly Row[]> =>
    ledger.query(sql, { id: sessionId, limit: eventsMax + 1 }).then((rows) => z.array(row).parse(rows))
  const [sessions, admissions, threads, events, charges, refusals, senders] = await Promise.all([
    ask(statements.session, session),
    ask(statements.admission, admission),
    ask(statements.threads, thread),
    ask(statements.events, event),
    ask(statements.charges, charge),
    ask(statements.refusals, refusal),
    ask(statements.senders, sender),
  ])
  return {
    session: sessions[0] ?? null,
    admission: admissions[0] ?? null,
    threads,
    events,
    charges: new Map(charges.map((each) => [each.event_id, each])),
    refusals,
    senders: new Map(senders.map((each) => [each.exchange_id, each])),
  }
}
