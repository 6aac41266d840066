// When a session and its threads ran: runs from one edge of status to the next, and the turns they belong to.
import type { EventLine } from './event-line.ts'

/** One run of the session or of a thread. */
export type Run = {
  readonly threadId: string
  readonly start: EventLine
  /** Undefined while it goes on. */
  readonly end: EventLine | undefined
  /** Of a child thread, the agent's name where it was said. */
  readonly agentName: string
}

/** The time of a turn, by the events that open and close it. */
export type TurnTime = {
  readonly start: EventLine
  readonly end: EventLine | undefined
  readonly stopReason: string
  readonly runs: readonly Run[]
}

const endings: ReadonlySet<string> = new Set(['session.status_terminated', 'session.deleted'])

/** The turns of a session in order; what happened before the first began belongs to none. */
export function findTurns(events: readonly EventLine[]): readonly TurnTime[] {
  const turns: { start: EventLine; end: EventLine | undefined; stopReason: string; runs: Run[] }[] = []
  let open: (typeof turns)[number] | undefined
  let running: EventLine | undefined
  const endRun = (end: EventLine): void => {
    if (running !== undefined) open?.runs.push({ threadId: '', start: running, end, agentName: '' })
    running = undefined
  }
  for (const event of events) {
    if (event.type === 'session.status_running') {
      if (open === undefined) {
        open = { start: event, end: undefined, stopReason: '', runs: [] }
        turns.push(open)
      }
      running ??= event
    } else if (event.type === 'session.status_idle' || endings.has(event.type)) {
      const reason = endings.has(event.type) ? 'terminated' : (event.detail.stop_reason ?? '')
      endRun(event)
      if (reason === 'requires_action' || open === undefined) continue
      open.end = event
      open.stopReason = reason
      open = undefined
    } else if (event.type === 'session.status_rescheduled') endRun(event)
  }
  if (running !== undefined) open?.runs.push({ threadId: '', start: running, end: undefined, agentName: '' })
  return turns
}

/** The runs of the child threads, each thread by itself. */
export function findThreadRuns(events: readonly EventLine[]): readonly Run[] {
  const names = new Map<string, string>()
  const running = new Map<string, EventLine>()
  const runs: Run[] = []
  for (const event of events) {
    const threadId = event.detail.thread_id ?? event.threadId
    if (!event.type.startsWith('session.thread_') || event.threadId === '') continue
    if (event.detail.agent_name !== undefined) names.set(threadId, event.detail.agent_name)
    if (event.type === 'session.thread_status_running') {
      if (!running.has(threadId)) running.set(threadId, event)
    } else if (event.type !== 'session.thread_created') {
      const start = running.get(threadId)
      running.delete(threadId)
      if (start !== undefined)
        runs.push({ threadId, start, end: event, agentName: names.get(threadId) ?? '' })
    }
  }
  for (const [threadId, start] of running)
    runs.push({ threadId, start, end: undefined, agentName: names.get(threadId) ?? '' })
  return runs.toSorted((a, b) => a.start.atMicros - b.start.atMicros)
}
