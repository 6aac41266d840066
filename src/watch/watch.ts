// The second way in: makes the record of every session complete, whether or not a client streams it. What it reads goes
// the way of everything the tap sees, so nothing counts twice; what it has read is remembered behind the facts.
import type { FollowUpstream } from '../forward/follow-upstream.ts'
import type { Clock } from '../kernel/clock.ts'
import type { JournalRecord } from '../kernel/journal.ts'
import type { Logger } from '../kernel/logger.ts'
import { within } from '../kernel/within.ts'
import type { WatchedSession } from '../ledger/queries/watched-sessions.ts'
import type { Sighting } from '../tap/sighting.ts'
import { createFeeds, type FeedsDeps, type ReadSightings } from './feeds.ts'
import { createKnown } from './known.ts'
import { createLook } from './look.ts'
import { concernsWatch, react } from './react.ts'
import { type After, createReadBudget } from './read-budget.ts'
import { createReads, GoneError, type ReadKind, type Reads } from './reads.ts'
import { createRounds } from './rounds.ts'
import { createSchedule } from './schedule.ts'
import { isAtWork, stateKeyOf } from './state-key.ts'
import { createWatched, feedOf, isFed, type Watched } from './watched.ts'

export type WatchSettings = {
  /** Reads of ours an upstream gets in any minute, at most. */
  readonly readsPerMinute: number
  /** Between two looks at a session that runs. */
  readonly checkMs: number
  /** Between two listings of what there is. */
  readonly sweepMs: number
  /** Default `all`. */
  readonly events?: 'all' | 'metered'
}

export type WatchDeps = WatchSettings & {
  readonly clock: Clock
  readonly after: After
  /** The first one serves every team that names none. */
  readonly upstreams: readonly { readonly name: string; readonly follow: FollowUpstream }[]
  /** The upstream of a team; null for the first. */
  readonly upstreamOf: (team: string) => string | null
  readonly readSightings: ReadSightings
  readonly createFrameReader: FeedsDeps['createFrameReader']
  /** Resolves when the records are durable, in this order. Rejects when one is not. */
  readonly keep: (records: readonly JournalRecord[]) => Promise<void>
  /** How far sessions were read before. May reject: then they are read again. */
  readonly loadWatched: () => Promise<readonly WatchedSession[]>
  /** Whether this gateway is to watch the session; without it, all of them. */
  readonly isMine?: (id: string) => boolean
  readonly onRead: (kind: ReadKind) => void
  readonly onFailed: (reason: string) => void
  readonly logger: Logger
}

/** A call through the gateway that has been answered. */
export type WatchedExchange = {
  readonly exchange_id: string
  readonly operation: string
  readonly session_id: string
  readonly team: string
  readonly status: number
}

export type WatchStatus = {
  readonly sessions: number
  readonly streams: number
  /** How long the oldest look that is owed has been owed. */
  readonly lagMs: number
  /** What keeps it from its work; null when nothing does. */
  readonly problem: string | null
}

export type Watch = {
  /** Something was seen on a client's exchange. */
  readonly note: (sightings: readonly Sighting[]) => void
  /** A client's stream passes the tap from now on, until `settled` names its exchange. */
  readonly streamOpened: (stream: ClientStream) => void
  readonly settled: (exchange: WatchedExchange) => void
  /** Something may have happened to this session. */
  readonly wake: (sessionId: string, team: string) => void
  /** As `wake`, of a session of which only the upstream is known. */
  readonly wakeAt: (sessionId: string, upstream: string) => void
  /** Reads what there is of a session that is about to end. Never rejects, and never takes much longer than three seconds. */
  readonly beforeEnd: (sessionId: string, team: string) => Promise<void>
  /** Other gateways are alive than before. */
  readonly reshare: () => void
  readonly status: () => WatchStatus
  readonly close: () => Promise<void>
}

export type ClientStream = {
  readonly exchangeId: string
  readonly sessionId: string
  /** '' on the primary. */
  readonly threadId: string
  readonly team: string
}

const streamsMax = 500
const wakeChecksMax = 2
/** What a DELETE waits at most. */
const beforeEndMs = 3_000
/** What a caller's answer must have changed, as one sees the session. */
export const wakingOperations: ReadonlySet<string> = new Set([
  'sessions.create',
  'sessions.update',
  'sessions.archive',
  'sessions.events.send',
  'sessions.threads.archive',
])

