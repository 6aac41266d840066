// One look at one session: its stream first, then its object, then the history that is not in the ledger yet, then its
// child threads. The object comes before the lists: whatever it counts has happened by then, and so is in them.
import type { JournalRecord } from '../kernel/journal.ts'
import type { Sighting } from '../tap/sighting.ts'
import type { Feeds, ReadSightings } from './feeds.ts'
import type { Priority } from './read-budget.ts'
import { dataOf, GoneError, type Reads } from './reads.ts'
import { isAtWork, stateKeyOf } from './state-key.ts'
import { feedOf, isFed, type Watched } from './watched.ts'

export type LookDeps = {
  readonly nowMs: () => number
  readonly readsOf: (upstream: string) => Reads
  readonly feeds: Feeds
  readonly readSightings: ReadSightings
  /** Whether every event is read, or those alone that carry usage or a status edge. */
  readonly events: 'all' | 'metered'
  /** Resolves when the records are durable, in this order. Rejects when they are not. */
  readonly keep: (records: readonly JournalRecord[]) => Promise<void>
}

/** Rejects with a `GoneError` when the session is not there, and with what else went wrong; then nothing was promised. */
export type Look = (session: Watched, priority: Priority, mode: 'follow' | 'read_only') => Promise<void>

/** The types that carry usage or a status edge: all that is fetched where nothing else is kept. */
export const meteredTypes: readonly string[] = [
  'span.model_request_end',
  'span.outcome_evaluation_end',
  'session.usage',
  'session.thread_created',
  'session.deleted',
  ...['running', 'idle', 'rescheduled', 'terminated'].flatMap((status) => [
    `session.status_${status}`,
    `session.thread_status_${status}`,
  ]),
]
const meteredQuery = meteredTypes.map((type) => `&types%5B%5D=${type}`).join('')
/** What an event may be late in the list behind one with a later time. */
const overlapMs = 60_000

