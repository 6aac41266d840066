// Turns a scenario's steps into events, filling in what a script cannot know: ids of threads and runs, links from a
// result to its use and from a span's end to its start, and the status of whoever works.

import { z } from 'zod'
import type { SimulatorClock } from '../clock.ts'
import type { JsonObject } from '../json.ts'
import { type LiveSession, type LiveThread, timestamp } from '../sessions/live-session.ts'
import { createCast } from './cast.ts'
import { type Consequence, emitFailure } from './failures.ts'
import { createGrading } from './grading.ts'
import { createModelRequests } from './model-requests.ts'
import { beginPreview, type Preview } from './previews.ts'
import type { Scenario, Step } from './scenario.ts'
import { createStatuses, endTurn } from './statuses.ts'
import { createToolUses } from './tool-uses.ts'
import { createWorkflowRuns } from './workflow-runs.ts'

export type Stage = ReturnType<typeof createStage>

const reasonSchema = z.looseObject({ type: z.string() })

/** What only a running thread does; a thread at rest starts to run with it. */
const isWork = (type: string): boolean =>
  type === 'span.model_request_start' ||
  (type.startsWith('agent.') && type !== 'agent.thread_message_received')

/** The script's own word on why something stopped; `end_turn` without one. */
export function stopReason(fields: JsonObject): JsonObject {
  const reason = reasonSchema.safeParse(fields['stop_reason'])
  return reason.success ? reason.data : endTurn
}

/** The stage of one session. */
export function createStage(session: LiveSession, scenario: Scenario, clock: SimulatorClock) {
  const { primary } = session
  const cast = createCast(session, scenario)
  const requests = createModelRequests(session, clock)
  const statuses = createStatuses(session, clock)
  const tools = createToolUses(session)
  const runs = createWorkflowRuns(session, statuses, clock)
  const grading = createGrading(session)

  const createChild = (step: Step): void => {
    const thread = cast.join(step.thread, runs.idOf(cast.declared(step.thread)?.run))
    if (thread === undefined) return
    session.emit(primary, step.type, {
      session_thread_id: thread.id,
      agent_name: thread.agent.name,
      workflow_run_id: thread.workflowRunId,
      ...step.fields,
    })
  }
  const sendMessage = (thread: LiveThread, step: Step): void => {
    const peer = cast.named(step.peer)
    const end = step.type.endsWith('_sent') ? 'to' : 'from'
    session.emit(thread, step.type, {
      [`${end}_session_thread_id`]: peer.id,
      ...(peer === primary ? {} : { [`${end}_agent_name`]: peer.agent.name }),
      ...step.fields,
    })
  }
  const moveThread = (thread: LiveThread, step: Step): void => {
    if (step.type.endsWith('_running')) statuses.run(thread)
    else if (!step.type.endsWith('_idle')) {
      statuses.moveThread(thread, step.type.replace('session.thread_status_', ''), step.fields)
    } else statuses.idleThread(thread, stopReason(step.fields), step.fields['stop_details'])
  }
  /** Every open request ends in error: a crash, an interrupt. */
  const cutRequests = (): void => {
    for (const thread of session.threads.values()) requests.endOpen(thread)
  }
  const reschedule = (step: Step): void => {
    cutRequests()
    statuses.reschedule(step.fields)
  }
  const terminate = (fields: JsonObject = {}): void => {
    cutRequests()
    statuses.terminate(fields)
  }
  const startRequest = (thread: LiveThread, step: Step): void => {
    tools.forgetUses(thread)
    requests.start(thread, step)
  }

  /** The event types that need something filled in; every other type is emitted as it stands. */
  const acts: ReadonlyMap<string, (thread: LiveThread, step: Step) => void> = new Map([
    ['session.status_running', () => statuses.open()],
    ['session.status_idle', (_, { fields }) => statuses.close(stopReason(fields), fields['stop_details'])],
    ['session.status_rescheduled', (_, step) => reschedule(step)],
    ['session.status_terminated', (_, step) => terminate(step.fields)],
    ['session.usage', (_, step) => statuses.emitUsage(step.fields)],
    ['session.thread_created', (_, step) => createChild(step)],
    ['session.thread_status_running', moveThread],
    ['session.thread_status_rescheduled', moveThread],
    ['session.thread_status_terminated', moveThread],
    ['session.thread_status_idle', moveThread],
    ['span.model_request_start', startRequest],
    ['span.model_request_end', requests.end],
    ['agent.tool_use', tools.use],
    ['agent.mcp_tool_use', tools.use],
    ['agent.custom_tool_use', tools.use],
    ['agent.tool_result', tools.result],
    ['agent.mcp_tool_result', tools.result],
    ['agent.thread_message_sent', sendMessage],
    ['agent.thread_message_received', sendMessage],
  ])

  const performOwn = (thread: LiveThread, step: Step, id: string | undefined): void => {
    if (step.type.startsWith('workflow_run.')) runs.perform(step)
    else if (step.type.startsWith('span.outcome_evaluation_')) grading.perform(step)
    else session.emit(thread, step.type, step.fields, id)
  }

  return {
    statuses,
    tools,
    runs,
    grading,
    actorOf: cast.actorOf,
    peerOf: (step: Step): LiveThread => cast.named(step.peer),
    isRequestOpen: requests.isOpen,
    now: () => timestamp(clock.nowMs()),
    /** Starts previewing the event of a step, when its model writes it and somebody wants to see. */
    preview: (step: Step): Preview | undefined => {
      const thread = cast.actorOf(step)
      return requests.isOpen(thread) ? beginPreview(thread, step, clock) : undefined
    },
    /** Makes a step's event happen now, under `id` when a preview has named it. Says what an error does to the turn. */
    perform: (step: Step, id?: string): Consequence | undefined => {
      const thread = cast.actorOf(step)
      if (thread.status === 'terminated' && step.type !== 'session.thread_created') return undefined
      if (isWork(step.type)) statuses.run(thread)
      if (step.type === 'session.error') {
        requests.endOpen(thread)
        return emitFailure(session, thread, step)
      }
      const act = acts.get(step.type)
      if (act === undefined) performOwn(thread, step, id)
      else act(thread, step)
      return undefined
    },
    /** Ends a thread's request and brings it to idle, when it was at work. */
    halt: (thread: LiveThread, reason: JsonObject = endTurn): void => {
      requests.endOpen(thread)
      if (thread.status === 'running' || thread.status === 'rescheduling') statuses.idleThread(thread, reason)
    },
    cutRequests,
    terminate,
  }
}
