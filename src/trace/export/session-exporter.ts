// Exports sessions: which have something new, what of it is complete and was not handed over, into the outbox, and then a
// mark in the ledger. The outbox comes first: after a crash between the two its letters say what must not be built again.
import { createHash } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Ledger } from '../../ledger/port.ts'
import { readSessionTrace } from '../../ledger/queries/session-trace.ts'
import { markExported, readExported, readUnexported } from '../../ledger/queries/trace-exports.ts'
import { readTurns } from '../turns/read-turns.ts'
import { sessionFacts, toStored } from '../turns/stored-session.ts'
import { type AgentSpans, itemsOf, type LogItem, type SpanItem, type TraceItem } from './items.ts'
import type { Protocol, Serialize } from './otlp-bytes.ts'
import type { Outbox, Signal } from './outbox.ts'

export type SessionExporterDeps = {
  readonly ledger: Pick<Ledger, 'query' | 'insert'>
  readonly outbox: Outbox
  readonly serialize: { readonly [signal in Signal]: Serialize | null }
  readonly protocols: { readonly [signal in Signal]: Protocol }
  readonly mode: AgentSpans
  /** Whether this process is the one that exports the session. */
  readonly isMine: (sessionId: string) => boolean
  readonly onPut: () => void
  readonly clock: Clock
  readonly logger: Logger
  /** The outbox is full beyond so many bytes: nothing more is built until some of it is sent. */
  readonly bytesMax: number
  /** Between two looks at one session, at least; and between two at what was missed. */
  readonly lookMs?: number
  readonly sweepMs?: number
}

export type SessionExporter = {
  /** The ledger has something new of these sessions. */
  readonly touched: (sessionIds: Iterable<string>) => void
  /** Builds what is there now. Rejects with what the ledger or the disk throws. */
  readonly flush: () => Promise<void>
  readonly close: () => Promise<void>
}

const eventsMax = 100_000
const itemsMax = 512
/** What is older is history: backends refuse or misplace it. */
const ageMaxMs = 23 * 3_600_000
/** How long after its end a turn may still learn how something in it ended. */
const settlingMs = 60_000
/** A session whose events take long to read is read less often: at most a twentieth of the time goes into it. */
const share = 20
const waitingMax = 50_000

/** Starts exporting. */
export function openSessionExporter(deps: SessionExporterDeps): SessionExporter {
  const { ledger, outbox, clock, logger, lookMs = 2_000, sweepMs = 300_000 } = deps
  const waiting = new Map<string, number>()
  let lastSweepMs = 0
  let isClosed = false
  let failures = 0
  // Of a crash between outbox and ledger: handed over, and marked by nobody yet.
  let unmarked = [...outbox.held()]

  const take = (ids: Iterable<string>, atMs: number): void => {
    for (const id of ids) if (!waiting.has(id) && waiting.size < waitingMax) waiting.set(id, atMs)
  }
  const sweep = async (): Promise<void> => {
    const nowMs = clock.nowMs()
    if (nowMs - lastSweepMs < sweepMs) return
    if (unmarked.length > 0) await mark(ledger, unmarked)
    unmarked = []
    const recentMs = nowMs - 3 * settlingMs
    take(await readUnexported(ledger, { sinceMs: nowMs - ageMaxMs, recentMs }), nowMs)
    lastSweepMs = nowMs
  }
  const build = async (everything: boolean): Promise<void> => {
    await sweep()
    const nowMs = clock.nowMs()
    for (const [id, atMs] of later) {
      if (atMs > nowMs && !everything) continue
      later.delete(id)
      take([id], nowMs)
    }
    const due = [...waiting].filter(([id, atMs]) => (everything || atMs <= nowMs) && deps.isMine(id))
    for (const [id] of due) {
      if (outbox.bytes() > deps.bytesMax) return
      waiting.delete(id)
      const startedMs = clock.monotonicMs()
      try {
        const againMs = await exportSession(deps, id)
        if (againMs !== null && !waiting.has(id)) later.set(id, againMs)
      } catch (error) {
        waiting.set(id, nowMs)
        throw error
      }
      // What comes meanwhile waits for its turn.
      const pauseMs = Math.max(lookMs, (clock.monotonicMs() - startedMs) * share)
      recent.set(id, clock.nowMs() + pauseMs)
    }
    for (const [id, untilMs] of recent) if (untilMs <= clock.nowMs()) recent.delete(id)
    for (const id of waiting.keys()) if (!deps.isMine(id)) waiting.delete(id)
  }
  const recent = new Map<string, number>()
  const later = new Map<string, number>()
  let going: Promise<void> = Promise.resolve()
  const inTurn = (everything: boolean): Promise<void> => {
    const next = going.catch(() => undefined).then(() => build(everything))
    going = next
    return next
  }
  const tick = (): void => {
    void inTurn(false)
      .then(
        () => {
          failures = 0
        },
        (err: unknown) => {
          failures += 1
          if (failures === 10)
            logger.warn({ err }, 'sessions are not exported as traces now; the ledger keeps them')
        },
      )
      .finally(() => {
        if (!isClosed) timer = setTimeout(tick, lookMs / 2).unref()
      })
  }
  let timer = setTimeout(tick, 0).unref()
  return {
    touched: (ids) => {
      for (const id of ids) take([id], recent.get(id) ?? clock.nowMs())
    },
    flush: () => inTurn(true),
    close: async () => {
      isClosed = true
      clearTimeout(timer)
      await going.catch(() => undefined)
      clearTimeout(timer)
    },
  }
}

