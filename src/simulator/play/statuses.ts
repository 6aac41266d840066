// The status edges of a session and its threads, in the order the upstream tells of them: a session starts before
// its threads, and comes to rest after them with a usage snapshot in between.

import type { SimulatorClock } from '../clock.ts'
import type { JsonObject } from '../json.ts'
import type { LiveSession, LiveThread } from '../sessions/live-session.ts'

export type Statuses = ReturnType<typeof createStatuses>

/** A turn that simply ended. */
export const endTurn: JsonObject = { type: 'end_turn' }

/** Whether a thread is in the middle of a turn. */
export const isAtWork = ({ status }: LiveThread): boolean => status === 'running' || status === 'rescheduling'

/** The status edges of one session. */
export function createStatuses(session: LiveSession, clock: SimulatorClock) {
  const moveThread = (thread: LiveThread, status: string, extra: JsonObject = {}): void => {
    session.emit(thread, `session.thread_status_${status}`, {
      ...extra,
      session_thread_id: thread.id,
      agent_name: thread.agent.name,
    })
  }
  const emitUsage = (fields: JsonObject = {}): void => {
    const usage = session.meter.usage(clock.nowMs())
    session.emit(session.primary, 'session.usage', { usage, budget: session.budget, ...fields })
  }
  const idleThread = (thread: LiveThread, reason: JsonObject, details: unknown = null): void =>
    moveThread(thread, 'idle', { stop_reason: reason, stop_details: details })
  const idleSession = (reason: JsonObject, details: unknown = null): void => {
    emitUsage()
    session.emit(session.primary, 'session.status_idle', { stop_reason: reason, stop_details: details })
  }
  /** Children first, as they were made last. */
  const threads = (): readonly LiveThread[] => [...session.threads.values()].reverse()

  return {
    moveThread,
    emitUsage,
    idleThread,
    idleSession,
    /** Whether a thread runs, other than the one given. */
    isAnyRunning: (except?: LiveThread): boolean =>
      threads().some((thread) => thread !== except && thread.status === 'running'),
    /** Sets a thread running, and before it the session; nothing when they are. */
    run: (thread: LiveThread): void => {
      if (session.status !== 'running') session.emit(session.primary, 'session.status_running')
      if (thread.status !== 'running' && thread.status !== 'terminated') moveThread(thread, 'running')
    },
    /** Sets the session running, and every thread that a crash had put off; the primary one when there is none. */
    open: (): void => {
      if (session.status === 'running') return
      session.emit(session.primary, 'session.status_running')
      const putOff = [...session.threads.values()].filter(({ status }) => status === 'rescheduling')
      for (const thread of putOff.length > 0 ? putOff : [session.primary]) moveThread(thread, 'running')
    },
    /** Brings every thread at work and then the session to idle. The reason is the primary thread's. */
    close: (reason: JsonObject, details: unknown = null): void => {
      for (const thread of threads()) {
        if (!isAtWork(thread)) continue
        if (thread === session.primary) idleThread(thread, reason, details)
        else idleThread(thread, endTurn)
      }
      idleSession(reason, details)
    },
    /** Every thread at work, then the session, waits for the upstream to try again. */
    reschedule: (fields: JsonObject): void => {
      for (const thread of threads()) if (thread.status === 'running') moveThread(thread, 'rescheduled')
      session.emit(session.primary, 'session.status_rescheduled', fields)
    },
    /** Ends every thread, then the session, for good. */
    terminate: (fields: JsonObject = {}): void => {
      for (const thread of threads()) if (thread.status !== 'terminated') moveThread(thread, 'terminated')
      session.emit(session.primary, 'session.status_terminated', fields)
    },
  }
}
