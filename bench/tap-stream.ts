// A stream of events as the tap of the gateway reads it, without a gateway around it.
import { createAnswerReaders, type EventsKept, isKept } from '../src/tap/answer-readers.ts'
import { createEventStreamTap } from '../src/tap/event-stream-tap.ts'
import { createInputHash } from '../src/upstream/input-hash.ts'

const place = {
  ...{ session_id: 'sesn_1', thread_id: '', exchange_id: 'exch_1', team: 'payments', caller: 'ci' },
  seen_at_ms: Date.UTC(2026, 10, 24),
}

/** Reads the frames; returns how many sightings came of them. */
export function followEvents(events: EventsKept, frames: readonly Buffer[]): number {
  const read = createAnswerReaders({ events, hashInput: createInputHash(Buffer.alloc(32, 1)) }).get(
    'sessions.events.stream',
  )
  let sightings = 0
  const tap = createEventStreamTap({
    isRead: isKept(events),
    onEvent: (data) => {
      sightings += read?.(data, place).length ?? 0
    },
    onSkipped: () => {},
    onUnreadable: (reason) => {
      throw new Error(reason)
    },
  })
  for (const frame of frames) tap.read(frame)
  return sightings
}