/** Resolves to when to look again for what has not settled; null when all has. */
async function exportSession(deps: SessionExporterDeps, sessionId: string): Promise<number | null> {
  const { ledger, clock, outbox } = deps
  const [found, exported] = await Promise.all([
    readSessionTrace(ledger, sessionId, eventsMax),
    readExported(ledger, sessionId),
  ])
  // What the upstream has not processed yet may still change its time, and more than we read is told as far as these reach.
  const rows = {
    ...found,
    events: found.events.slice(0, eventsMax).filter(({ is_processed }) => is_processed === 1),
  }
  const oldest = (clock.nowMs() - ageMaxMs) * 1_000
  const stored = rows.events.map(toStored)
  const turns = readTurns(stored, sessionFacts(sessionId, rows))
  const settledMicros = (clock.nowMs() - settlingMs) * 1_000
  const isNew = (uid: string): boolean => !exported.has(uid)
  const fresh = itemsOf(sessionId, turns, rows, stored, { mode: deps.mode, settledMicros, isNew }).filter(
    (item) => (item.kind === 'log' ? item.atMicros : item.endMicros) >= oldest,
  )
  for (let start = 0; start < fresh.length; start += itemsMax)
    await handOver(deps, fresh.slice(start, start + itemsMax))
  if (fresh.length > 0) deps.onPut()
  if (outbox.bytes() > deps.bytesMax)
    deps.logger.error(
      { bytes: outbox.bytes() },
      'the outbox of traces is full; the ledger keeps what is not in it',
    )
  const unsettled = turns.some(({ endedAtMicros }) => endedAtMicros !== null && endedAtMicros > settledMicros)
  return unsettled ? clock.nowMs() + settlingMs : null
}

async function handOver(deps: SessionExporterDeps, items: readonly TraceItem[]): Promise<void> {
  const spans = items.filter((item): item is SpanItem => item.kind === 'span')
  const logs = items.filter((item): item is LogItem => item.kind === 'log')
  const put = async (
    signal: Signal,
    part: readonly TraceItem[],
    bytes: Buffer | undefined,
  ): Promise<void> => {
    if (bytes === undefined || part.length === 0) return
    const type = deps.protocols[signal] === 'http/json' ? 'application/json' : 'application/x-protobuf'
    await deps.outbox.put({ signal, type, made_at_ms: deps.clock.nowMs(), items: part.map(nameOf), bytes })
  }
  await put('traces', spans, spans.length === 0 ? undefined : deps.serialize.traces?.spans(spans))
  await put('logs', logs, logs.length === 0 ? undefined : deps.serialize.logs?.logs(logs))
  await mark(deps.ledger, items.map(nameOf))
}

const nameOf = ({ sessionId, uid }: TraceItem) => ({ session_id: sessionId, uid })

function mark(
  ledger: Pick<Ledger, 'insert'>,
  rows: readonly { readonly session_id: string; readonly uid: string }[],
): Promise<void> {
  const token = createHash('sha256').update(JSON.stringify(rows)).digest('hex')
  return markExported(ledger, rows, token)
}
