// The passive listener on one answer: bytes in, sightings out. It never throws, never writes, never waits,
// and nothing it meets can reach the client's stream.
import type { Permit } from '../authorize/permit.ts'
import type { ResponseHead } from '../forward/response-headers.ts'
import type { Clock } from '../kernel/clock.ts'
import type { PinOutcome } from '../pin/pin-outcome.ts'
import { type UpstreamMessage, unreadMessage } from '../upstream/message-schema.ts'
import { inspectAnswer, inspectEventType, type NoteUnknown } from '../upstream/unknowns.ts'
import { type AnswerReader, answerReaders, answerShapes, isKept } from './answer-readers.ts'
import { createEventStreamTap } from './event-stream-tap.ts'
import { createJsonTap } from './json-tap.ts'
import { createMessageTap } from './message-tap.ts'
import type { MessageSighting, Sighting } from './sighting.ts'

export type TapDeps = {
  readonly clock: Clock
  /** Takes what was seen; must not throw. */
  readonly onSightings: (sightings: readonly Sighting[]) => void
  /** Counts what could not be read, by reason; must not throw. */
  readonly onFailure: (reason: string) => void
  /** Counts what is new to us in what was read; must not throw. */
  readonly onUnknown: NoteUnknown
  /** Told of the whole of a successful JSON answer, parsed, for what compares it afterwards; must neither throw nor wait. */
  readonly onBody?: (body: unknown) => void
  /** How events are read, and which frames are worth parsing; by default all that are events. */
  readonly readers?: ReadonlyMap<string, AnswerReader>
  readonly isRead?: (type: string) => boolean
}

const isEvent = isKept('all')

export type Tapped = {
  readonly permit: Permit
  readonly params: PathParams
  readonly exchangeId: string
  /** What the pins decided of the request; absent where nobody asked them. */
  readonly pin?: PinOutcome | null
}
export type PathParams = { readonly [name: string]: string }

export type Tap = {
  readonly onHead: (head: ResponseHead) => void
  readonly onChunk: (chunk: Buffer) => void
  readonly onComplete: () => void
  /** The upstream's answer will not be whole. */
  readonly onBroken: () => void
  /** Server-sent events seen, heartbeats excluded. */
  readonly events: () => number
  /** Session that the answer was about; '' while unknown. */
  readonly sessionId: () => string
}

type Reading = {
  readonly read: (chunk: Buffer) => void
  readonly finish: () => void
  readonly abandon: () => void
  readonly events: () => number
}

/** A tap for one exchange; null when its operation says nothing that the ledger keeps. */
export function createTap(deps: TapDeps, tapped: Tapped): Tap | null {
  const { id } = tapped.permit.operation
  if (id === 'messages.create') return tapMessage(deps, tapped)
  const reader = (deps.readers ?? answerReaders).get(id)
  if (reader === undefined) return null
  const shape = answerShapes.get(id)
  let sessionId = tapped.params['session_id'] ?? ''
  let isStream = false

  const see = (body: unknown, read: AnswerReader): void => {
    if (!isStream) deps.onBody?.(body)
    if (shape !== undefined) inspectAnswer(shape, body, deps.onUnknown)
    const sightings = read(body, {
      session_id: tapped.params['session_id'] ?? '',
      thread_id: tapped.params['thread_id'] ?? '',
      ...placeOf(deps, tapped),
    })
    if (sightings.length === 0) return
    if (sessionId === '' && sightings.length === 1) sessionId = sightings[0]?.session_id ?? ''
    deps.onSightings(sightings)
  }

  const tap = guardReading(deps, (head) => {
    isStream = head.isEventStream
    return open(head, (body) => see(body, reader), deps)
  })
  return { ...tap, sessionId: () => sessionId }
}

/**
 * A tap on a call of the Messages API, whose usage belongs to its caller. It tells of every call that was answered with
 * success or broke off, once: what could not be read of it is not known, and not zero.
 */
function tapMessage(deps: TapDeps, tapped: Tapped): Tap {
  const place = placeOf(deps, tapped)
  let source: MessageSighting['source'] = 'object'
  let isTold = false
  let isFree = false
  const tell = (message: UpstreamMessage, is_whole: boolean): void => {
    isTold = true
    const session_id = `messages/${place.team}/${place.caller}`
    deps.onSightings([
      { ...place, kind: 'sighting', about: 'message', session_id, ...message, is_whole, source },
    ])
  }
  const tap = guardReading(deps, (head) => {
    // What is refused is not charged.
    isFree = !isSuccess(head)
    source = head.isEventStream ? 'stream' : 'object'
    if (!isReadable(head, deps)) return null
    return createMessageTap(head, { onMessage: tell, onUnreadable: deps.onFailure })
  })
  const end = (read: () => void): void => {
    read()
    if (!isTold && !isFree) tell(unreadMessage, false)
  }
  return {
    ...tap,
    onComplete: () => end(tap.onComplete),
    onBroken: () => end(tap.onBroken),
    sessionId: () => '',
  }
}

const placeOf = ({ clock }: TapDeps, { permit, exchangeId }: Tapped) => ({
  seen_at_ms: clock.nowMs(),
  exchange_id: exchangeId,
  team: permit.caller.team,
  caller: permit.caller.id,
})

/** Anything a hostile or changed answer makes throw ends here: counted, and the stream goes on. */
function guardReading(
  { onFailure }: TapDeps,
  openReading: (head: ResponseHead) => Reading | null,
): Omit<Tap, 'sessionId'> {
  let reading: Reading | null = null
  const guarded = (act: () => void): void => {
    try {
      act()
    } catch {
      reading = null
      onFailure('tap_threw')
    }
  }
  return {
    onHead: (head) =>
      guarded(() => {
        reading = openReading(head)
      }),
    onChunk: (chunk) => {
      if (reading !== null) guarded(() => reading?.read(chunk))
    },
    onComplete: () => {
      if (reading !== null) guarded(() => reading?.finish())
    },
    onBroken: () => {
      if (reading !== null) guarded(() => reading?.abandon())
    },
    events: () => reading?.events() ?? 0,
  }
}

function open(
  head: ResponseHead,
  onBody: (body: unknown) => void,
  { onFailure, onUnknown, isRead = isEvent }: Pick<TapDeps, 'onFailure' | 'onUnknown' | 'isRead'>,
): Reading | null {
  if (!isReadable(head, { onFailure })) return null
  if (head.isEventStream) {
    const tap = createEventStreamTap({
      isRead,
      onEvent: onBody,
      onSkipped: (type) => inspectEventType(type, onUnknown),
      onUnreadable: onFailure,
    })
    return { read: tap.read, finish: () => {}, abandon: () => {}, events: tap.events }
  }
  const tap = createJsonTap({ onBody, onUnreadable: onFailure })
  return { read: tap.read, finish: tap.finish, abandon: () => {}, events: () => 0 }
}

function isReadable(head: ResponseHead, { onFailure }: Pick<TapDeps, 'onFailure'>): boolean {
  if (!isSuccess(head)) return false
  // We asked for identity; an upstream that compresses all the same keeps its bytes and is counted.
  if (head.contentEncoding === '' || head.contentEncoding === 'identity') return true
  onFailure('answer_compressed')
  return false
}

const isSuccess = ({ status }: ResponseHead): boolean => status >= 200 && status <= 299
