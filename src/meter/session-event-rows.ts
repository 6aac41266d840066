// An event of a session -> its row among all events, whatever its type: when, where, who sent it, and what is kept of it.
import { createHash } from 'node:crypto'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { eventVersion } from '../ledger/event-version.ts'
import type { SessionEventRow } from '../ledger/session-rows.ts'
import type { MeteredEvent } from './record-schema.ts'
import { formatLedgerTime, parseUpstreamTime } from './upstream-time.ts'

/** The row; `keyed` is the event's id or the key its facts have, '' when it has neither. */
export function toSessionEvent(event: MeteredEvent, keyed: string): SessionEventRow {
  const micros = parseUpstreamTime(event.processed_at ?? '')
  const seen_at = new Date(event.seen_at_ms).toISOString().replace('T', ' ').replace('Z', '')
  const row = {
    session_id: event.session_id,
    event_id: keyed === '' ? derivedKey(event) : keyed,
    thread_id: event.thread_id,
    about_thread_id: event.about_thread_id,
    type: event.type,
    occurred_at: formatLedgerTime(micros ?? Math.floor(event.seen_at_ms) * 1000),
    is_processed: micros === null ? 0 : 1,
    seen_at,
    detail: canonicalJson(event.detail),
    sent_by: event.source === 'send' ? event.exchange_id : '',
  } as const
  return { ...row, ver: eventVersion(row, event.seen_at_ms) }
}

/** Without an id, what it says is its name: copies meet, whoever saw them. A hash of the gateway's own key is left out. */
function derivedKey(event: MeteredEvent): string {
  const { input_hash: _own, ...said } = event.detail
  const text = canonicalJson([event.type, event.processed_at, event.about_thread_id, said])
  return `derived_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
}
