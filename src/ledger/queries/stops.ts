// Stops as every gateway of a ledger sees them, and the sessions that a key made.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const number = z.union([z.string(), z.number()]).transform(Number)
const row = z.object({
  stop_id: z.string(),
  kind: z.string(),
  target: z.string(),
  version: number,
  reason: z.string(),
  ordered_by: z.string(),
  ordered_at_ms: number,
  until_ms: number,
  archive: number,
  lifted_by: z.string(),
  lifted_at_ms: number,
})

export type StopRow = Readonly<z.output<typeof row>>

/** Every stop of the last year, oldest first; the newest 10,000. */
export async function readStops(ledger: Pick<Ledger, 'query'>, sinceMs: number): Promise<readonly StopRow[]> {
  const rows = await ledger.query(
    `SELECT * EXCEPT ver FROM tollgate.stops FINAL WHERE ordered_at_ms >= {since_ms: UInt64} OR lifted_at_ms = 0
     ORDER BY ordered_at_ms DESC LIMIT 10000`,
    { since_ms: Math.max(0, Math.floor(sinceMs)) },
  )
  return z.array(row).parse(rows).toReversed()
}

/** Writes them as they are now; again and by anybody without harm. */
export async function writeStops(ledger: Pick<Ledger, 'insert'>, stops: readonly StopRow[]): Promise<void> {
  if (stops.length === 0) return
  const rows = stops.map((stop) => ({ ...stop, ver: stop.lifted_at_ms === 0 ? 1 : 2 }))
  await ledger.insert('stops', rows, rows.map(({ stop_id, ver }) => `${stop_id} ${ver}`).join())
}

/** The sessions that were made with a key, the latest 50,000. */
export async function readSessionsOfKey(
  ledger: Pick<Ledger, 'query'>,
  keyId: string,
): Promise<readonly string[]> {
  const rows = await ledger.query(
    `SELECT DISTINCT session_id FROM tollgate.exchanges
     WHERE key_id = {key: String} AND session_id != '' AND operation = 'sessions.create' LIMIT 50000`,
    { key: keyId },
  )
  return z
    .array(z.object({ session_id: z.string() }))
    .parse(rows)
    .map(({ session_id }) => session_id)
}
