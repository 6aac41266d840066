// A session as it lives: its threads, their events and statuses, and the meter that follows them.
// Every event goes through `emit`, which also moves the statuses the event stands for.

import type { AgentSnapshot } from '../agents/agent-config.ts'
import { createMeter, type Meter } from '../billing/meter.ts'
import type { SimulatorClock } from '../clock.ts'
import { newId } from '../ids.ts'
import type { JsonObject } from '../json.ts'
import { createEventLog, type EventLog, type SessionEvent } from './event-log.ts'
import { followOutcome, type OutcomeEvaluation } from './outcome-evaluations.ts'
import type { Budget } from './session-budget.ts'

export type Status = 'idle' | 'running' | 'rescheduling' | 'terminated'

export type ThreadAgent = Omit<AgentSnapshot, 'multiagent'>

/** One thread. What changes while it lives is not readonly. */
export type LiveThread = {
  readonly id: string
  readonly parentId: string | null
  readonly agent: ThreadAgent
  /** The agent as the API shows it: an inline agent has no id, an advisor only a model. */
  readonly shownAgent: JsonObject
  readonly workflowRunId: string | null
  readonly order: number
  readonly createdAtMs: number
  readonly log: EventLog
  status: Status
  updatedAtMs: number
  archivedAtMs: number | null
  hasMoved: boolean
  hasIdled: boolean
}

/** What makes a thread other than one that runs a saved agent for its parent. */
export type ThreadOrigin = { readonly workflowRunId?: string; readonly shownAgent?: JsonObject }

/** What a session is made with. */
export type SessionSetup = {
  readonly agent: AgentSnapshot
  readonly environmentId: string
  readonly title: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly budget: Budget | null
  readonly deploymentId: string | null
  readonly vaultIds: readonly string[]
  /** Whether its tools run at the customer's, who then answers with `user.tool_result`. Absent: no. */
  readonly isSelfHosted?: boolean
}

/** One session. What changes while it lives is not readonly. */
export type LiveSession = {
  readonly id: string
  readonly environmentId: string
  readonly createdAtMs: number
  readonly deploymentId: string | null
  readonly isSelfHosted: boolean
  readonly vaultIds: readonly string[]
  readonly meter: Meter
  readonly primary: LiveThread
  readonly threads: Map<string, LiveThread>
  agent: AgentSnapshot
  title: string | null
  metadata: Readonly<Record<string, string>>
  budget: Budget | null
  resources: readonly JsonObject[]
  outcomes: readonly OutcomeEvaluation[]
  status: Status
  updatedAtMs: number
  archivedAtMs: number | null
  terminatedAtMs: number | null
  /** Adds a child thread of the primary one. */
  readonly addThread: (agent: ThreadAgent, origin?: ThreadOrigin) => LiveThread
  /** Makes an event happen now on a thread; see `Emitted`. An `id` is given when previews have named it before. */
  readonly emit: (thread: LiveThread, type: string, fields?: JsonObject, id?: string) => Emitted
}

/** An event, and the one the primary thread shows for it: the same, or a copy with another id. */
export type Emitted = { readonly own: SessionEvent; readonly onPrimary: SessionEvent }

const statusBySuffix: ReadonlyMap<string, Status> = new Map([
  ['running', 'running'],
  ['idle', 'idle'],
  ['rescheduled', 'rescheduling'],
  ['terminated', 'terminated'],
])

/** Milliseconds as the RFC 3339 timestamp the API writes. */
export const timestamp = (atMs: number): string => new Date(atMs).toISOString()

/** The tools of the agent toolset that run in the sandbox; the others run on the server, wherever the session runs. */
const sandboxTools: ReadonlySet<unknown> = new Set(['bash', 'edit', 'glob', 'grep', 'read', 'write'])

/** What a tool use waits for: a permission, a result from the client, or nothing. */
export function awaitedBy(event: SessionEvent, isSelfHosted: boolean): 'confirmation' | 'result' | null {
  if (event.type === 'agent.custom_tool_use') return 'result'
  if (event.type !== 'agent.tool_use' && event.type !== 'agent.mcp_tool_use') return null
  const permission = event['evaluated_permission'] ?? 'allow'
  if (permission === 'ask') return 'confirmation'
  return permission === 'allow' && isRunOutside(event, isSelfHosted) ? 'result' : null
}

