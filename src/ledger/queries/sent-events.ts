// The two halves of an event that was sent: its sender, and when it was processed; whichever came first.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { eventVersion } from '../event-version.ts'
import type { Ledger } from '../port.ts'
import type { SessionEventRow } from '../session-rows.ts'

const sql = readFileSync(new URL('./sent-events.sql', import.meta.url), 'utf8')
/** Per statement: keeps the parameters small. */
const eventsMax = 500

const schema = z.object({
  session_id: z.string(),
  event_id: z.string(),
  sender: z.string(),
  processed: z.coerce.number(),
  processed_at: z.string(),
})

export type SentEvent = Readonly<z.output<typeof schema>>

/** What the ledger has of these events in all its rows of them. */
export async function readSentEvents(
  ledger: Ledger,
  rows: readonly Pick<SessionEventRow, 'session_id' | 'event_id'>[],
): Promise<readonly SentEvent[]> {
  const known: SentEvent[] = []
  for (let start = 0; start < rows.length; start += eventsMax) {
    const part = rows.slice(start, start + eventsMax)
    const sessions = part.map((row) => row.session_id)
    const events = part.map((row) => row.event_id)
    for (const row of await ledger.query(sql, { sessions, events })) known.push(schema.parse(row))
  }
  return known
}

/** The rows that know less than the ledger does as a whole, with what it knows. */
export function joinSenders(
  rows: readonly SessionEventRow[],
  known: readonly SentEvent[],
): readonly SessionEventRow[] {
  const keyOf = (row: { readonly session_id: string; readonly event_id: string }) =>
    JSON.stringify([row.session_id, row.event_id])
  const byKey = new Map(known.map((row) => [keyOf(row), row]))
  const joined = new Map<string, SessionEventRow>()
  for (const row of rows) {
    const found = byKey.get(keyOf(row))
    if (found === undefined || found.sender === '' || found.processed === 0) continue
    if (row.sent_by === found.sender && row.is_processed === 1) continue
    const whole = { ...row, sent_by: found.sender, is_processed: 1 as const, occurred_at: found.processed_at }
    const next = { ...whole, ver: eventVersion(whole, Date.parse(`${row.seen_at.replace(' ', 'T')}Z`)) }
    const kept = joined.get(keyOf(row))
    if (kept === undefined || next.ver > kept.ver) joined.set(keyOf(row), next)
  }
  return [...joined.values()]
}
