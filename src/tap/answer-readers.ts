// Which answers are read, and how each becomes sightings. One line per operation.
import { z } from 'zod'
import { detailOf } from '../upstream/event-detail.ts'
import type { HashInput } from '../upstream/event-detail-values.ts'
import { sightEvent } from '../upstream/event-schema.ts'
import { ownedByCreation } from '../upstream/owned-kinds.ts'
import { sightSession } from '../upstream/session-schema.ts'
import { sightThread } from '../upstream/thread-schema.ts'
import type { AnswerShape } from '../upstream/unknowns.ts'
import type {
  CreationSighting,
  EventSighting,
  SessionSighting,
  Sighting,
  SightingSource,
  ThreadSighting,
} from './sighting.ts'

/** Where and for whom an answer was seen; `session_id` and `thread_id` from the path, '' when it has none. */
export type SightingPlace = {
  readonly session_id: string
  readonly thread_id: string
  readonly seen_at_ms: number
  readonly exchange_id: string
  readonly team: string
  readonly caller: string
}

/** One parsed answer, or one parsed frame of a stream, into what was seen. Unknown shapes give nothing. */
export type AnswerReader = (body: unknown, place: SightingPlace) => readonly Sighting[]

/** Which events are kept: every one, or those alone that carry usage or a status edge. */
export type EventsKept = 'all' | 'metered'

export type EventReading = {
  readonly events: EventsKept
  /** Without it the inputs of tools have no hash. */
  readonly hashInput?: HashInput
}

const metered = /^(session\.|span\.model_request_end$|span\.outcome_evaluation_end$)/

/** True for event types that carry usage or a status edge. */
export function isMetered(type: string): boolean {
  return metered.test(type)
}

/** Frames that are no event of the session: they are not worth parsing. */
const passing: ReadonlySet<string> = new Set(['event_delta', 'event_start', 'ping', 'error'])

/** True for the types that are kept, by the name of their frame. */
export function isKept(events: EventsKept): (type: string) => boolean {
  return events === 'metered' ? isMetered : (type) => !passing.has(type)
}

type ReadEvent = (raw: unknown, place: SightingPlace, source: SightingSource) => readonly EventSighting[]

const createReadEvent = ({ events, hashInput }: EventReading): ReadEvent => {
  const isRead = isKept(events)
  return (raw, place, source) => {
    const event = sightEvent(raw)
    if (event === null || !isRead(event.type)) return []
    return [
      { kind: 'sighting', about: 'event', ...place, ...event, detail: detailOf(raw, hashInput), source },
    ]
  }
}

const readSession = (
  raw: unknown,
  place: SightingPlace,
  createdHere: boolean,
  source: SightingSource,
): readonly SessionSighting[] => {
  const session = sightSession(raw)
  if (session === null) return []
  const { thread_id: _none, ...where } = place
  return [{ kind: 'sighting', about: 'session', ...where, ...session, created_here: createdHere, source }]
}

const readThread = (
  raw: unknown,
  place: SightingPlace,
  source: SightingSource,
): readonly ThreadSighting[] => {
  const thread = sightThread(raw)
  return thread === null ? [] : [{ kind: 'sighting', about: 'thread', ...place, ...thread, source }]
}

const readCreation = (
  body: unknown,
  { thread_id: _none, ...where }: SightingPlace,
  kind: string,
): readonly CreationSighting[] =>
  hasId(body)
    ? [
        {
          kind: 'sighting',
          about: 'creation',
          ...where,
          object_kind: kind,
          object_id: body.id,
          source: 'object',
        },
      ]
    : []

/** Agent ids and versions that the ledger can hold; an agent's every save answers both. */
const agentVersion = z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  version: z.int().min(1).max(4_294_967_295),
})

/** Who saved this version: the first to be seen. An update that changes nothing answers the version that was there. */
const readAgentVersion = (body: unknown, place: SightingPlace): readonly CreationSighting[] => {
  const saved = agentVersion.safeParse(body)
  if (!saved.success) return []
  return readCreation({ id: `${saved.data.id}@${saved.data.version}` }, place, 'agent_version')
}

const hasId = (body: unknown): body is { readonly id: string } =>
  typeof body === 'object' && body !== null && 'id' in body && typeof body.id === 'string' && body.id !== ''

const each = (body: unknown, read: (item: unknown) => readonly Sighting[]): readonly Sighting[] =>
  isList(body) ? body.data.flatMap(read) : []

const isList = (body: unknown): body is { readonly data: readonly unknown[] } =>
  typeof body === 'object' && body !== null && 'data' in body && Array.isArray(body.data)

const session: AnswerReader = (body, place) => readSession(body, place, false, 'object')
const thread: AnswerReader = (body, place) => readThread(body, place, 'object')

/** Operation id -> reader of answers that have no events. */
const objectReaders: readonly (readonly [string, AnswerReader])[] = [
  ...[...ownedByCreation].map(([operationId, { kind }]): readonly [string, AnswerReader] => [
    operationId,
    (body, place) => readCreation(body, place, kind),
  ]),
  [
    'agents.create',
    (body, place) => [...readCreation(body, place, 'agent'), ...readAgentVersion(body, place)],
  ],
  ['agents.update', readAgentVersion],
  ['sessions.create', (body, place) => readSession(body, place, true, 'object')],
  ['sessions.retrieve', session],
  ['sessions.update', session],
  ['sessions.archive', session],
  ['sessions.list', (body, place) => each(body, (item) => readSession(item, place, false, 'list'))],
  [
    'sessions.delete',
    (_body, { thread_id: _none, ...where }) => [
      { kind: 'sighting', about: 'deletion', ...where, source: 'object' },
    ],
  ],
  // It names a session and says nothing of it; it is read for those who compare what it runs.
  ['deployments.run', () => []],
  ['sessions.threads.list', (body, place) => each(body, (item) => readThread(item, place, 'list'))],
  ['sessions.threads.retrieve', thread],
  ['sessions.threads.archive', thread],
]

/** Operation id -> reader. What is not here passes unread. */
export function createAnswerReaders(reading: EventReading): ReadonlyMap<string, AnswerReader> {
  const readEvent = createReadEvent(reading)
  const frame: AnswerReader = (body, place) => readEvent(body, place, 'stream')
  const eventList: AnswerReader = (body, place) => each(body, (item) => readEvent(item, place, 'list'))
  return new Map<string, AnswerReader>([
    ...objectReaders,
    ['sessions.events.list', eventList],
    ['sessions.events.send', (body, place) => each(body, (item) => readEvent(item, place, 'send'))],
    ['sessions.events.stream', frame],
    ['sessions.threads.events.list', eventList],
    ['sessions.threads.events.stream', frame],
  ])
}

/** As they are without settings: every event, the inputs of tools without a hash. */
export const answerReaders: ReadonlyMap<string, AnswerReader> = createAnswerReaders({ events: 'all' })

/** Operation id -> what its answers are made of, for counting what is new in them. */
export const answerShapes: ReadonlyMap<string, AnswerShape> = new Map<string, AnswerShape>([
  ['sessions.create', 'session'],
  ['sessions.retrieve', 'session'],
  ['sessions.update', 'session'],
  ['sessions.archive', 'session'],
  ['sessions.list', 'session'],
  ['sessions.events.list', 'event'],
  ['sessions.events.send', 'event'],
  ['sessions.events.stream', 'event'],
  ['sessions.threads.list', 'thread'],
  ['sessions.threads.retrieve', 'thread'],
  ['sessions.threads.archive', 'thread'],
  ['sessions.threads.events.list', 'event'],
  ['sessions.threads.events.stream', 'event'],
])
