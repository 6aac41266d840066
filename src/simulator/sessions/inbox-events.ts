// The events that clients may send, and what each must look like by itself
// (SDK 1.12.0 `BetaManagedAgentsEventParams`).

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { type JsonObject, parseBody } from '../json.ts'

const base64 = z.looseObject({
  type: z.literal('base64'),
  data: z.string().min(1),
  media_type: z.string().min(1),
})
const url = z.looseObject({ type: z.literal('url'), url: z.url() })
const file = z.looseObject({ type: z.literal('file'), file_id: z.string().min(1) })
const plain = z.looseObject({
  type: z.literal('text'),
  data: z.string(),
  media_type: z.literal('text/plain'),
})

const text = z.looseObject({ type: z.literal('text'), text: z.string().min(1) })
/** A tool may have nothing to say. */
const resultText = z.looseObject({ type: z.literal('text'), text: z.string() })
const image = z.looseObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [base64, url, file]),
})
const document = z.looseObject({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [base64, plain, url, file]),
  context: z.string().nullish(),
  title: z.string().nullish(),
})
const searchResult = z.looseObject({
  type: z.literal('search_result'),
  citations: z.looseObject({ enabled: z.boolean() }),
  content: z.array(text),
  source: z.string(),
  title: z.string(),
})

/** The upstream shows this block where it has taken text away; it takes none back. */
const redacted = z
  .looseObject({ type: z.literal('redacted') })
  .refine(() => false, '`redacted` content cannot be sent')

const results = z
  .array(z.discriminatedUnion('type', [resultText, image, document, searchResult, redacted]))
  .optional()
const isError = z.boolean().nullish()

const message = z.object({
  type: z.literal('user.message'),
  content: z.array(z.discriminatedUnion('type', [text, image, document, redacted])).min(1),
})
const outcome = z.object({
  type: z.literal('user.define_outcome'),
  description: z.string().min(1),
  rubric: z.discriminatedUnion('type', [
    z.looseObject({ type: z.literal('text'), content: z.string().min(1).max(262_144) }),
    file,
  ]),
  max_iterations: z.int().min(1).max(20).nullish(),
})
const systemMessage = z.object({ type: z.literal('system.message'), content: z.array(text).min(1).max(1000) })
const confirmation = z
  .object({
    type: z.literal('user.tool_confirmation'),
    tool_use_id: z.string().min(1),
    result: z.enum(['allow', 'deny']),
    deny_message: z.string().nullish(),
  })
  .refine(({ result, deny_message }) => result === 'deny' || !deny_message, {
    path: ['deny_message'],
    message: 'only allowed when `result` is `deny`',
  })

const inboxEvent = z.discriminatedUnion('type', [
  message,
  outcome,
  z.object({ type: z.literal('user.interrupt'), session_thread_id: z.string().nullish() }),
  confirmation,
  z.object({
    type: z.literal('user.custom_tool_result'),
    custom_tool_use_id: z.string().min(1),
    content: results,
    is_error: isError,
  }),
  z.object({
    type: z.literal('user.tool_result'),
    tool_use_id: z.string().min(1),
    content: results,
    is_error: isError,
  }),
  systemMessage,
])

export type InboxEvent = z.infer<typeof inboxEvent>

const sendParams = z.object({ events: z.array(inboxEvent).min(1) })
const initialParams = z.object({ initial_events: z.array(z.discriminatedUnion('type', [message, outcome])) })
const firstParams = z.object({
  initial_events: z.array(z.discriminatedUnion('type', [message, outcome, systemMessage])),
})

const accompanied: ReadonlySet<string> = new Set([
  'user.message',
  'user.tool_result',
  'user.custom_tool_result',
])

/** A system message comes last, once, and right behind what it accompanies. */
function checkSystemMessage(events: readonly InboxEvent[]): void {
  const at = events.findIndex(({ type }) => type === 'system.message')
  if (at === -1) return
  if (at !== events.length - 1)
    throw invalidRequest('system.message: must be the last event, and the only one')
  if (accompanied.has(events[at - 1]?.type ?? '')) return
  throw invalidRequest('system.message: must follow a `user.message` or a tool result in the same request')
}

const fileDocumentsMax = 100

function checkFileDocuments(events: readonly InboxEvent[]): void {
  const documents = events
    .flatMap((event) => ('content' in event ? (event.content ?? []) : []))
    .filter((block) => block.type === 'document' && block.source.type === 'file')
  if (documents.length <= fileDocumentsMax) return
  throw invalidRequest(`initial_events: at most ${fileDocumentsMax} documents by file id`)
}

function checkInitial(events: readonly InboxEvent[]): readonly InboxEvent[] {
  if (events.filter(({ type }) => type === 'user.define_outcome').length > 1) {
    throw invalidRequest('initial_events: at most one `user.define_outcome`')
  }
  checkFileDocuments(events)
  checkSystemMessage(events)
  return events
}

/** Reads the events of a send. Throws a 400 for a type or an order of events that clients cannot send. */
export function parseSend(body: unknown): readonly InboxEvent[] {
  const { events } = parseBody(sendParams, body)
  checkSystemMessage(events)
  return events
}

/** Reads the first events of a session: messages, and at most one outcome. Throws a 400 otherwise. */
export const parseInitialEvents = (events: readonly JsonObject[]): readonly InboxEvent[] =>
  checkInitial(parseBody(initialParams, { initial_events: events }).initial_events)

/** Reads the first events of a deployment's sessions, which may end with a system message. Throws a 400 otherwise. */
export const parseFirstEvents = (events: readonly JsonObject[]): readonly InboxEvent[] =>
  checkInitial(parseBody(firstParams, { initial_events: events }).initial_events)
