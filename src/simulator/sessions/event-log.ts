// The events of one thread: kept in order for the list, and handed to whoever streams at this moment.
// A stream sees only what happens while it is open; nothing is replayed, and previews are never kept.

import type { Placed } from '../http/page.ts'

/** An event of the API: an id, a type, a time (null while queued) and the fields of its type. */
export type SessionEvent = {
  readonly id: string
  readonly type: string
  readonly processed_at: string | null
  readonly [field: string]: unknown
}

/** The event that a preview runs ahead of. */
export type Previewed = { readonly id: string; readonly type: string }

/** Called once per event with the event and its SSE frame (built once, shared by every stream). */
export type EventListener = {
  readonly onEvent: (event: SessionEvent, frame: string) => void
  /** No event will follow. */
  readonly onEnd: () => void
  /** The types of event it wants previews of. Absent: none. */
  readonly previews?: ReadonlySet<string>
  /** A piece of a preview of a wanted type; `isStart` on the first one. */
  readonly onPreview?: (previewed: Previewed, frame: string, isStart: boolean) => void
}

export type EventLog = {
  /** Keeps an event and shows it to the open streams. */
  readonly append: (event: SessionEvent) => void
  /** Keeps an event that no stream sees, as the end of a workflow run after its session was archived. */
  readonly appendUnseen: (event: SessionEvent) => void
  /** Gives a queued event its time: it moves to the end of the list and appears on the streams again. */
  readonly settle: (id: string, processedAt: string) => void
  readonly find: (id: string) => SessionEvent | undefined
  /** Whether any open stream wants previews of this type. */
  readonly isPreviewed: (type: string) => boolean
  /** Shows a piece of a preview to the streams that want it. */
  readonly preview: (previewed: Previewed, type: 'event_start' | 'event_delta', data: object) => void
  /** Shows an event to the open streams without keeping it, then ends them. */
  readonly endWith: (event: SessionEvent) => void
  readonly entries: () => readonly Placed<SessionEvent>[]
  /** Adds a stream; the returned function takes it away. */
  readonly subscribe: (listener: EventListener) => () => void
}

/** The SSE frame of an event: its name, its JSON, a blank line. */
export const frameOf = (type: string, data: unknown): string =>
  `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`

/** An empty log. */
export function createEventLog(): EventLog {
  const entries: Placed<SessionEvent>[] = []
  const listeners = new Set<EventListener>()
  let nextOrder = 0

  const publish = (event: SessionEvent): void => {
    if (listeners.size === 0) return
    const frame = frameOf(event.type, event)
    for (const listener of [...listeners]) listener.onEvent(event, frame)
  }
  const keep = (event: SessionEvent): void => void entries.push({ order: nextOrder++, item: event })
  const append = (event: SessionEvent): void => {
    keep(event)
    publish(event)
  }

  return {
    append,
    appendUnseen: keep,
    settle: (id, processedAt) => {
      const at = entries.findLastIndex(({ item }) => item.id === id && item.processed_at === null)
      const entry = at === -1 ? undefined : entries.splice(at, 1)[0]
      if (entry !== undefined) append({ ...entry.item, processed_at: processedAt })
    },
    find: (id) => entries.findLast(({ item }) => item.id === id)?.item,
    isPreviewed: (type) => [...listeners].some(({ previews }) => previews?.has(type)),
    preview: (previewed, type, data) => {
      const frame = frameOf(type, data)
      for (const { previews, onPreview } of [...listeners]) {
        if (previews?.has(previewed.type)) onPreview?.(previewed, frame, type === 'event_start')
      }
    },
    endWith: (event) => {
      publish(event)
      for (const listener of [...listeners]) listener.onEnd()
      listeners.clear()
    },
    entries: () => entries,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
