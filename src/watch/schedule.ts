// Which session is looked at next: those that run before those that came to rest, a few at a time, each at most once at
// the same moment; again after every check interval while it runs, and later and later while looking at it fails.
import type { Feeds } from './feeds.ts'
import type { Look } from './look.ts'
import type { After } from './read-budget.ts'
import { GoneError, ReadError } from './reads.ts'
import { isAtWork } from './state-key.ts'
import { createWatched, isFed, type Watched } from './watched.ts'

export type ScheduleDeps = {
  readonly monotonicMs: () => number
  readonly after: After
  readonly look: Look
  readonly feeds: Feeds
  /** Between two looks at a session that runs. */
  readonly checkMs: number
  /** What earlier looks, of this process or another, left of a session. */
  readonly known: Known
  /** Whether this gateway is to look at the session; another does otherwise. */
  readonly isMine: (id: string) => boolean
  /** Must not throw. */
  readonly onFailed: (session: Watched, reason: string, error: unknown) => void
}

/** How far sessions at rest were read. */
export type Known = {
  readonly get: (id: string) => { readonly stateKey: string; readonly listedUntil: string } | undefined
  readonly set: (id: string, left: { readonly stateKey: string; readonly listedUntil: string }) => void
  readonly delete: (id: string) => void
}

export type Schedule = {
  readonly find: (id: string) => Watched | undefined
  /** The session, followed from now on. */
  readonly follow: (id: string, upstream: string) => Watched
  /** Owes the session a look after `delayMs`. */
  readonly want: (session: Watched, delayMs: number) => void
  /** A session that runs, and needs no look before the next check. */
  readonly checkLater: (session: Watched) => void
  /** Forgets a session that rests and that nobody streams. */
  readonly release: (session: Watched) => void
  /** Other gateways are alive than before: takes up what is now this one's, and leaves what is not. */
  readonly reshare: () => void
  readonly count: () => number
  /** How long the oldest look that is owed has been owed, in ms. */
  readonly lagMs: () => number
  /** Looks at nothing any more; resolves when no look is under way. */
  readonly close: () => Promise<void>
}

const lookersMax = 8
/** What falls due within so short a time is looked at together. */
const tickMs = 5
const refeedMs = 10_000
const retryMs = 500
const retryMsMax = 60_000
/** The object may say that it runs a moment longer than the events do. */
const restCheckMs = 1_000
/** What a caller sent may take a moment until the object shows it. */
const wakeCheckMs = 2_000

