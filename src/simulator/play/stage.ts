// Turns a scenario's steps into events, filling in what a script cannot know: ids of threads, links from a
// result to its use and from a span's end to its start, usage snapshots, and what a stop waits for.

import { z } from 'zod'
import type { SimulatorClock } from '../clock.ts'
import { newId } from '../ids.ts'
import { type JsonObject, jsonObject } from '../json.ts'
import {
  type LiveSession,
  type LiveThread,
  needsClient,
  type ThreadAgent,
  timestamp,
} from '../sessions/live-session.ts'
import { createModelRequests } from './model-requests.ts'
import type { Scenario, Step } from './scenario.ts'

/** A tool use that waits for the client. */
type Pending = { readonly thread: LiveThread; readonly ownId: string; readonly primaryId: string }

export type Stage = ReturnType<typeof createStage>

const reasonSchema = z.looseObject({ type: z.string() })

/** The agent of a child thread: the member of that name in the agent's roster, else one made up. */
function childAgent(session: LiveSession, child: { agent_name: string; model: string }): ThreadAgent {
  const { multiagent, ...own } = session.agent
  const named = z.looseObject({ agents: z.array(jsonObject) }).safeParse(multiagent)
  const roster = named.success ? named.data.agents : []
  const member = roster.find((entry) => entry['name'] === child.agent_name)
  return {
    ...own,
    id: typeof member?.['id'] === 'string' ? member['id'] : newId('agent'),
    version: typeof member?.['version'] === 'number' ? member['version'] : 1,
    name: child.agent_name,
    model: { ...own.model, id: child.model },
    description: null,
    system: null,
  }
}

