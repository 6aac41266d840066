// The writer: drains the journal into the ledger. It keeps no state but its place, so a restart, a crash between
// insert and commit, or a second gateway change no total. While ClickHouse is away it waits and loses nothing.
import type { Clock } from '../kernel/clock.ts'
import type { JournalBatch, JournalReading, JournalRecord } from '../kernel/journal.ts'
import type { Logger } from '../kernel/logger.ts'
import { within } from '../kernel/within.ts'
import { createAlarm } from './alarm.ts'
import { applySparing } from './apply-sparing.ts'
import type { Ledger } from './port.ts'
import type { Projector } from './projector.ts'

export type WriterDeps = {
  readonly journal: JournalReading
  readonly ledger: Ledger
  readonly projector: Projector
  readonly clock: Clock
  readonly logger: Logger
  /** Run before the first batch, and again at each attempt until it succeeds once: the migrations. */
  readonly prepare?: () => Promise<unknown>
  /** Told of each batch before it takes effect, and again when it is repeated; rejecting stops it: the audit log. */
  readonly keepEntries?: (batch: JournalBatch) => Promise<void>
  /** Records per batch at most; default 1,000. */
  readonly batchRows?: number
  /** Wait after the first new record, so that a batch has many; default 1,000. `flush` does not wait. */
  readonly lingerMs?: number
  /** First wait after a failure, doubled at each further one up to `retryMaxMs`; defaults 250 and 30,000. */
  readonly retryMinMs?: number
  readonly retryMaxMs?: number
  /** Told after every attempt, whatever came of it. */
  readonly onStatus?: (status: WriterStatus) => void
}

export type WriterStatus = {
  /** False from a failed attempt until one succeeds. */
  readonly healthy: boolean
  /** Records read and not yet committed: what is at least outstanding. */
  readonly lagRecords: number
  readonly lagBytes: number
  /** Age of the oldest record known to be outstanding; 0 when there is none. */
  readonly lagAgeMs: number
  /** Since the start: records brought into effect, those of them set aside, failed attempts. */
  readonly records: number
  readonly quarantined: number
  readonly failures: number
}

export type Writer = {
  readonly status: () => WriterStatus
  /** `lagAgeMs` of the status. */
  readonly lagAgeMs: () => number
  /** Writes what is durable now, at once. False when the ledger fails or `timeoutMs` passes; nothing is lost then. */
  readonly flush: (timeoutMs?: number) => Promise<boolean>
  /** Stops after a last `flush` of at most `timeoutMs`; the next start continues where this one ended. */
  readonly close: (timeoutMs?: number) => Promise<void>
}

/** How often to look without being told: a notice may be missed, a backlog may be older than this process. */
const lookMs = 5_000

/** Starts draining at once. `close` it before the journal and the ledger. */
export function createWriter(deps: WriterDeps): Writer {
  const { journal, clock, logger } = deps
  const { batchRows = 1_000, lingerMs = 1_000, retryMinMs = 250, retryMaxMs = 30_000 } = deps
  const counts = { records: 0, quarantined: 0, failures: 0 }
  let failuresInARow = 0
  let lagRecords = 0
  let behindSinceMs: number | null = null
  let noticed = false
  let draining: Promise<boolean> | null = null
  let prepared = false
  let stopped = false
  const alarm = createAlarm(() => void drain())

  journal.onDurable(() => {
    noticed = true
    behindSinceMs ??= clock.nowMs()
    if (failuresInARow === 0) alarm.ringIn(lingerMs)
  })
  alarm.ringIn(0)

  const lagAgeMs = () => (behindSinceMs === null ? 0 : Math.max(0, clock.nowMs() - behindSinceMs))

  const status = (): WriterStatus => ({
    healthy: failuresInARow === 0,
    lagRecords,
    lagBytes: journal.backlogBytes(),
    lagAgeMs: lagAgeMs(),
    ...counts,
  })

  return {
    status,
    lagAgeMs,
    flush: (timeoutMs) => within(flush(), timeoutMs),
    close: async (timeoutMs = 5_000) => {
      alarm.close()
      const done = await within(flush(), timeoutMs)
      stopped = true
      if (!done) {
        logger.warn(
          { lagBytes: journal.backlogBytes() },
          'closed with records in the journal; the next start writes them',
        )
      }
    },
  }

  /** A drain under way may have passed the newest records, so a second one follows it. */
  async function flush(): Promise<boolean> {
    if (draining !== null) await draining
    return drain('to the end')
  }

  /** One drain at a time; resolves true when the journal was empty, false on failure. Never rejects. */
  function drain(
    until: 'to the end' | 'while batches are full' = 'while batches are full',
  ): Promise<boolean> {
    if (draining !== null) return draining
    alarm.reset()
    draining = drainBatches(until).then(
      () => settle(true),
      (error: unknown) => settle(false, error),
    )
    return draining
  }

  function settle(emptied: boolean, error?: unknown): boolean {
    draining = null
    failuresInARow = emptied ? 0 : failuresInARow + 1
    if (emptied) {
      deps.onStatus?.(status())
      alarm.ringIn(behindSinceMs === null ? lookMs : lingerMs)
      return true
    }
    counts.failures += 1
    deps.onStatus?.(status())
    const waitMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(failuresInARow - 1, 20))
    logger.warn(
      { err: error, waitMs, lagBytes: journal.backlogBytes() },
      'the ledger took no batch; trying again',
    )
    alarm.ringIn(waitMs)
    return false
  }

  async function drainBatches(until: 'to the end' | 'while batches are full'): Promise<void> {
    if (!prepared) {
      await deps.prepare?.()
      prepared = true
    }
    while (!stopped) {
      noticed = false
      const batch = await journal.read(batchRows)
      if (batch.records.length === 0) {
        // A record that became durable while we read is the next drain's.
        behindSinceMs = noticed ? clock.nowMs() : null
        return
      }
      lagRecords = batch.records.length
      behindSinceMs = oldestMs(batch.records, clock.nowMs())
      await deps.keepEntries?.(batch)
      counts.quarantined += await applySparing(deps, batch.records)
      await journal.commit(batch.next)
      counts.records += batch.records.length
      failuresInARow = 0
      lagRecords = 0
      deps.onStatus?.(status())
      // What came meanwhile gathers company first: each insert makes a part, whether of two rows or of two thousand.
      if (until === 'while batches are full' && batch.records.length < batchRows) {
        behindSinceMs = noticed ? clock.nowMs() : null
        return
      }
    }
  }
}

function oldestMs(records: readonly JournalRecord[], nowMs: number): number {
  return records.reduce((oldest, record) => {
    const atMs = record['seen_at_ms'] ?? record['started_at_ms']
    return typeof atMs === 'number' && atMs < oldest ? atMs : oldest
  }, nowMs)
}
