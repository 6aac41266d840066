// Which of several rows of one event stays: the one that knows more, then the one that was seen first.
import type { SessionEventRow } from './session-rows.ts'

/** Later than any time in milliseconds that the ledger keeps. */
const timeSpan = 2 ** 43

/** A version that grows with knowledge (sender, time of processing, thread) and falls with the time it was seen. */
export function eventVersion(
  row: Pick<SessionEventRow, 'sent_by' | 'is_processed' | 'thread_id'>,
  seenAtMs: number,
): number {
  const known =
    (row.sent_by === '' ? 0 : 4) + (row.is_processed === 1 ? 2 : 0) + (row.thread_id === '' ? 0 : 1)
  return known * timeSpan + (timeSpan - 1 - Math.floor(seenAtMs))
}