/** Makes the look. */
export function createLook(deps: LookDeps): Look {
  const { readsOf, feeds, keep } = deps
  const typesQuery = deps.events === 'metered' ? meteredQuery : ''

  async function keepAll(session: Watched, operation: string, body: unknown, threadId = ''): Promise<void> {
    const seen = deps.readSightings(operation, body, { id: session.id, threadId })
    noteEvents(session, seen)
    if (seen.length > 0) await keep(seen)
  }

  /** The primary thread's history since the last time. */
  async function listPrimary(session: Watched, priority: Priority): Promise<void> {
    const feed = feedOf(session, '')
    feed.gap = false
    const sinceMs = Date.parse(session.listedUntil)
    const since = Number.isNaN(sinceMs)
      ? ''
      : `&created_at%5Bgte%5D=${new Date(sinceMs - overlapMs).toISOString()}`
    let until = session.listedUntil
    // What is queued is told again once it is processed: the next listing begins before it.
    let isPast = true
    try {
      await readsOf(session.upstream).pages(
        'events',
        `/v1/sessions/${session.id}/events?limit=1000${typesQuery}${since}`,
        priority,
        async (body) => {
          for (const event of dataOf(body)) {
            isPast = isPast && processedAt(event) !== ''
            if (isPast) until = later(until, processedAt(event))
          }
          await keepAll(session, 'sessions.events.list', body)
        },
      )
    } catch (error) {
      feed.gap = true
      throw error
    }
    session.listedUntil = until
  }

  async function lookAtThreads(session: Watched, priority: Priority, follows: boolean): Promise<void> {
    const threads: unknown[] = []
    await readsOf(session.upstream).pages(
      'threads',
      `/v1/sessions/${session.id}/threads?limit=100`,
      priority,
      async (body) => {
        threads.push(...dataOf(body))
        await keepAll(session, 'sessions.threads.list', body)
      },
    )
    const children = threads.flatMap((raw) => readChild(raw))
    session.mayHaveChildren = children.length > 0
    for (const child of children) await lookAtChild(session, child, priority, follows)
  }

  async function lookAtChild(
    session: Watched,
    child: Child,
    priority: Priority,
    follows: boolean,
  ): Promise<void> {
    const atWork = isAtWork(child.status)
    if (atWork && follows) {
      await feeds.open(session, child.id, priority)
      // Followed without a gap since it was listed: what it does comes by itself.
      if (!feedOf(session, child.id).gap) return
    } else if (session.threads.get(child.id) === child.stateKey) return
    const feed = follows ? feedOf(session, child.id) : null
    if (feed !== null) feed.gap = false
    try {
      await readsOf(session.upstream).pages(
        'thread_events',
        `/v1/sessions/${session.id}/threads/${child.id}/events?limit=250`,
        priority,
        (body) => keepAll(session, 'sessions.threads.events.list', body, child.id),
      )
    } catch (error) {
      if (feed !== null) feed.gap = true
      // A thread that is gone has nothing more to tell; its session has.
      if (!(error instanceof GoneError)) throw error
    }
    session.threads.set(child.id, child.stateKey)
    if (!atWork) feeds.close(session, child.id)
  }

  return async (session, priority, mode) => {
    const follows = mode === 'follow'
    const path = `/v1/sessions/${session.id}`
    // While it runs, what happens during the look must not fall between the list and the stream.
    if (follows && session.status !== '' && isAtWork(session.status)) await feeds.open(session, '', priority)
    const object = await readsOf(session.upstream).get('session', path, priority)
    await keepAll(session, 'sessions.retrieve', object)
    const stateKey = stateKeyOf(object)
    session.status = statusOf(object)
    const atWork = isAtWork(session.status)
    if (!atWork && stateKey === session.stateKey && stateKey !== '') {
      // Nothing happened since it was read whole: whoever streams it now misses nothing.
      for (const feed of session.feeds.values()) if (isFed(feed)) feed.gap = false
      return
    }
    if (atWork && follows) await feeds.open(session, '', priority)
    // Streamed without a gap since it was listed, it is listed again when it rests.
    const primary = feedOf(session, '')
    if (!atWork || !isFed(primary) || primary.gap) await listPrimary(session, priority)
    if (session.mayHaveChildren) await lookAtThreads(session, priority, atWork && follows)
    if (atWork) return
    session.stateKey = stateKey
    await keep([
      {
        kind: 'watched',
        session_id: session.id,
        upstream: session.upstream,
        state_key: stateKey,
        listed_until: session.listedUntil,
        seen_at_ms: deps.nowMs(),
      },
    ])
  }
}

function noteEvents(session: Watched, seen: readonly Sighting[]): void {
  const isChild = (sighting: Sighting): boolean =>
    sighting.about === 'event' && sighting.type === 'session.thread_created'
  if (seen.some(isChild)) session.mayHaveChildren = true
}

type Child = { readonly id: string; readonly status: string; readonly stateKey: string }

/** A child thread; none for the primary, whose history is the session's. */
function readChild(raw: unknown): readonly Child[] {
  if (textOf(raw, 'parent_thread_id') === '') return []
  const id = textOf(raw, 'id')
  return /^[A-Za-z0-9_.-]{1,256}$/.test(id) ? [{ id, status: statusOf(raw), stateKey: stateKeyOf(raw) }] : []
}

const statusOf = (raw: unknown): string => textOf(raw, 'status')
const processedAt = (raw: unknown): string => textOf(raw, 'processed_at')

function textOf(raw: unknown, name: string): string {
  if (typeof raw !== 'object' || raw === null || !Object.hasOwn(raw, name)) return ''
  const value: unknown = Reflect.get(raw, name)
  return typeof value === 'string' ? value : ''
}

/** The later of two times; one that is no time loses. */
function later(a: string, b: string): string {
  const [aMs, bMs] = [Date.parse(a), Date.parse(b)]
  if (Number.isNaN(bMs)) return a
  return Number.isNaN(aMs) || bMs > aMs ? b : a
}