/** Starts watching. Nothing it meets can reach a caller's request. */
export function startWatch(deps: WatchDeps): Watch {
  const { clock, after, keep, logger } = deps
  const { monotonicMs } = clock
  const [first] = deps.upstreams
  if (first === undefined) throw new Error('no upstream to watch')
  const budgets = deps.upstreams.map(() =>
    createReadBudget({ readsPerMinute: deps.readsPerMinute, monotonicMs, after }),
  )
  const readers = new Map<string, Reads>(
    deps.upstreams.flatMap(({ name, follow }, at) => {
      const budget = budgets[at]
      if (budget === undefined) return []
      const onRefused = () => deps.onFailed('too_fast')
      return [[name, createReads({ upstream: follow, budget, onRead: deps.onRead, onRefused })]]
    }),
  )
  const readsOf = (upstream: string): Reads => {
    const reads = readers.get(upstream)
    if (reads === undefined) throw new Error(`no upstream \`${upstream}\` to watch`)
    return reads
  }
  const isMine = deps.isMine ?? (() => true)
  const upstreamOf = (team: string): string => deps.upstreamOf(team) ?? first.name
  const known = createKnown()
  const feeds = createFeeds({
    readsOf,
    readSightings: deps.readSightings,
    createFrameReader: deps.createFrameReader,
    keep,
    onEvents: (session, seen) => {
      for (const sighting of seen) if (concernsWatch(sighting)) react(schedule, session, sighting)
    },
    onGap: (session) => {
      if (isAtWork(session.status)) schedule.want(session, 0)
    },
    onRefused: () => deps.onFailed('stream'),
    streamsMax,
  })
  const look = createLook({
    nowMs: clock.nowMs,
    readsOf,
    feeds,
    readSightings: deps.readSightings,
    events: deps.events ?? 'all',
    keep,
  })
  const onFailed = (session: Watched, reason: string, error: unknown): void => {
    deps.onFailed(reason)
    // The first time only: while an upstream is away, every session would say so.
    if (session.failures === 1)
      logger.warn({ session_id: session.id, reason, err: error }, 'looking at a session failed; trying again')
  }
  const schedule = createSchedule({
    monotonicMs,
    after,
    look,
    feeds,
    checkMs: deps.checkMs,
    known,
    isMine,
    onFailed,
  })
  const clientStreams = new Map<string, ClientStream>()
  const owe = (id: string, upstream: string): void => schedule.want(schedule.follow(id, upstream), 0)

  const wakeAt = (id: string, upstream: string): void => {
    schedule.follow(id, upstream).wakeChecks = wakeChecksMax
    owe(id, upstream)
  }
  const wake = (id: string, team: string): void => wakeAt(id, upstreamOf(team))

  const onListed = async (upstream: string, raw: unknown): Promise<void> => {
    const seen = deps.readSightings('sessions.list', { data: [raw] }, { id: '', threadId: '' })
    const [sighting] = seen
    if (sighting?.about !== 'session') return
    const { session_id: id, status } = sighting
    if (!isMine(id)) return
    const followed = schedule.find(id)
    if (isAtWork(status) ? followed !== undefined && isAtWork(followed.status) : isRead(id, raw)) return
    await keep(seen)
    owe(id, upstream)
  }
  const isRead = (id: string, raw: unknown): boolean =>
    (schedule.find(id) ?? known.get(id))?.stateKey === stateKeyOf(raw)
  const rounds = createRounds({
    clock,
    after,
    roundMs: deps.sweepMs,
    upstreams: [...readers].map(([name, reads]) => ({ name, reads })),
    onListed,
    // Whatever is not known yet is read again, which costs reads and nothing else.
    begin: async () => {
      for (const row of await deps.loadWatched())
        known.set(row.session_id, { stateKey: row.state_key, listedUntil: row.listed_until })
    },
    onFailed: (upstream, error) => {
      deps.onFailed('sweep')
      logger.warn({ upstream, err: error }, 'listing sessions failed; trying again')
    },
  })

  const close = (stream: ClientStream): void => {
    clientStreams.delete(stream.exchangeId)
    const session = schedule.find(stream.sessionId)
    const feed = session?.feeds.get(stream.threadId)
    if (session === undefined || feed === undefined) return
    feed.clients.delete(stream.exchangeId)
    if (isFed(feed)) return
    feed.gap = true
    if (isAtWork(session.status)) schedule.want(session, 0)
    else {
      session.feeds.delete(stream.threadId)
      schedule.release(session)
    }
  }

  return {
    note: (sightings) => {
      for (const sighting of sightings) {
        if (!concernsWatch(sighting)) continue
        react(schedule, schedule.follow(sighting.session_id, upstreamOf(sighting.team)), sighting)
      }
    },
    streamOpened: (stream) => {
      clientStreams.set(stream.exchangeId, stream)
      const session = schedule.follow(stream.sessionId, upstreamOf(stream.team))
      feedOf(session, stream.threadId).clients.add(stream.exchangeId)
      schedule.want(session, 0)
    },
    settled: (exchange) => {
      const stream = clientStreams.get(exchange.exchange_id)
      if (stream !== undefined) close(stream)
      const { operation, session_id: id, team, status } = exchange
      if (id === '' || !wakingOperations.has(operation) || status < 200 || status > 299) return
      wake(id, team)
    },
    wake,
    wakeAt,
    beforeEnd: async (id, team) => {
      const left = schedule.find(id) ?? known.get(id)
      const session = createWatched(id, upstreamOf(team), left)
      const looked = look(session, 'urgent', 'read_only').then(
        () => {
          if (session.stateKey !== '') known.set(id, session)
          return true
        },
        (error: unknown) => {
          if (error instanceof GoneError) return true
          deps.onFailed('before_end')
          logger.warn({ session_id: id, err: error }, 'the last look at a session that ends failed')
          return true
        },
      )
      if (!(await within(looked, beforeEndMs))) deps.onFailed('before_end_late')
    },
    reshare: () => {
      schedule.reshare()
      rounds.relist()
    },
    status: () => ({
      sessions: schedule.count(),
      streams: feeds.count(),
      lagMs: schedule.lagMs(),
      problem: rounds.problem() ?? (schedule.lagMs() > lagMsMax ? 'behind by more than ten minutes' : null),
    }),
    close: async () => {
      rounds.close()
      for (const budget of budgets) budget.close()
      await schedule.close()
    },
  }
}

const lagMsMax = 600_000
