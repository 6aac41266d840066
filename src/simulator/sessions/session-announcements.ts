// What webhooks are told of a session: its changes by request, and the statuses its events bring
// (SDK 1.12.0 resources/beta/webhooks: the names differ from those of the stream).

import { z } from 'zod'
import type { World } from '../world.ts'
import type { SessionEvent } from './event-log.ts'
import type { LiveSession } from './live-session.ts'
import type { Budget } from './session-budget.ts'

const bySessionEvent: Readonly<Record<string, readonly string[]>> = {
  'session.status_running': ['session.running', 'session.status_run_started'],
  'session.status_idle': ['session.idled', 'session.status_idled'],
  'session.status_rescheduled': ['session.status_rescheduled'],
  'session.status_terminated': ['session.status_terminated'],
  'session.updated': ['session.updated'],
  'span.outcome_evaluation_end': ['session.outcome_evaluation_ended'],
}

/** Threads are told of when they are children; of the primary one the session's own events tell. */
const byThreadEvent: Readonly<Record<string, string>> = {
  'session.thread_created': 'session.thread_created',
  'session.thread_status_idle': 'session.thread_idled',
  'session.thread_status_terminated': 'session.thread_terminated',
}

const idle = z.looseObject({ stop_reason: z.looseObject({ type: z.string() }) })

/** Announces what a request did to a session. */
export const announceSession = (world: World, { id }: LiveSession, type: string): void =>
  world.announce(type, { id })

/** Hears of every event of one session and announces what it stands for, if anything. */
export function createEventAnnouncer(world: World) {
  let budgetAnnounced: Budget | null = null

  const announceStop = (session: LiveSession, event: SessionEvent): void => {
    const reason = idle.safeParse(event).data?.stop_reason.type
    if (reason === 'requires_action') announceSession(world, session, 'session.requires_action')
    // Once for each budget: an update puts another object in its place.
    if (reason !== 'budget_reached' || session.budget === budgetAnnounced) return
    budgetAnnounced = session.budget
    announceSession(world, session, 'session.budget_reached')
  }

  return (session: LiveSession, event: SessionEvent): void => {
    for (const type of bySessionEvent[event.type] ?? []) announceSession(world, session, type)
    if (event.type === 'session.status_idle') announceStop(session, event)
    const ofThread = byThreadEvent[event.type]
    const threadId = event['session_thread_id']
    if (ofThread !== undefined && threadId !== session.primary.id) {
      world.announce(ofThread, { id: session.id, session_thread_id: threadId })
    }
  }
}
