// How far a watcher, this one before a restart or another, has read each session.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sql = readFileSync(new URL('./watched-sessions.sql', import.meta.url), 'utf8')

const rowSchema = z.object({
  session_id: z.string(),
  upstream: z.string(),
  state_key: z.string(),
  listed_until: z.string(),
})

export type WatchedSession = Readonly<z.output<typeof rowSchema>>

/** At most `rowsMax` of them, watched since `fromMs`, newest first. Rejects with what the ledger throws. */
export async function readWatchedSessions(
  ledger: Ledger,
  fromMs: number,
  rowsMax: number,
): Promise<readonly WatchedSession[]> {
  return z.array(rowSchema).parse(await ledger.query(sql, { from_ms: Math.floor(fromMs), rows_max: rowsMax }))
}
