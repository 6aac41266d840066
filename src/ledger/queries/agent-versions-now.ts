// Which versions of which agents run now, and who saved a version.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

/** Lines in one answer; more agents and versions than that are not for a person to read. */
const linesMax = 2_000

const running = z.object({
  agent_id: z.string(),
  agent_name: z.string(),
  agent_version: z.number(),
  teams: z.array(z.string()),
  /** Sessions that run this moment, as far as was seen. */
  running: z.number(),
  /** Sessions that have not ended; they may run again. */
  open: z.number(),
  sessions: z.number(),
  last_created_at: z.string(),
})
export type RunningVersion = Readonly<z.output<typeof running>>

/**
 * One line for each agent version with a session that has not ended, or that began since `fromMs`; the agent's newest
 * version last. 2,000 at most. Rejects with what the ledger throws.
 */
export async function readRunningVersions(
  ledger: Pick<Ledger, 'query'>,
  fromMs: number,
): Promise<readonly RunningVersion[]> {
  const rows = await ledger.query(
    `WITH ended AS
       (SELECT DISTINCT session_id FROM tollgate.session_status FINAL WHERE status = 'terminated' AND scope = 'session'),
     active AS
       (SELECT session_id FROM tollgate.session_intervals FINAL
        WHERE statuses[-1] = 'running' AND (isNull(ended_at[-1]) OR provisional[-1] = 1))
     SELECT agent_id, any(s.agent_name) AS agent_name, agent_version, arraySort(groupUniqArray(s.team)) AS teams,
            toUInt32(countIf(session_id NOT IN (SELECT session_id FROM ended)
                             AND session_id IN (SELECT session_id FROM active))) AS running,
            toUInt32(countIf(session_id NOT IN (SELECT session_id FROM ended))) AS open,
            toUInt32(countIf(created_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC'))) AS sessions,
            formatDateTime(max(created_at), '%FT%TZ', 'UTC') AS last_created_at
     FROM tollgate.sessions AS s FINAL WHERE agent_id != ''
     GROUP BY agent_id, agent_version HAVING open > 0 OR sessions > 0
     ORDER BY agent_id, agent_version LIMIT ${linesMax}`,
    { from_ms: fromMs },
  )
  return z.array(running).parse(rows)
}

const maker = z.object({ team: z.string(), caller: z.string(), seen_at: z.string() })
export type VersionMaker = Readonly<z.output<typeof maker>>

/** Who was first seen to save this version; null when nobody was. Rejects with what the ledger throws. */
export async function readVersionMaker(
  ledger: Pick<Ledger, 'query'>,
  agentId: string,
  version: number,
): Promise<VersionMaker | null> {
  const rows = await ledger.query(
    `SELECT team, caller, formatDateTime(seen_at, '%FT%TZ', 'UTC') AS seen_at
     FROM tollgate.agent_versions AS v FINAL WHERE agent_id = {agent_id: String} AND version = {version: UInt32}
     ORDER BY v.seen_at, exchange_id LIMIT 1`,
    { agent_id: agentId, version },
  )
  return z.array(maker).parse(rows)[0] ?? null
}
