// The stored events of a session, each once and in one order, whatever order they were read in.
import type { EventDetail } from '../../upstream/event-detail-schema.ts'

/** One stored event, its detail read. */
export type EventLine = {
  readonly eventId: string
  readonly type: string
  readonly atMicros: number
  /** The thread it is about; '' on the primary. */
  readonly threadId: string
  readonly detail: EventDetail
}

/** What is stored of an event, before it is sorted and its thread is decided. */
export type StoredEvent = Omit<EventLine, 'threadId'> & {
  /** Whose stream or list carried it; '' on the primary's. */
  readonly carriedBy: string
  /** What the event itself says it is about; '' when it says nothing. */
  readonly about: string
}

/**
 * Sorted by time, then id. What a child thread did is told on the primary's stream too, under another id: where the
 * thread's own copy is there, the other is left out. `primary` names the primary thread where it is known by name.
 */
export function inOrder(events: readonly StoredEvent[], primary: ReadonlySet<string>): readonly EventLine[] {
  const threadOf = ({ carriedBy, about }: StoredEvent): string => {
    const named = about === '' ? carriedBy : about
    return primary.has(named) ? '' : named
  }
  const own = new Set(
    events
      .filter((event) => event.carriedBy !== '' && !primary.has(event.carriedBy))
      .map((event) => copyKey(event, threadOf(event))),
  )
  const byId = new Map<string, EventLine>()
  for (const event of events) {
    const threadId = threadOf(event)
    const isCopy = event.carriedBy === '' && threadId !== '' && own.has(copyKey(event, threadId))
    if (isCopy && event.type.startsWith('agent.')) continue
    const { carriedBy: _carriedBy, about: _about, ...line } = event
    byId.set(event.eventId, { ...line, threadId })
  }
  return [...byId.values()].toSorted(
    (a, b) => a.atMicros - b.atMicros || (a.eventId < b.eventId ? -1 : a.eventId > b.eventId ? 1 : 0),
  )
}

const copyKey = ({ type, atMicros, detail }: StoredEvent, threadId: string): string =>
  JSON.stringify([type, atMicros, threadId, detail.tool_name ?? '', detail.input_hash ?? ''])
