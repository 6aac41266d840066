// A session as it lives: its threads, their events and statuses, and the meter that follows them.
// Every event goes through `emit`, which also moves the statuses the event stands for.

import type { AgentSnapshot } from '../agents/agent-config.ts'
import { createMeter, type Meter } from '../billing/meter.ts'
import type { SimulatorClock } from '../clock.ts'
import { newId } from '../ids.ts'
import type { JsonObject } from '../json.ts'
import { createEventLog, type EventLog, type SessionEvent } from './event-log.ts'

export type Status = 'idle' | 'running' | 'rescheduling' | 'terminated'

export type ThreadAgent = Omit<AgentSnapshot, 'multiagent'>

/** One thread. What changes while it lives is not readonly. */
export type LiveThread = {
  readonly id: string
  readonly parentId: string | null
  readonly agent: ThreadAgent
  readonly order: number
  readonly createdAtMs: number
  readonly log: EventLog
  status: Status
  updatedAtMs: number
  archivedAtMs: number | null
  hasMoved: boolean
  hasIdled: boolean
}

/** What a session is made with. */
export type SessionSetup = {
  readonly agent: AgentSnapshot
  readonly environmentId: string
  readonly title: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly budget: JsonObject | null
  readonly resources: readonly JsonObject[]
  readonly vaultIds: readonly string[]
}

/** One session. What changes while it lives is not readonly. */
export type LiveSession = {
  readonly id: string
  readonly environmentId: string
  readonly createdAtMs: number
  readonly vaultIds: readonly string[]
  readonly resources: readonly JsonObject[]
  readonly meter: Meter
  readonly primary: LiveThread
  readonly threads: Map<string, LiveThread>
  agent: AgentSnapshot
  title: string | null
  metadata: Readonly<Record<string, string>>
  budget: JsonObject | null
  status: Status
  updatedAtMs: number
  archivedAtMs: number | null
  /** Adds a child thread of the primary one. */
  readonly addThread: (agent: ThreadAgent) => LiveThread
  /** Makes an event happen now on a thread; see `Emitted`. */
  readonly emit: (thread: LiveThread, type: string, fields?: JsonObject) => Emitted
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

/** Whether a tool use waits for the client: a custom tool, or a permission that asks. */
export const needsClient = (event: SessionEvent): boolean =>
  event.type === 'agent.custom_tool_use' ||
  ((event.type === 'agent.tool_use' || event.type === 'agent.mcp_tool_use') &&
    event['evaluated_permission'] === 'ask')

function createThread(agent: ThreadAgent, parentId: string | null, order: number, nowMs: number): LiveThread {
  return {
    id: newId('sthr'),
    parentId,
    agent,
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
  session.meter.setSessionRunning(status === 'running', nowMs)
}

function applyStatus(session: LiveSession, thread: LiveThread, type: string, nowMs: number): void {
  const [, scope, suffix] = /^session\.(status|thread_status)_(\w+)$/.exec(type) ?? []
  const status = statusBySuffix.get(suffix ?? '')
  if (status === undefined) return
  if (scope === 'status') moveSession(session, status, nowMs)
  else moveThread(session, thread, status, nowMs)
}

/** A new session, idle, with its primary thread. */
export function createLiveSession(setup: SessionSetup, clock: SimulatorClock): LiveSession {
  const createdAtMs = clock.nowMs()
  const { multiagent: _, ...primaryAgent } = setup.agent
  const primary = createThread(primaryAgent, null, 0, createdAtMs)
  const threads = new Map([[primary.id, primary]])

  const session: LiveSession = {
    id: newId('sesn'),
    environmentId: setup.environmentId,
    createdAtMs,
    vaultIds: setup.vaultIds,
    resources: setup.resources,
    meter: createMeter(),
    primary,
    threads,
    agent: setup.agent,
    title: setup.title,
    metadata: setup.metadata,
    budget: setup.budget,
    status: 'idle',
    updatedAtMs: createdAtMs,
    archivedAtMs: null,
    addThread: (agent) => {
      const thread = createThread(agent, primary.id, threads.size, clock.nowMs())
      threads.set(thread.id, thread)
      return thread
    },
    emit: (thread, type, fields = {}) => {
      const nowMs = clock.nowMs()
      const own: SessionEvent = { ...fields, id: newId('sevt'), type, processed_at: timestamp(nowMs) }
      applyStatus(session, thread, type, nowMs)
      thread.log.append(own)
      if (thread === primary) return { own, onPrimary: own }
      if (!type.startsWith('session.thread_status_') && !needsClient(own)) return { own, onPrimary: own }
      // What a child shows on the primary thread is a copy under an id of its own.
      const onPrimary: SessionEvent = { ...own, id: newId('sevt'), session_thread_id: thread.id }
      primary.log.append(onPrimary)
      return { own, onPrimary }
    },
  }
  return session
}