/** An empty schedule. */
export function createSchedule(deps: ScheduleDeps): Schedule {
  const { monotonicMs, after, look, feeds, known } = deps
  const followed = new Map<string, Watched>()
  const looking = new Set<Promise<void>>()
  let armed: { readonly atMs: number; readonly disarm: () => void } | null = null
  let isClosed = false

  // Thousands of sessions may be followed: only a tick looks through them all.
  const armAt = (atMs: number): void => {
    if (isClosed || looking.size >= lookersMax || atMs === Number.POSITIVE_INFINITY) return
    if (armed !== null && armed.atMs <= atMs) return
    armed?.disarm()
    armed = { atMs, disarm: after(Math.max(tickMs, atMs - monotonicMs()), tick) }
  }
  const arm = (): void => {
    let nextMs = Number.POSITIVE_INFINITY
    for (const session of followed.values())
      if (!session.isLooking) nextMs = Math.min(nextMs, session.dueAtMs)
    armAt(nextMs)
  }
  const tick = (): void => {
    armed = null
    const nowMs = monotonicMs()
    const due = [...followed.values()]
      .filter((session) => !session.isLooking && session.dueAtMs <= nowMs)
      .toSorted((a, b) => rankOf(a) - rankOf(b) || a.dueAtMs - b.dueAtMs)
    for (const session of due.slice(0, lookersMax - looking.size)) start(session)
    arm()
  }
  const start = (session: Watched): void => {
    session.isLooking = true
    session.isWantedAgain = false
    session.dueAtMs = Number.POSITIVE_INFINITY
    const { stateKey } = session
    const under = look(session, rankOf(session) === 0 ? 'running' : 'settle', 'follow')
      .then(
        () => settle(session, stateKey),
        (error: unknown) => fail(session, error),
      )
      .finally(() => {
        looking.delete(under)
        arm()
      })
    looking.add(under)
  }
  const settle = (session: Watched, keyBefore: string): void => {
    session.isLooking = false
    session.failures = 0
    session.owedSinceMs = null
    if (isAtWork(session.status) || session.stateKey !== keyBefore) session.wakeChecks = 0
    if (session.isWantedAgain) want(session, 0)
    else if (session.wakeChecks > 0) {
      session.wakeChecks -= 1
      want(session, wakeCheckMs)
    } else if (!isAtWork(session.status)) release(session)
    else if (session.restChecks > 0) {
      session.restChecks -= 1
      want(session, restCheckMs)
    } else checkLater(session)
  }
  const fail = (session: Watched, error: unknown): void => {
    session.isLooking = false
    if (isClosed) return
    if (error instanceof GoneError) {
      feeds.closeAll(session)
      followed.delete(session.id)
      known.delete(session.id)
      return
    }
    session.failures += 1
    deps.onFailed(session, error instanceof ReadError ? `status_${error.status}` : 'broken', error)
    session.dueAtMs = monotonicMs() + Math.min(retryMs * 2 ** Math.min(session.failures, 10), retryMsMax)
  }
  /** Another gateway looks at it. What our own clients stream of it still passes the tap. */
  const passOn = (session: Watched): void => {
    session.owedSinceMs = null
    session.dueAtMs = Number.POSITIVE_INFINITY
    session.wakeChecks = 0
    feeds.closeAll(session)
    if (!session.isLooking && session.feeds.size === 0 && !isAtWork(session.status))
      followed.delete(session.id)
  }
  const want = (session: Watched, delayMs: number): void => {
    if (!deps.isMine(session.id)) {
      passOn(session)
      return
    }
    session.owedSinceMs ??= monotonicMs()
    if (session.isLooking) {
      session.isWantedAgain = true
      return
    }
    // One that fails keeps its turn: what is wanted again does not make the upstream any better.
    if (session.failures > 0) return
    const dueAtMs = monotonicMs() + delayMs
    if (dueAtMs >= session.dueAtMs) return
    session.dueAtMs = dueAtMs
    armAt(dueAtMs)
  }
  const checkLater = (session: Watched): void => {
    if (!deps.isMine(session.id)) {
      passOn(session)
      return
    }
    const primary = session.feeds.get('')
    // A stream that could not be opened is tried again long before the next check, when there may be one more.
    const isUnfed = (primary === undefined || !isFed(primary)) && feeds.hasRoom()
    const delayMs = isUnfed ? Math.min(deps.checkMs, refeedMs) : deps.checkMs
    session.dueAtMs = Math.min(session.dueAtMs, monotonicMs() + delayMs)
    armAt(session.dueAtMs)
  }
  const release = (session: Watched): void => {
    if (session.isLooking || session.owedSinceMs !== null || isAtWork(session.status)) return
    feeds.closeAll(session)
    if (session.stateKey !== '') known.set(session.id, session)
    if (session.feeds.size === 0) followed.delete(session.id)
  }

  return {
    find: (id) => followed.get(id),
    follow: (id, upstream) => {
      const session = followed.get(id) ?? createWatched(id, upstream, known.get(id))
      followed.set(id, session)
      return session
    },
    want,
    checkLater,
    release,
    reshare: () => {
      for (const session of followed.values()) {
        if (!deps.isMine(session.id)) passOn(session)
        else if (session.dueAtMs === Number.POSITIVE_INFINITY && !session.isLooking) want(session, 0)
      }
    },
    count: () => followed.size,
    lagMs: () => {
      const nowMs = monotonicMs()
      let lagMs = 0
      for (const { owedSinceMs } of followed.values())
        if (owedSinceMs !== null) lagMs = Math.max(lagMs, nowMs - owedSinceMs)
      return lagMs
    },
    close: async () => {
      isClosed = true
      armed?.disarm()
      for (const session of followed.values()) feeds.closeAll(session)
      await Promise.all(looking)
      // What was being opened meanwhile.
      for (const session of followed.values()) feeds.closeAll(session)
    },
  }
}

/** 0: it runs, or may; 1: it came to rest. */
function rankOf({ status }: Watched): number {
  return status === '' || isAtWork(status) ? 0 : 1
}
