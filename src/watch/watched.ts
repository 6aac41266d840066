// What the watcher knows of one session while it follows it.
import type { FollowedStream } from '../forward/follow-upstream.ts'

/** One thread's live events: whoever reads them, and whether some were missed. */
export type Feed = {
  /** Exchanges of clients whose stream passes the tap. */
  readonly clients: Set<string>
  /** Our own stream; null without one. */
  own: FollowedStream | null
  /** True unless a stream has been open since before the last listing. */
  gap: boolean
}

export type Watched = {
  readonly id: string
  readonly upstream: string
  /** As the upstream last said it; '' before it was asked. */
  status: string
  /** When to look next, on the monotonic clock; Infinity: not before something happens. */
  dueAtMs: number
  /** Since when a look is owed; null when none is. */
  owedSinceMs: number | null
  /** Looks left that believe an event of rest against an object that still says running. */
  restChecks: number
  /** Looks left that wait for what a caller's call must bring about, and did not find yet. */
  wakeChecks: number
  /** Looks that failed in a row. */
  failures: number
  isLooking: boolean
  /** Something happened during the look. */
  isWantedAgain: boolean
  /** The state whose history is in the ledger whole; '' when none is. */
  stateKey: string
  /** The primary thread's history is in the ledger until here; '' from the start. */
  listedUntil: string
  /** Whether there may be threads besides the primary. */
  mayHaveChildren: boolean
  /** Child thread -> the state whose history was listed. */
  readonly threads: Map<string, string>
  /** Thread id ('' the primary) -> its feed. */
  readonly feeds: Map<string, Feed>
}

/** A session nothing is known of but what an earlier look left. */
export function createWatched(
  id: string,
  upstream: string,
  left: { readonly stateKey: string; readonly listedUntil: string } | undefined,
): Watched {
  return {
    id,
    upstream,
    status: '',
    dueAtMs: Number.POSITIVE_INFINITY,
    owedSinceMs: null,
    restChecks: 0,
    wakeChecks: 0,
    failures: 0,
    isLooking: false,
    isWantedAgain: false,
    stateKey: left?.stateKey ?? '',
    listedUntil: left?.listedUntil ?? '',
    mayHaveChildren: true,
    threads: new Map(),
    feeds: new Map(),
  }
}

/** The feed of a thread, made when there is none. */
export function feedOf(session: Watched, threadId: string): Feed {
  const known = session.feeds.get(threadId)
  if (known !== undefined) return known
  const feed: Feed = { clients: new Set(), own: null, gap: true }
  session.feeds.set(threadId, feed)
  return feed
}

/** True while somebody's stream is read. */
export function isFed(feed: Feed): boolean {
  return feed.own !== null || feed.clients.size > 0
}
