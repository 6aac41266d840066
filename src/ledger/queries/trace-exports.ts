// What of sessions was exported as spans and log records, what was not yet, and which processes export.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const uidRow = z.object({ uid: z.string() })
const sessionRow = z.object({ session_id: z.string() })
const exporterRow = z.object({ exporter_id: z.string() })

/** The uids of a session that were handed over. */
export async function readExported(
  ledger: Pick<Ledger, 'query'>,
  sessionId: string,
): Promise<ReadonlySet<string>> {
  const rows = await ledger.query(
    `SELECT DISTINCT uid FROM tollgate.trace_exported WHERE session_id = {id: String}`,
    {
      id: sessionId,
    },
  )
  return new Set(
    z
      .array(uidRow)
      .parse(rows)
      .map(({ uid }) => uid),
  )
}

/** Says that these were handed over; again without harm. */
export async function markExported(
  ledger: Pick<Ledger, 'insert'>,
  rows: readonly { readonly session_id: string; readonly uid: string }[],
  token: string,
): Promise<void> {
  if (rows.length > 0) await ledger.insert('trace_exported', rows, token)
}

/** Sessions with an event since `sinceMs` that was not handed over, or with any since `recentMs`; at most 10,000. */
export async function readUnexported(
  ledger: Pick<Ledger, 'query'>,
  { sinceMs, recentMs }: { readonly sinceMs: number; readonly recentMs: number },
): Promise<readonly string[]> {
  const rows = await ledger.query(
    `SELECT DISTINCT session_id FROM tollgate.session_events
     WHERE seen_at >= fromUnixTimestamp64Milli({since: Int64}, 'UTC')
       AND (seen_at >= fromUnixTimestamp64Milli({recent: Int64}, 'UTC') OR (is_processed = 1 AND (session_id, event_id) NOT IN
         (SELECT session_id, uid FROM tollgate.trace_exported WHERE exported_at >= fromUnixTimestamp64Milli({since: Int64}, 'UTC'))))
     LIMIT 10000`,
    { since: Math.floor(sinceMs), recent: Math.floor(recentMs) },
  )
  return z
    .array(sessionRow)
    .parse(rows)
    .map(({ session_id }) => session_id)
}

/** Says that this process exports, and tells who else does, within `aliveMs`, by the database's own clock. */
export async function meetExporters(
  ledger: Pick<Ledger, 'query' | 'command'>,
  exporterId: string,
  aliveMs: number,
): Promise<readonly string[]> {
  await ledger.command(`INSERT INTO tollgate.trace_exporters (exporter_id) VALUES ({id: String})`, {
    id: exporterId,
  })
  const rows = await ledger.query(
    `SELECT exporter_id FROM tollgate.trace_exporters FINAL
     WHERE seen_at > now64(3, 'UTC') - INTERVAL {alive: UInt32} MILLISECOND ORDER BY exporter_id LIMIT 1000`,
    { alive: aliveMs },
  )
  return z
    .array(exporterRow)
    .parse(rows)
    .map(({ exporter_id }) => exporter_id)
}