/** The stage of one session. */
export function createStage(session: LiveSession, scenario: Scenario, clock: SimulatorClock) {
  const children = new Map<string, LiveThread>()
  const requests = createModelRequests(session, clock)
  const lastToolUse = new Map<string, string>()
  let waiting: Pending[] = []

  const threadNamed = (name: string): LiveThread => children.get(name) ?? session.primary
  const threadOf = (step: Step): LiveThread => threadNamed(step.thread)
  const emitUsage = (fields: JsonObject = {}): void => {
    const usage = session.meter.usage(clock.nowMs())
    session.emit(session.primary, 'session.usage', { usage, budget: session.budget, ...fields })
  }

  const emitThreadStatus = (thread: LiveThread, status: string, extra: JsonObject = {}): void => {
    session.emit(thread, `session.thread_status_${status}`, {
      ...extra,
      session_thread_id: thread.id,
      agent_name: thread.agent.name,
    })
  }

  const idleThread = (thread: LiveThread, reason: JsonObject, details: unknown = null): void => {
    const ids = waiting.filter((each) => each.thread === thread).map((each) => each.ownId)
    // A thread that waits for nothing itself has ended its turn, even when another one makes the session wait.
    const own = ids.length > 0 ? { ...reason, event_ids: ids } : { type: 'end_turn' }
    const stopReason = reason['type'] === 'requires_action' ? own : reason
    emitThreadStatus(thread, 'idle', { stop_reason: stopReason, stop_details: details })
  }

  const emitToolUse = (thread: LiveThread, step: Step): void => {
    const { own, onPrimary } = session.emit(thread, step.type, { input: {}, ...step.fields })
    lastToolUse.set(`${thread.id} ${step.type.replace('_use', '_result')}`, own.id)
    if (needsClient(own)) waiting.push({ thread, ownId: own.id, primaryId: onPrimary.id })
  }

  const createChild = (step: Step): void => {
    const declared = scenario.threads[step.thread]
    if (declared === undefined) return
    const thread = session.addThread(childAgent(session, declared))
    children.set(step.thread, thread)
    session.emit(session.primary, step.type, {
      session_thread_id: thread.id,
      agent_name: thread.agent.name,
      workflow_run_id: null,
      ...step.fields,
    })
  }

  const stopReason = (fields: JsonObject): JsonObject => {
    const reason = reasonSchema.safeParse(fields['stop_reason'])
    if (!reason.success) return { type: 'end_turn' }
    if (reason.data.type !== 'requires_action') return reason.data
    return { type: 'requires_action', event_ids: waiting.map(({ primaryId }) => primaryId) }
  }

  const peerFields = (step: Step): JsonObject => {
    const peer = threadNamed(step.peer)
    const end = step.type.endsWith('_sent') ? 'to' : 'from'
    return {
      [`${end}_session_thread_id`]: peer.id,
      ...(peer === session.primary ? {} : { [`${end}_agent_name`]: peer.agent.name }),
    }
  }

  /** Takes every running thread, then the session, out of running without an idle. */
  const leave = (step: Step): void => {
    for (const thread of session.threads.values()) {
      if (thread.status === 'running') emitThreadStatus(thread, step.type.replace('session.status_', ''))
    }
    session.emit(session.primary, step.type, step.fields)
  }

  /** Sets the session and its primary thread running; nothing when they are. */
  const open = (): void => {
    if (session.status === 'running') return
    session.emit(session.primary, 'session.status_running')
    emitThreadStatus(session.primary, 'running')
  }

  /** Brings every running thread and then the session to idle, with a usage snapshot in between. */
  const close = (reason: JsonObject, fields: JsonObject = {}): void => {
    const details = fields['stop_details'] ?? null
    for (const thread of [...session.threads.values()].reverse()) {
      if (thread.status === 'running') idleThread(thread, reason, details)
    }
    emitUsage()
    session.emit(session.primary, 'session.status_idle', { stop_reason: reason, stop_details: details })
  }

  const linkResult = (thread: LiveThread, step: Step): void => {
    const link = step.type === 'agent.tool_result' ? 'tool_use_id' : 'mcp_tool_use_id'
    const useId = lastToolUse.get(`${thread.id} ${step.type}`) ?? ''
    session.emit(thread, step.type, { [link]: useId, ...step.fields })
  }
  const emitMessage = (thread: LiveThread, step: Step): void => {
    session.emit(thread, step.type, { ...peerFields(step), ...step.fields })
  }
  const moveChild = (thread: LiveThread, step: Step): void =>
    emitThreadStatus(thread, step.type.replace('session.thread_status_', ''), step.fields)

  /** The event types that need something filled in; every other type is emitted as it stands. */
  const acts: ReadonlyMap<string, (thread: LiveThread, step: Step) => void> = new Map([
    ['session.status_running', () => open()],
    ['session.status_rescheduled', (_, step) => leave(step)],
    ['session.status_terminated', (_, step) => leave(step)],
    ['session.thread_created', (_, step) => createChild(step)],
    ['session.thread_status_running', moveChild],
    ['session.thread_status_rescheduled', moveChild],
    ['session.thread_status_terminated', moveChild],
    [
      'session.thread_status_idle',
      (thread, step) => idleThread(thread, stopReason(step.fields), step.fields['stop_details'] ?? null),
    ],
    ['span.model_request_start', requests.start],
    ['span.model_request_end', requests.end],
    ['agent.tool_use', emitToolUse],
    ['agent.mcp_tool_use', emitToolUse],
    ['agent.custom_tool_use', emitToolUse],
    ['agent.tool_result', linkResult],
    ['agent.mcp_tool_result', linkResult],
    ['agent.thread_message_sent', emitMessage],
    ['agent.thread_message_received', emitMessage],
    ['session.usage', (_, step) => emitUsage(step.fields)],
  ])

  /** Makes a step's event happen now. */
  const perform = (step: Step): void => {
    const thread = threadOf(step)
    const act = acts.get(step.type)
    if (act === undefined) session.emit(thread, step.type, step.fields)
    else act(thread, step)
  }

  return {
    perform,
    open,
    close,
    stopReason,
    threadOf,
    endOpenRequest: requests.endOpen,
    /** Ends one running thread's request and brings it to idle. */
    halt: (thread: LiveThread): void => {
      requests.endOpen(thread)
      idleThread(thread, { type: 'end_turn' })
    },
    now: () => timestamp(clock.nowMs()),
    pending: (): readonly Pending[] => waiting,
    isPending: (id: string) => waiting.some(({ ownId, primaryId }) => ownId === id || primaryId === id),
    resolve: (id: string): void => {
      waiting = waiting.filter(({ ownId, primaryId }) => ownId !== id && primaryId !== id)
    },
    forgetPending: (): void => {
      waiting = []
    },
  }
}
