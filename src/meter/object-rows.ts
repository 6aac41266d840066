// Session and thread objects, and a deletion -> rows: who owns the session, what it runs, and edges no event may state.
import type { SessionStatusRow, StatedRows } from '../ledger/rows.ts'
import { toSnapshot } from './event-rows.ts'
import type { MeteredCreation, MeteredDeletion, MeteredSession, MeteredThread } from './record-schema.ts'
import { formatLedgerTime, parseUpstreamTime } from './upstream-time.ts'

const notRunning = new Map<string, SessionStatusRow['status']>([
  ['idle', 'idle'],
  ['rescheduling', 'rescheduling'],
  ['terminated', 'terminated'],
])

/** Rows of a session object, or null when its times cannot be read. Only the creating exchange states the owner. */
export function projectSession(session: MeteredSession): Partial<StatedRows> | null {
  const created = parseUpstreamTime(session.created_at)
  const archived = session.archived_at === null ? null : parseUpstreamTime(session.archived_at)
  if (created === null || (session.archived_at !== null && archived === null)) return null

  const observed = notRunning.get(session.status)
  const edge = (event_id: string, status: SessionStatusRow['status'], micros: number): SessionStatusRow => ({
    session_id: session.session_id,
    event_id,
    scope: 'session',
    thread_id: '',
    status,
    occurred_at: formatLedgerTime(micros),
    reason: '',
    ver: 0,
  })
  const seenAt = session.seen_at_ms * 1000
  return {
    sessions: [
      {
        session_id: session.session_id,
        team: session.created_here ? session.team : '',
        caller: session.created_here ? session.caller : '',
        agent_id: session.agent_id,
        agent_name: session.agent_name,
        agent_version: session.agent_version,
        model: session.model,
        speed: session.speed,
        inference_geo: session.inference_geo,
        environment_id: session.environment_id,
        deployment_id: session.deployment_id,
        created_at: formatLedgerTime(created),
        ver: (session.created_here ? 2 : 0) + (session.model === '' ? 0 : 1),
      },
    ],
    session_status: [
      edge('created', 'idle', created),
      ...(archived === null ? [] : [edge('archived', 'terminated', archived)]),
      ...(observed === undefined
        ? []
        : // One row per status, the latest sight of it: polling a session must not grow the table.
          [
            {
              ...edge(`observed:${observed}`, observed, seenAt),
              scope: 'observed',
              ver: session.seen_at_ms,
            } as const,
          ]),
    ],
    session_limits:
      session.limit_cents === null
        ? []
        : [
            {
              session_id: session.session_id,
              limit_cents: session.limit_cents,
              ver: Math.floor(session.seen_at_ms),
            },
          ],
    usage_snapshots:
      session.usage === null ? [] : [toSnapshot(session.session_id, session.usage, 'object', seenAt)],
  }
}

/** Rows of a thread object: its model, and whether it is the primary or a child. */
export function projectThread(thread: MeteredThread): Partial<StatedRows> {
  const isPrimary = thread.parent_thread_id === null
  return {
    threads: [
      {
        session_id: thread.session_id,
        thread_id: thread.thread_id,
        parent_thread_id: thread.parent_thread_id ?? '',
        is_primary: isPrimary ? 1 : 0,
        model: thread.model,
        speed: thread.speed,
        inference_geo: thread.inference_geo,
      },
    ],
    session_status: [
      {
        session_id: thread.session_id,
        event_id: `role:${thread.thread_id}`,
        scope: 'thread',
        thread_id: thread.thread_id,
        status: isPrimary ? 'primary' : 'child',
        occurred_at: formatLedgerTime(thread.seen_at_ms * 1000),
        reason: '',
        ver: 0,
      },
    ],
  }
}

const savedVersion = /^([A-Za-z0-9_-]+)@([1-9]\d{0,9})$/

/** Whose a new object is, or who saved a version of an agent; null when it cannot be read which. */
export function projectCreation(creation: MeteredCreation): Partial<StatedRows> | null {
  const { object_kind, object_id, team, caller, exchange_id, seen_at_ms } = creation
  // The column keeps milliseconds.
  const seen_at = formatLedgerTime(Math.round(seen_at_ms) * 1000).slice(0, 23)
  if (object_kind === 'agent_version') {
    const [, agent_id, version] = savedVersion.exec(object_id) ?? []
    if (agent_id === undefined) return null
    return { agent_versions: [{ agent_id, version: Number(version), team, caller, exchange_id, seen_at }] }
  }
  return { object_owners: [{ object_kind, object_id, team, caller, exchange_id, seen_at }] }
}

/** The session's end, by our clock: the upstream states no time of a deletion. The earliest sight wins. */
export function projectDeletion(deletion: MeteredDeletion): Partial<StatedRows> {
  return {
    session_status: [
      {
        session_id: deletion.session_id,
        event_id: 'deleted',
        scope: 'session',
        thread_id: '',
        status: 'terminated',
        occurred_at: formatLedgerTime(deletion.seen_at_ms * 1000),
        reason: '',
        ver: Number.MAX_SAFE_INTEGER - Math.floor(deletion.seen_at_ms),
      },
    ],
  }
}
