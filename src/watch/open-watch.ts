// The watcher as the house has it: on or off, its eyes on the taps, its hands on the journal.
import { hash } from 'node:crypto'
import { hostname } from 'node:os'
import type { Permit } from '../authorize/permit.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Journal } from '../kernel/journal.ts'
import type { Logger } from '../kernel/logger.ts'
import { within } from '../kernel/within.ts'
import type { Ledger } from '../ledger/port.ts'
import { readReplicas, readTouchedSessions, sayAlive } from '../ledger/queries/replicas.ts'
import type { WatchedSession } from '../ledger/queries/watched-sessions.ts'
import type { AnswerReader } from '../tap/answer-readers.ts'
import type { createEventStreamTap } from '../tap/event-stream-tap.ts'
import type { Sighting } from '../tap/sighting.ts'
import type { Tap, Tapped } from '../tap/tap.ts'
import type { WatchGauges } from '../trace/gauges.ts'
import { rememberedMax } from './known.ts'
import type { After } from './read-budget.ts'
import { startAlone, startShares } from './shares.ts'
import {
  startWatch,
  type Watch,
  type WatchDeps,
  type WatchedExchange,
  type WatchSettings,
  wakingOperations,
} from './watch.ts'

export type OpenWatchDeps = {
  /** null: the watcher is off. */
  readonly settings: WatchSettings | null
  /** Absolute. It names this gateway among those that share its ledger. */
  readonly dataDir: string
  /** False when nobody else can have it: then there is nobody to look out for. */
  readonly isLedgerShared: boolean
  readonly clock: Clock
  readonly logger: Logger
  readonly journal: Journal
  readonly ledger: Ledger
  readonly metrics: {
    readonly watchRead: (kind: string) => void
    readonly watchFailed: (reason: string) => void
    readonly watchAttached: (status: () => WatchGauges) => void
  }
  readonly upstreams: WatchDeps['upstreams']
  readonly upstreamOf: WatchDeps['upstreamOf']
  readonly answerReaders: ReadonlyMap<string, AnswerReader>
  readonly createEventStreamTap: typeof createEventStreamTap
  /** Which frames are worth parsing. */
  readonly isRead: (type: string) => boolean
  readonly readWatchedSessions: (
    ledger: Ledger,
    fromMs: number,
    rowsMax: number,
  ) => Promise<readonly WatchedSession[]>
}

export type OpenedWatch = Pick<Watch, 'note' | 'close'> & {
  /** The tap of a client's exchange, noticed when it is a stream. */
  readonly attend: (tapped: Tapped, tap: Tap | null) => Tap | null
  readonly settled: (exchange: WatchedExchange) => void
  /** A last look at a session that is about to be deleted or archived; null for everything else. */
  readonly beforeForward: (
    permit: Permit,
    params: { readonly [name: string]: string },
  ) => Promise<void> | null
  /** What `/ready` asks; nothing when it is off. */
  readonly readiness: readonly { readonly name: string; readonly check: () => string | null }[]
  /** Something may have happened to this session of an upstream. */
  readonly wakeAt: (sessionId: string, upstream: string) => void
}

const streamOperations: ReadonlySet<string> = new Set([
  'sessions.events.stream',
  'sessions.threads.events.stream',
])
const endings: ReadonlySet<string> = new Set(['sessions.delete', 'sessions.archive'])
/** As far as listing everything goes back. */
const rememberedMs = 30 * 24 * 3_600_000
const closeMs = 2_000

const off: OpenedWatch = {
  note: () => {},
  attend: (_tapped, tap) => tap,
  settled: () => {},
  beforeForward: () => null,
  readiness: [],
  wakeAt: () => {},
  close: async () => {},
}

/** Starts the watcher, or one that does nothing. */
export function openWatch(deps: OpenWatchDeps): OpenedWatch {
  const { settings, clock, metrics, journal } = deps
  if (settings === null) return off
  const startedAtMs = clock.nowMs()
  const replicaId = replicaIdOf(deps.dataDir)
  const openShares = deps.isLedgerShared ? startShares : startAlone
  const shares = openShares({
    replicaId,
    after: setAfter,
    logger: deps.logger,
    sayAlive: (isGone) => sayAlive(deps.ledger, replicaId, { startedAtMs, isGone }),
    readReplicas: (aliveMs) => readReplicas(deps.ledger, aliveMs),
    readTouched: (sinceMs) =>
      readTouchedSessions(deps.ledger, { operations: [...wakingOperations], sinceMs }),
    onTouched: ({ session_id, team }) => watch.wake(session_id, team),
    onChange: () => watch.reshare(),
  })
  const watch = startWatch({
    ...settings,
    isMine: shares.isMine,
    clock,
    logger: deps.logger,
    after: setAfter,
    upstreams: deps.upstreams,
    upstreamOf: deps.upstreamOf,
    readSightings: createReadSightings(deps.answerReaders, clock),
    createFrameReader: (on) => deps.createEventStreamTap({ isRead: deps.isRead, onSkipped: () => {}, ...on }),
    keep: async (records) => {
      await Promise.all(records.map((record) => journal.append(record)))
    },
    loadWatched: () => deps.readWatchedSessions(deps.ledger, clock.nowMs() - rememberedMs, rememberedMax),
    onRead: metrics.watchRead,
    onFailed: metrics.watchFailed,
  })
  metrics.watchAttached(watch.status)
  return {
    note: watch.note,
    attend: (tapped, tap) => (tap === null ? null : attend(watch, tapped, tap)),
    settled: watch.settled,
    beforeForward: ({ operation, masks, caller }, params) => {
      const sessionId = params['session_id'] ?? ''
      // An id that was hidden from its caller is not looked for either.
      if (!endings.has(operation.id) || masks.length > 0 || sessionId === '') return null
      return watch.beforeEnd(sessionId, caller.team)
    },
    readiness: [{ name: 'watcher', check: () => watch.status().problem }],
    wakeAt: watch.wakeAt,
    close: async () => {
      await within(
        shares.close().then(() => true),
        closeMs,
      )
      await within(
        watch.close().then(() => true),
        closeMs,
      )
    },
  }
}

/** A data folder is one gateway's at a time, and after a restart the same one's. */
const replicaIdOf = (dataDir: string): string =>
  `gw_${hash('sha256', `${hostname()}\n${dataDir}`).slice(0, 16)}`

function attend(watch: Watch, { permit, params, exchangeId }: Tapped, tap: Tap): Tap {
  const sessionId = params['session_id'] ?? ''
  if (!streamOperations.has(permit.operation.id) || permit.masks.length > 0) return tap
  return {
    ...tap,
    onHead: (head) => {
      tap.onHead(head)
      if (head.status < 200 || head.status > 299 || !head.isEventStream) return
      watch.streamOpened({
        exchangeId,
        sessionId,
        threadId: params['thread_id'] ?? '',
        team: permit.caller.team,
      })
    },
  }
}

/** The tap's readers, for answers that are nobody's exchange. */
export function createReadSightings(
  readers: ReadonlyMap<string, AnswerReader>,
  clock: Pick<Clock, 'nowMs'>,
): WatchDeps['readSightings'] {
  return (operation, body, { id, threadId }): readonly Sighting[] =>
    readers.get(operation)?.(body, {
      session_id: id,
      thread_id: threadId,
      seen_at_ms: clock.nowMs(),
      exchange_id: '',
      team: '',
      caller: '',
    }) ?? []
}

/** The machine's timers; a watcher keeps no process alive. */
const setAfter: After = (delayMs, run) => {
  const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1))
  timer.unref()
  return () => clearTimeout(timer)
}
