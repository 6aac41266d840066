// What clients may tell a session: events are checked all together, then echoed, then acted upon.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import { type JsonObject, parseBody } from '../json.ts'
import type { SessionRecord } from '../world.ts'
import type { SessionEvent } from './event-log.ts'
import { timestamp } from './live-session.ts'

const block = z.looseObject({ type: z.string() })
const blocks = z.array(block).min(1)
const results = z.array(block).optional()
const threadId = z.string().nullish()

const message = z.object({ type: z.literal('user.message'), content: blocks })
const outcome = z.object({
  type: z.literal('user.define_outcome'),
  description: z.string(),
  rubric: block,
  max_iterations: z.int().min(1).max(20).nullish(),
})
const inboxEvent = z.discriminatedUnion('type', [
  message,
  outcome,
  z.object({ type: z.literal('user.interrupt'), session_thread_id: threadId }),
  z.object({
    type: z.literal('user.tool_confirmation'),
    tool_use_id: z.string(),
    result: z.enum(['allow', 'deny']),
    deny_message: z.string().nullish(),
    session_thread_id: threadId,
  }),
  z.object({
    type: z.literal('user.custom_tool_result'),
    custom_tool_use_id: z.string(),
    content: results,
    is_error: z.boolean().nullish(),
    session_thread_id: threadId,
  }),
  z.object({
    type: z.literal('user.tool_result'),
    tool_use_id: z.string(),
    content: results,
    is_error: z.boolean().nullish(),
    session_thread_id: threadId,
  }),
  z.object({ type: z.literal('system.message'), content: blocks }),
])

type InboxEvent = z.infer<typeof inboxEvent>

const sendParams = z.object({ events: z.array(inboxEvent).min(1) })
const initialParams = z.object({ initial_events: z.array(z.discriminatedUnion('type', [message, outcome])) })

/** Reads the events of a send. Throws a 400 for a type that clients cannot send. */
export const parseSend = (body: unknown): readonly InboxEvent[] => parseBody(sendParams, body).events

/** Reads the first events of a session: messages, and at most one outcome. Throws a 400 otherwise. */
export function parseInitialEvents(events: readonly JsonObject[]): readonly InboxEvent[] {
  const { initial_events } = parseBody(initialParams, { initial_events: events })
  if (initial_events.filter(({ type }) => type === 'user.define_outcome').length > 1) {
    throw invalidRequest('initial_events: at most one `user.define_outcome`')
  }
  return initial_events
}

/** The id of the tool use an event answers, or undefined. */
function answeredId(event: InboxEvent): string | undefined {
  if (event.type === 'user.custom_tool_result') return event.custom_tool_use_id
  if (event.type === 'user.tool_confirmation' || event.type === 'user.tool_result') return event.tool_use_id
  return undefined
}

function check({ live, player }: SessionRecord, event: InboxEvent): void {
  const id = answeredId(event)
  if (id !== undefined && !player.isPending(id)) {
    throw invalidRequest(`${event.type}: no tool use \`${id}\` waits for an answer`)
  }
  if ('content' in event && event.content?.some(({ type }) => type === 'redacted')) {
    throw invalidRequest(`${event.type}: \`redacted\` content cannot be sent`)
  }
  if ('session_thread_id' in event && event.session_thread_id && !live.threads.has(event.session_thread_id)) {
    throw invalidRequest(`${event.type}: no thread \`${event.session_thread_id}\` in this session`)
  }
}

/** These are echoed already processed; the others are queued first. */
const immediate: ReadonlySet<string> = new Set([
  'user.define_outcome',
  'user.custom_tool_result',
  'user.tool_result',
])

function echo(event: InboxEvent, nowMs: number): SessionEvent {
  return {
    ...event,
    ...(event.type === 'user.define_outcome'
      ? { outcome_id: newId('outc'), max_iterations: event.max_iterations ?? null }
      : {}),
    id: newId('sevt'),
    processed_at: immediate.has(event.type) ? timestamp(nowMs) : null,
  }
}

/**
 * Takes a batch of events in, all or none, and answers the echoes with their ids. Throws a 400 when one of
 * them cannot be taken; nothing has happened then.
 */
export function acceptEvents(
  record: SessionRecord,
  events: readonly InboxEvent[],
  nowMs: number,
): readonly SessionEvent[] {
  const { live, player } = record
  if (events.length > 0 && live.status === 'terminated') {
    throw invalidRequest(`session \`${live.id}\` is terminated`)
  }
  for (const event of events) check(record, event)
  const accepted = events.map((event) => ({ event, echoed: echo(event, nowMs) }))
  for (const { echoed } of accepted) live.primary.log.append(echoed)

  const messageIds: string[] = []
  for (const { event, echoed } of accepted) {
    const settle = () => live.primary.log.settle(echoed.id, timestamp(nowMs))
    if (event.type === 'user.message' || event.type === 'user.define_outcome') {
      messageIds.push(echoed.id)
      continue
    }
    if (!immediate.has(event.type)) settle()
    const id = answeredId(event)
    if (id !== undefined) {
      player.answer(id, event.type === 'user.tool_confirmation' ? event.result : 'allow')
    } else if (event.type === 'user.interrupt') {
      const thread = event.session_thread_id ? live.threads.get(event.session_thread_id) : undefined
      player.interrupt(thread)
    }
  }
  if (messageIds.length > 0) player.enqueue(messageIds)
  return accepted.map(({ echoed }) => echoed)
}
