// The watcher alone, in front of a simulator in a time of its own; what it keeps is added up as the ledger would.
import { onTestFinished } from 'vitest'
import { createFollowUpstream } from '../../src/forward/follow-upstream.ts'
import { createPools } from '../../src/forward/pools.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { JournalRecord } from '../../src/kernel/journal.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { Secret } from '../../src/kernel/secret.ts'
import type { SessionStatusRow, UsageEventFact, UsageSnapshotRow } from '../../src/ledger/rows.ts'
import { deriveIntervals } from '../../src/meter/intervals.ts'
import { project } from '../../src/meter/project.ts'
import type { SessionBill } from '../../src/simulator/billing/bill.ts'
import { createManualClock, type SimulatorOptions } from '../../src/simulator/simulator.ts'
import { answerReaders, isKept } from '../../src/tap/answer-readers.ts'
import { createEventStreamTap } from '../../src/tap/event-stream-tap.ts'
import { createReadSightings } from '../../src/watch/open-watch.ts'
import { startWatch, type Watch, type WatchDeps } from '../../src/watch/watch.ts'
import { billed } from './accounting.ts'
import { openSessionHouse } from './session-house.ts'
import { until } from './until.ts'

export type WatchedWorld = Awaited<ReturnType<typeof openWatchedWorld>>

const day = 24 * 3_600_000

/** Opens the world; no watcher watches yet. It closes itself with the test. */
export async function openWatchedWorld(options: SimulatorOptions = {}) {
  const clock = createManualClock(Date.now() - 20 * day)
  const house = await openSessionHouse({ clock, ...options })
  const { simulator } = house
  const records: JournalRecord[] = []
  const failures: string[] = []
  const reads: string[] = []

  const watch = (given: Partial<WatchDeps> = {}): Watch => {
    const pools = createPools({ url: new URL(simulator.url) })
    const watching = startWatch({
      readsPerMinute: 100_000,
      checkMs: 60_000,
      sweepMs: 25,
      clock: systemClock,
      after: (delayMs, run) => {
        const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1))
        return () => clearTimeout(timer)
      },
      upstreams: [
        {
          name: 'default',
          follow: createFollowUpstream({ pools, credential: new Secret(simulator.apiKey) }),
        },
      ],
      upstreamOf: () => null,
      readSightings: createReadSightings(answerReaders, systemClock),
      createFrameReader: (on) => createEventStreamTap({ isRead: isKept('all'), onSkipped: () => {}, ...on }),
      keep: async (kept) => void records.push(...kept),
      loadWatched: async () => records.flatMap((record) => project(record).watched_sessions ?? []),
      onRead: (kind) => void reads.push(kind),
      onFailed: (reason) => void failures.push(reason),
      logger: silentLogger,
      ...given,
    })
    const close = async (): Promise<void> => {
      await pools.close()
      await watching.close()
    }
    onTestFinished(close)
    return { ...watching, close }
  }

  const billOf = (id: string): SessionBill => {
    const bill = simulator.bill().sessions.find((each) => each.session_id === id)
    if (bill === undefined) throw new Error(`the upstream bills no session \`${id}\``)
    return bill
  }
  return {
    ...house,
    clock,
    records,
    reads,
    failures,
    watch,
    billOf,
    ledgerOf: (id: string) => addUp(records, id),
    /** Waits until the ledger has what the upstream bills; fails with both after ten seconds. */
    agrees: async (id: string): Promise<void> => {
      await until(
        () => ({ ledger: addUp(records, id), bill: quantities(billOf(id)) }),
        ({ ledger, bill }) => JSON.stringify(ledger) === JSON.stringify(bill),
      )
    },
  }
}

/** What both sides count: of searches only snapshots know, which the usage report reads. */
export function quantities(bill: SessionBill) {
  const { web_search_requests: _searches, cache_write_5m_tokens, ...rest } = billed(bill)
  const written1h = bill.models.reduce((sum, model) => sum + model.cache_creation_1h_input_tokens, 0)
  // A model request says only the sum of its cache writes.
  return { ...rest, cache_write_5m_tokens: cache_write_5m_tokens + written1h }
}

/** One session's quantities, each fact once by its key, running time as the writer derives it. */
function addUp(records: readonly JournalRecord[], id: string): ReturnType<typeof quantities> {
  const facts = new Map<string, UsageEventFact>()
  const edges: SessionStatusRow[] = []
  const snapshots = new Map<string, UsageSnapshotRow>()
  for (const record of records) {
    if (record['session_id'] !== id) continue
    const rows = project(record)
    for (const fact of rows.facts ?? []) if (fact.kind === 'model_request') facts.set(fact.event_id, fact)
    edges.push(...(rows.session_status ?? []))
    for (const row of rows.usage_snapshots ?? []) {
      const kept = snapshots.get(row.snapshot_key)
      if (kept === undefined || row.ver > kept.ver) snapshots.set(row.snapshot_key, row)
    }
  }
  const sum = (pick: (fact: UsageEventFact) => number): number =>
    [...facts.values()].reduce((total, fact) => total + pick(fact), 0)
  return {
    input_tokens: sum((fact) => fact.input_tokens),
    output_tokens: sum((fact) => fact.output_tokens),
    cache_read_tokens: sum((fact) => fact.cache_read_tokens),
    model_requests: facts.size,
    running_ms: runningMs(id, edges, [...snapshots.values()]),
    cache_write_5m_tokens: sum((fact) => fact.cache_write_5m_tokens),
  }
}

function runningMs(
  id: string,
  edges: readonly SessionStatusRow[],
  snapshots: readonly UsageSnapshotRow[],
): number {
  const [largest] = snapshots.toSorted((a, b) => b.active_ms - a.active_ms)
  const stated = largest && {
    session_id: id,
    active_ms: largest.active_ms,
    observed_at: largest.observed_at,
    checkpoints: snapshots.filter(({ source, active_ms }) => source === 'event' && active_ms > 0),
    snapshots: snapshots.length,
  }
  return deriveIntervals(edges, stated)
    .filter(({ status, provisional }) => status === 'running' && !provisional)
    .reduce((total, { startedAtMs, endedAtMs }) => total + (endedAtMs ?? startedAtMs) - startedAtMs, 0)
}
