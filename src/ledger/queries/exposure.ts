// What the ledger knows of sessions and versions in a period, for the report of what ran unpinned.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

export type Period = { readonly fromMs: number; readonly toMs: number }

/** Rows of each kind in one report; more are told as left out. */
export const exposureRowsMax = 50_000

const session = z.object({
  session_id: z.string(),
  team: z.string(),
  caller: z.string(),
  agent_id: z.string(),
  agent_name: z.string(),
  agent_version: z.number(),
  environment_id: z.string(),
  deployment_id: z.string(),
  created_at_ms: z.coerce.number(),
})
/** A session; `team` is '' unless its creation passed here. */
export type SessionSeen = Readonly<z.output<typeof session>>

const exchange = z.object({
  exchange_id: z.string(),
  started_at_ms: z.coerce.number(),
  operation: z.string(),
  path: z.string(),
  team: z.string(),
  caller: z.string(),
  session_id: z.string(),
  agent_id: z.string(),
  agent_version: z.number(),
  exposure: z.string(),
  pin_class: z.string(),
  pin_findings: z.string(),
  /** What it made, where the upstream named it; '' otherwise. */
  object_id: z.string(),
})
/** A request that went up and succeeded. */
export type ExchangeSeen = Readonly<z.output<typeof exchange>>

const verification = z.object({
  exchange_id: z.string(),
  checked_at_ms: z.coerce.number(),
  team: z.string(),
  caller: z.string(),
  session_id: z.string(),
  agent_id: z.string(),
  agent_version: z.number(),
  outcome: z.string(),
  differences: z.array(z.string()),
  action: z.string(),
})
/** A session that was not what was pinned, or could not be held against it. */
export type VerificationSeen = Readonly<z.output<typeof verification>>

export type ExposureSeen = {
  /** Made in the period. */
  readonly sessions: readonly SessionSeen[]
  /** In the period, where something was left open or found. */
  readonly exchanges: readonly ExchangeSeen[]
  /** Up to the end of the period, oldest first: what deployments were saved with, and changes of environments. */
  readonly history: readonly ExchangeSeen[]
  readonly verifications: readonly VerificationSeen[]
  /** True when there was more of something than a report holds. */
  readonly isCut: boolean
}

const within = (column: string): string =>
  `${column} >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC') AND ${column} < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')`

// A client that left does not undo what the upstream did.
const wentUp = `decision IN ('allowed', 'rewritten') AND (status BETWEEN 200 AND 299 OR status = 499)`

const exchangeColumns = `exchange_id, toUnixTimestamp64Milli(e.started_at) AS started_at_ms, operation, path, e.team AS team,
  e.caller AS caller, session_id, agent_id, agent_version, exposure, pin_class, pin_findings, o.object_id AS object_id`

const joined = `tollgate.exchanges AS e FINAL
  LEFT JOIN (SELECT exchange_id, any(object_id) AS object_id FROM tollgate.object_owners FINAL
             WHERE object_kind = 'deployment' GROUP BY exchange_id) AS o USING (exchange_id)`

/** Reads all of it. Rejects with what the ledger throws. */
export async function readExposure(ledger: Pick<Ledger, 'query'>, period: Period): Promise<ExposureSeen> {
  const times = { from_ms: period.fromMs, to_ms: period.toMs }
  const limit = exposureRowsMax + 1
  const [sessions, exchanges, history, verifications] = await Promise.all([
    ledger.query(
      `SELECT session_id, team, caller, agent_id, agent_name, agent_version, environment_id, deployment_id,
              toUnixTimestamp64Milli(toDateTime64(s.created_at, 3, 'UTC')) AS created_at_ms
       FROM tollgate.sessions AS s FINAL WHERE ${within('s.created_at')} ORDER BY s.created_at, session_id LIMIT ${limit}`,
      times,
    ),
    ledger.query(
      `SELECT ${exchangeColumns} FROM ${joined}
       WHERE ${within('e.started_at')} AND ${wentUp} AND (exposure != '' OR position(pin_findings, 'observe ') > 0)
       ORDER BY e.started_at, exchange_id LIMIT ${limit}`,
      times,
    ),
    ledger.query(
      `SELECT ${exchangeColumns} FROM ${joined}
       WHERE e.started_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC') AND ${wentUp}
         AND (operation IN ('deployments.create', 'deployments.update')
              OR (operation = 'environments.update' AND exposure != ''))
       ORDER BY e.started_at, exchange_id LIMIT ${limit}`,
      times,
    ),
    ledger.query(
      `SELECT exchange_id, toUnixTimestamp64Milli(v.checked_at) AS checked_at_ms, team, caller, session_id, agent_id,
              agent_version, outcome, differences, action
       FROM tollgate.session_verifications AS v FINAL WHERE ${within('v.checked_at')} AND outcome != 'same'
       ORDER BY v.checked_at, exchange_id LIMIT ${limit}`,
      times,
    ),
  ])
  const lists = [sessions, exchanges, history, verifications]
  return {
    sessions: z.array(session).parse(sessions.slice(0, exposureRowsMax)),
    exchanges: z.array(exchange).parse(exchanges.slice(0, exposureRowsMax)),
    history: z.array(exchange).parse(history.slice(0, exposureRowsMax)),
    verifications: z.array(verification).parse(verifications.slice(0, exposureRowsMax)),
    isCut: lists.some((rows) => rows.length > exposureRowsMax),
  }
}

/** Ids asked about in one query. */
const idsMax = 1_000

const knownRow = z.object({ id: z.string() })

/** Which of these sessions, whenever they were made, were made by a request through a gateway. Rejects as the ledger does. */
export function readSessionsMadeHere(
  ledger: Pick<Ledger, 'query'>,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  return readKnown(
    ledger,
    `SELECT DISTINCT session_id AS id FROM tollgate.sessions FINAL WHERE team != '' AND session_id IN {ids: Array(String)}`,
    ids,
  )
}

/** Which of these deployments were. Rejects as the ledger does. */
export function readDeploymentsMadeHere(
  ledger: Pick<Ledger, 'query'>,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  return readKnown(
    ledger,
    `SELECT DISTINCT object_id AS id FROM tollgate.object_owners FINAL
     WHERE object_kind = 'deployment' AND object_id IN {ids: Array(String)}`,
    ids,
  )
}

const explained = z.object({ session_id: z.string(), exposure: z.string() })

/** What requests through a gateway, whenever they came, replaced or changed in these sessions. Rejects as the ledger does. */
export async function readExplanations(
  ledger: Pick<Ledger, 'query'>,
  ids: readonly string[],
): Promise<readonly Readonly<z.output<typeof explained>>[]> {
  const found: z.output<typeof explained>[] = []
  for (let start = 0; start < ids.length; start += idsMax) {
    const rows = await ledger.query(
      `SELECT session_id, exposure FROM tollgate.exchanges AS e FINAL
       WHERE ${wentUp} AND exposure != '' AND session_id IN {ids: Array(String)}`,
      { ids: ids.slice(start, start + idsMax) },
    )
    found.push(...z.array(explained).parse(rows))
  }
  return found
}

async function readKnown(
  ledger: Pick<Ledger, 'query'>,
  sql: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const known = new Set<string>()
  for (let start = 0; start < ids.length; start += idsMax) {
    const rows = await ledger.query(sql, { ids: ids.slice(start, start + idsMax) })
    for (const { id } of z.array(knownRow).parse(rows)) known.add(id)
  }
  return known
}
