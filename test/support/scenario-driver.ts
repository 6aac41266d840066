// A client that plays any scenario to its end: it says something, answers what is asked, raises a budget that was
// reached, and watches all the while.
import type Anthropic from '@anthropic-ai/sdk'
import { collect, type openSessionHouse, say } from './session-house.ts'
import { until } from './until.ts'

type House = Awaited<ReturnType<typeof openSessionHouse>>
export type SessionEvent = Anthropic.Beta.Sessions.BetaManagedAgentsSessionEvent
type StreamEvent = Anthropic.Beta.Sessions.BetaManagedAgentsStreamSessionEvents
type Send = Anthropic.Beta.Sessions.EventSendParams['events'][number]

/** Everything a thread's own list has. */
export async function history(house: House, sessionId: string, threadId?: string): Promise<SessionEvent[]> {
  const { events, threads } = house.sessions
  if (threadId === undefined) return collect(events.list(sessionId, { limit: 1000 }))
  return collect(threads.events.list(threadId, { session_id: sessionId, limit: 1000 }))
}

/** The last `session.status_idle`; undefined before the first. */
export const lastIdle = (events: readonly SessionEvent[]) =>
  events.findLast((event) => event.type === 'session.status_idle')

/** Follows a session; `caughtUp` waits until the stream has brought the newest event of the list. */
export async function follow(house: House, sessionId: string) {
  const stream = await house.sessions.events.stream(sessionId)
  const seen: StreamEvent[] = []
  const reading = (async () => {
    for await (const event of stream) seen.push(event)
  })().catch(() => {})
  return {
    seen,
    caughtUp: async () => {
      const newest = (await history(house, sessionId)).at(-1)?.id
      await until(
        () => seen.some((event) => 'id' in event && event.id === newest),
        (isSeen) => isSeen,
      )
    },
    close: async () => {
      stream.controller.abort()
      await reading
    },
  }
}

/** What a helpful person, or a worker, answers to a tool use that waits. */
function answerTo(events: readonly SessionEvent[], id: string, confirmed: Set<string>): Send {
  const use = events.find((event) => event.id === id)
  const content = [{ type: 'text' as const, text: 'done by the client' }]
  if (use?.type === 'agent.custom_tool_use') {
    return { type: 'user.custom_tool_result', custom_tool_use_id: id, content }
  }
  const asks = use !== undefined && 'evaluated_permission' in use && use.evaluated_permission === 'ask'
  if (!asks || confirmed.has(id)) return { type: 'user.tool_result', tool_use_id: id, content }
  confirmed.add(id)
  return { type: 'user.tool_confirmation', tool_use_id: id, result: 'allow' }
}

/** One turn, from a message to the end of it. Answers, one at a time, and raises the budget as often as needed. */
export async function playTurn(house: House, sessionId: string, raisedTo = '100000'): Promise<void> {
  const confirmed = new Set<string>()
  await house.send(sessionId, say('go on'))
  for (let round = 0; round < 50; round += 1) {
    house.clock.advance(3_600_000)
    const events = await history(house, sessionId)
    const { status } = await house.sessions.retrieve(sessionId)
    const reason = lastIdle(events)?.stop_reason
    if (status === 'idle' && reason?.type === 'requires_action') {
      const [id = ''] = reason.event_ids
      await house.send(sessionId, answerTo(events, id, confirmed))
    } else if (status === 'idle' && reason?.type === 'budget_reached') {
      const max_list_cost = { amount: raisedTo, currency: 'USD' as const }
      await house.sessions.update(sessionId, { budget: { type: 'limit', max_list_cost } })
    } else return
  }
  throw new Error('the turn does not end')
}
