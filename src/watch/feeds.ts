// The watcher's own event streams: opened where no client's stream is read, closed when the session rests.
import type { EventStreamTap } from '../tap/event-stream-tap.ts'
import type { Sighting } from '../tap/sighting.ts'
import type { Priority } from './read-budget.ts'
import type { Reads } from './reads.ts'
import { feedOf, isFed, type Watched } from './watched.ts'

/** Parsed answers and frames of an operation -> what was seen. */
export type ReadSightings = (
  operation: string,
  body: unknown,
  session: { readonly id: string; readonly threadId: string },
) => readonly Sighting[]

export type FeedsDeps = {
  readonly readsOf: (upstream: string) => Reads
  readonly readSightings: ReadSightings
  /** Makes the reader of one stream's frames; `onUnreadable` ends nothing but says that something was missed. */
  readonly createFrameReader: (on: {
    readonly onEvent: (data: unknown) => void
    readonly onUnreadable: () => void
  }) => EventStreamTap
  /** Rejects when what was seen could not be kept. */
  readonly keep: (sightings: readonly Sighting[]) => Promise<void>
  /** Told of every event of our own streams, after it was handed to `keep`. */
  readonly onEvents: (session: Watched, sightings: readonly Sighting[]) => void
  /** A stream ended while its session may still run. */
  readonly onGap: (session: Watched) => void
  /** A stream could not be opened. */
  readonly onRefused: () => void
  readonly streamsMax: number
}

export type Feeds = {
  /**
   * Sees to it that somebody reads this thread's stream, within the number of streams there may be. One that cannot be
   * opened is told to `onRefused`: the record is complete without it, only later.
   */
  readonly open: (session: Watched, threadId: string, priority: Priority) => Promise<void>
  readonly close: (session: Watched, threadId: string) => void
  readonly closeAll: (session: Watched) => void
  readonly count: () => number
  /** Whether one more may be opened. */
  readonly hasRoom: () => boolean
}

const pathOf = (id: string, threadId: string): string =>
  threadId === '' ? `/v1/sessions/${id}/events/stream` : `/v1/sessions/${id}/threads/${threadId}/stream`

/** Makes the one keeper of all streams. */
export function createFeeds(deps: FeedsDeps): Feeds {
  let count = 0

  async function open(session: Watched, threadId: string, priority: Priority): Promise<void> {
    const feed = feedOf(session, threadId)
    if (isFed(feed)) return
    feed.gap = true
    // Without a stream it is complete all the same, only later: a look at every check lists what happened.
    if (count >= deps.streamsMax) return
    const operation = threadId === '' ? 'sessions.events.stream' : 'sessions.threads.events.stream'
    const miss = (): void => {
      feed.gap = true
      deps.onGap(session)
    }
    const reader = deps.createFrameReader({
      onEvent: (data) => {
        const seen = deps.readSightings(operation, data, { id: session.id, threadId })
        if (seen.length === 0) return
        deps.keep(seen).catch(miss)
        deps.onEvents(session, seen)
      },
      onUnreadable: miss,
    })
    count += 1
    try {
      const stream = await deps
        .readsOf(session.upstream)
        .stream(pathOf(session.id, threadId), priority, reader.read)
      feed.own = stream
      void stream.ended.then(() => {
        count -= 1
        if (feed.own !== stream) return
        feed.own = null
        if (isFed(feed)) return
        miss()
      })
    } catch {
      count -= 1
      deps.onRefused()
    }
  }
  const close = (session: Watched, threadId: string): void => {
    const feed = session.feeds.get(threadId)
    if (feed === undefined) return
    const { own } = feed
    feed.own = null
    feed.gap = true
    own?.close()
    if (feed.clients.size === 0) session.feeds.delete(threadId)
  }
  return {
    open,
    close,
    closeAll: (session) => {
      for (const threadId of [...session.feeds.keys()]) close(session, threadId)
    },
    count: () => count,
    hasRoom: () => count < deps.streamsMax,
  }
}
