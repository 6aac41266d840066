// What of a request or an answer is not in the API as Tollgate knows it: counted, so that an operator hears of a newer
// API before a bill or a rule misses something. Read-only; nothing is refused, changed or kept because of it.
import { knownRequestFields } from './known-request-fields.ts'
import {
  knownBetas,
  knownEventFields,
  knownEventTypes,
  knownSessionFields,
  knownStatuses,
  knownStopReasons,
  knownThreadFields,
  knownVersions,
} from './known-words.ts'

/** Every value of the label `kind`. */
export const unknownKinds = ['beta', 'version', 'field', 'event_type', 'enum_value', 'object_type'] as const

export type UnknownKind = (typeof unknownKinds)[number]

/** Called once for each unknown thing. */
export type NoteUnknown = (kind: UnknownKind) => void

export type RequestHeaders = { readonly [name: string]: string | readonly string[] | undefined }

/** What an answer is made of. */
export type AnswerShape = 'event' | 'session' | 'thread'

/** Looks at the betas, the version, the body's own members, and the events in it. */
export function inspectRequest(
  operationId: string,
  headers: RequestHeaders,
  parsed: unknown,
  note: NoteUnknown,
): void {
  const betas = headers['anthropic-beta']
  if (betas !== undefined) repeat(unknownBetas(String(betas)), 'beta', note)
  const version = headers['anthropic-version']
  if (version !== undefined && !knownVersions.has(String(version))) note('version')
  const known = knownRequestFields.get(operationId)
  if (known === undefined || !isObject(parsed)) return
  inspectFields(parsed, known, note)
  for (const list of [parsed['events'], parsed['initial_events']]) {
    if (!Array.isArray(list)) continue
    for (const event of list) if (isObject(event)) inspectEvent(event, note)
  }
}

/** Looks at one object, or at each of a page. */
export function inspectAnswer(shape: AnswerShape, body: unknown, note: NoteUnknown): void {
  if (!isObject(body)) return
  const items: readonly unknown[] = Array.isArray(body['data']) ? body['data'] : [body]
  for (const item of items) if (isObject(item)) inspectors[shape](item, note)
}

/** An event of which only the type was read. */
export function inspectEventType(type: string, note: NoteUnknown): void {
  if (!knownEventTypes.has(type) && type !== 'ping') note('event_type')
}

type Plain = { readonly [key: string]: unknown }

const inspectors: { readonly [Shape in AnswerShape]: (item: Plain, note: NoteUnknown) => void } = {
  event: inspectEvent,
  session: (item, note) => inspectState(item, 'session', knownSessionFields, note),
  thread: (item, note) => inspectState(item, 'session_thread', knownThreadFields, note),
}

function inspectEvent(event: Plain, note: NoteUnknown): void {
  const { type, stop_reason: stopReason } = event
  if (typeof type !== 'string') {
    note('object_type')
    return
  }
  inspectEventType(type, note)
  inspectFields(event, knownEventFields, note)
  if (isObject(stopReason)) inspectWord(stopReason['type'], knownStopReasons, note)
}

function inspectState(item: Plain, type: string, fields: ReadonlySet<string>, note: NoteUnknown): void {
  if (item['type'] !== type) {
    note('object_type')
    return
  }
  inspectFields(item, fields, note)
  inspectWord(item['status'], knownStatuses, note)
}

function inspectFields(object: Plain, known: ReadonlySet<string>, note: NoteUnknown): void {
  for (const key of Object.keys(object)) if (!known.has(key)) note('field')
}

function inspectWord(value: unknown, known: ReadonlySet<string>, note: NoteUnknown): void {
  if (typeof value === 'string' && !known.has(value)) note('enum_value')
}

// Clients send the same header over and over.
const countedBetas = new Map<string, number>()
const countedMax = 500

function unknownBetas(header: string): number {
  const counted = countedBetas.get(header)
  if (counted !== undefined) return counted
  const names = header.split(',').map((name) => name.trim())
  const count = names.filter((name) => name !== '' && !knownBetas.has(name)).length
  if (countedBetas.size < countedMax && header.length <= 1_024) countedBetas.set(header, count)
  return count
}

function repeat(times: number, kind: UnknownKind, note: NoteUnknown): void {
  for (let at = 0; at < times; at += 1) note(kind)
}

const isObject = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
