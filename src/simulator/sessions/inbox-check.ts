// Whether a session can take the events it is sent, as it stands at this moment. Nothing is changed here.

import { invalidRequest } from '../http/api-error.ts'
import type { SessionRecord } from '../world.ts'
import type { SessionEvent } from './event-log.ts'
import type { InboxEvent } from './inbox-events.ts'
import type { LiveSession, LiveThread } from './live-session.ts'
import { isOpen } from './outcome-evaluations.ts'

/** The types of tool use that each answer is for. */
const answeredTypes: Readonly<Record<string, readonly string[]>> = {
  'user.tool_confirmation': ['agent.tool_use', 'agent.mcp_tool_use'],
  'user.tool_result': ['agent.tool_use'],
  'user.custom_tool_result': ['agent.custom_tool_use'],
}

/** What a session that has used up its budget still takes: whatever ends work under way. */
const takenAtBudget: ReadonlySet<string> = new Set([...Object.keys(answeredTypes), 'user.interrupt'])

/** Models that take a system message in the middle of a conversation. */
const systemMessageModels = /^claude-(fable-5|mythos-5|opus-4-8|opus-5|sonnet-5-5|haiku-5-5)(-|$)/

/** The id of the tool use an event answers, or undefined. */
export function answeredId(event: InboxEvent): string | undefined {
  if (event.type === 'user.custom_tool_result') return event.custom_tool_use_id
  if (event.type === 'user.tool_confirmation' || event.type === 'user.tool_result') return event.tool_use_id
  return undefined
}

export type ToolUse = { readonly event: SessionEvent; readonly thread: LiveThread }

/** The tool use of an id, the child's own or the primary thread's copy, and the thread that waits for it. */
export function findToolUse(session: LiveSession, id: string): ToolUse | undefined {
  for (const shownOn of session.threads.values()) {
    const event = shownOn.log.find(id)
    if (event === undefined) continue
    const owner = event['session_thread_id']
    const thread = typeof owner === 'string' ? session.threads.get(owner) : undefined
    return { event, thread: thread ?? shownOn }
  }
  return undefined
}

function checkAnswer({ live, player }: SessionRecord, event: InboxEvent, id: string): void {
  const use = findToolUse(live, id)
  if (use === undefined || !answeredTypes[event.type]?.includes(use.event.type)) {
    throw invalidRequest(`${event.type}: no tool use \`${id}\` waits for an answer`)
  }
  if (event.type === 'user.tool_result' && !live.isSelfHosted) {
    throw invalidRequest('user.tool_result: only for sessions of a self-hosted environment')
  }
  // A confirmation that comes after its thread has gone is taken and changes nothing.
  if (event.type === 'user.tool_confirmation' && use.thread.status === 'terminated') return
  const awaits = event.type === 'user.tool_confirmation' ? 'confirmation' : 'result'
  if (player.findPending(id)?.awaits === awaits) return
  throw invalidRequest(`${event.type}: tool use \`${id}\` does not wait for a ${awaits}`)
}

function checkInterrupt(live: LiveSession, threadId: string): void {
  const thread = live.threads.get(threadId)
  if (thread === undefined) throw invalidRequest(`user.interrupt: no thread \`${threadId}\` in this session`)
  if (thread.status === 'terminated')
    throw invalidRequest(`user.interrupt: thread \`${threadId}\` is terminated`)
}

function checkSystemMessage(live: LiveSession, companion: InboxEvent | undefined): void {
  const { id: model } = live.agent.model
  if (!systemMessageModels.test(model)) {
    throw invalidRequest(
      `system.message: model \`${model}\` takes no system messages`,
      'model_does_not_support_mid_conversation_system',
    )
  }
  const answered = companion === undefined ? undefined : answeredId(companion)
  const use = answered === undefined ? undefined : findToolUse(live, answered)
  if (use !== undefined && use.thread !== live.primary) {
    throw invalidRequest('system.message: can only accompany what goes to the primary thread')
  }
}

function checkOutcomes(live: LiveSession, events: readonly InboxEvent[]): void {
  const defined = events.filter(({ type }) => type === 'user.define_outcome').length
  if (defined > 0 && defined + live.outcomes.filter(isOpen).length > 1) {
    throw invalidRequest('user.define_outcome: one outcome at a time, and one is not completed yet')
  }
}

/** Throws a 400 when one of the events cannot be taken. */
export function checkEvents(record: SessionRecord, events: readonly InboxEvent[]): void {
  const { live, player } = record
  if (events.length > 0 && live.status === 'terminated') {
    throw invalidRequest(`session \`${live.id}\` is terminated`)
  }
  const isOver = player.isOverBudget()
  const answered = new Set<string>()
  for (const [at, event] of events.entries()) {
    if (isOver && !takenAtBudget.has(event.type)) {
      throw invalidRequest(`${event.type}: the session has reached its budget; raise or remove it first`)
    }
    const id = answeredId(event)
    if (id !== undefined) checkAnswer(record, event, id)
    if (id !== undefined && answered.has(id))
      throw invalidRequest(`${event.type}: \`${id}\` is answered twice`)
    if (id !== undefined) answered.add(id)
    if (event.type === 'user.interrupt' && event.session_thread_id)
      checkInterrupt(live, event.session_thread_id)
    if (event.type === 'system.message') checkSystemMessage(live, events[at - 1])
  }
  checkOutcomes(live, events)
}
