// Which gateways are alive, by the clock of the database alone, and what was done through them lately.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const replica = z.object({ replica_id: z.string() })
const touched = z.object({ exchange_id: z.string(), session_id: z.string(), team: z.string() })

/** A session that somebody called in a way that may have set it to work. */
export type TouchedSession = Readonly<z.output<typeof touched>>

/** Says that this gateway is alive, or that it goes. Rejects with what the ledger throws. */
export async function sayAlive(
  ledger: Pick<Ledger, 'command'>,
  replicaId: string,
  { startedAtMs, isGone = false }: { readonly startedAtMs: number; readonly isGone?: boolean },
): Promise<void> {
  await ledger.command(
    `INSERT INTO tollgate.replicas (replica_id, started_at, seen_at, is_gone)
     SELECT {id: String}, fromUnixTimestamp64Milli({started: Int64}, 'UTC'), now64(3, 'UTC'), {gone: UInt8}`,
    { id: replicaId, started: Math.floor(startedAtMs), gone: isGone ? 1 : 0 },
  )
}

/** The ids of the gateways that said so within `aliveMs`, sorted. */
export async function readReplicas(
  ledger: Pick<Ledger, 'query'>,
  aliveMs: number,
): Promise<readonly string[]> {
  const rows = await ledger.query(
    `SELECT replica_id FROM tollgate.replicas FINAL
     WHERE is_gone = 0 AND seen_at > now64(3, 'UTC') - INTERVAL {alive: UInt32} MILLISECOND ORDER BY replica_id LIMIT 1000`,
    { alive: aliveMs },
  )
  return z
    .array(replica)
    .parse(rows)
    .map(({ replica_id }) => replica_id)
}

/** The sessions that any gateway passed one of these calls to within `sinceMs`. */
export async function readTouchedSessions(
  ledger: Pick<Ledger, 'query'>,
  { operations, sinceMs }: { readonly operations: readonly string[]; readonly sinceMs: number },
): Promise<readonly TouchedSession[]> {
  const rows = await ledger.query(
    `SELECT exchange_id, session_id, team FROM tollgate.exchanges FINAL
     WHERE started_at > now64(3, 'UTC') - INTERVAL {since: UInt32} MILLISECOND
       AND operation IN {operations: Array(String)} AND session_id != '' AND status BETWEEN 200 AND 299
     LIMIT 10000`,
    { since: sinceMs, operations },
  )
  return z.array(touched).parse(rows)
}