/** Whether the client runs this tool use itself, once it may run. */
export const isRunOutside = (event: SessionEvent, isSelfHosted: boolean): boolean =>
  isSelfHosted && event.type === 'agent.tool_use' && sandboxTools.has(event['name'])

type ThreadSeat = Pick<LiveThread, 'parentId' | 'order'> & { readonly nowMs: number }

function createThread(
  agent: ThreadAgent,
  { parentId, order, nowMs }: ThreadSeat,
  origin: ThreadOrigin = {},
): LiveThread {
  return {
    id: newId('sthr'),
    parentId,
    agent,
    shownAgent: origin.shownAgent ?? agent,
    workflowRunId: origin.workflowRunId ?? null,
    order,
    createdAtMs: nowMs,
    log: createEventLog(),
    status: 'idle',
    updatedAtMs: nowMs,
    archivedAtMs: null,
    hasMoved: false,
    hasIdled: false,
  }
}

function moveThread(session: LiveSession, thread: LiveThread, status: Status, nowMs: number): void {
  thread.status = status
  thread.updatedAtMs = nowMs
  thread.hasMoved = true
  if (status === 'idle') thread.hasIdled = true
  session.meter.setThreadRunning(thread.id, status === 'running', nowMs)
}

function moveSession(session: LiveSession, status: Status, nowMs: number): void {
  session.status = status
  session.updatedAtMs = nowMs
  if (status === 'terminated') session.terminatedAtMs = nowMs
  session.meter.setSessionRunning(status === 'running', nowMs)
}

function applyStatus(session: LiveSession, thread: LiveThread, type: string, nowMs: number): void {
  const [, scope, suffix] = /^session\.(status|thread_status)_(\w+)$/.exec(type) ?? []
  const status = statusBySuffix.get(suffix ?? '')
  if (status === undefined) return
  if (scope === 'status') moveSession(session, status, nowMs)
  else moveThread(session, thread, status, nowMs)
}

/** What a child shows on the primary thread is a copy under an id of its own. */
function crossPost(session: LiveSession, thread: LiveThread, own: SessionEvent): SessionEvent {
  const { primary, isSelfHosted } = session
  if (thread === primary) return own
  const isShown = own.type.startsWith('session.thread_status_') || awaitedBy(own, isSelfHosted) !== null
  if (!isShown) return own
  const copy: SessionEvent = { ...own, id: newId('sevt'), session_thread_id: thread.id }
  primary.log.append(copy)
  return copy
}

/** A new session, idle, with its primary thread. `tell` hears of every event after it has happened. */
export function createLiveSession(
  setup: SessionSetup,
  clock: SimulatorClock,
  tell: (session: LiveSession, event: SessionEvent) => void = () => {},
): LiveSession {
  const createdAtMs = clock.nowMs()
  const { multiagent: _, ...primaryAgent } = setup.agent
  const primary = createThread(primaryAgent, { parentId: null, order: 0, nowMs: createdAtMs })
  const threads = new Map([[primary.id, primary]])

  const session: LiveSession = {
    id: newId('sesn'),
    environmentId: setup.environmentId,
    createdAtMs,
    deploymentId: setup.deploymentId,
    isSelfHosted: setup.isSelfHosted ?? false,
    vaultIds: setup.vaultIds,
    meter: createMeter(),
    primary,
    threads,
    agent: setup.agent,
    title: setup.title,
    metadata: setup.metadata,
    budget: setup.budget,
    resources: [],
    outcomes: [],
    status: 'idle',
    updatedAtMs: createdAtMs,
    archivedAtMs: null,
    terminatedAtMs: null,
    addThread: (agent, origin) => {
      const seat = { parentId: primary.id, order: threads.size, nowMs: clock.nowMs() }
      const thread = createThread(agent, seat, origin)
      threads.set(thread.id, thread)
      return thread
    },
    emit: (thread, type, fields = {}, id = newId('sevt')) => {
      const nowMs = clock.nowMs()
      const own: SessionEvent = { ...fields, id, type, processed_at: timestamp(nowMs) }
      applyStatus(session, thread, type, nowMs)
      session.outcomes = followOutcome(session.outcomes, own)
      thread.log.append(own)
      const onPrimary = crossPost(session, thread, own)
      tell(session, own)
      return { own, onPrimary }
    },
  }
  return session
}
