// Sessions and threads as the API answers them, with every field the SDK's types require
// (SDK 1.12.0 `BetaManagedAgentsSession`, `BetaManagedAgentsSessionThread`).

import { type LiveSession, type LiveThread, timestamp } from './live-session.ts'

/** A session object at `nowMs`: usage and running time include what is going on at this moment. */
export function sessionView(session: LiveSession, nowMs: number) {
  return {
    id: session.id,
    type: 'session',
    agent: session.agent,
    environment_id: session.environmentId,
    status: session.status,
    title: session.title,
    metadata: session.metadata,
    budget: session.budget,
    deployment_id: session.deploymentId,
    outcome_evaluations: session.outcomes,
    resources: session.resources,
    vault_ids: session.vaultIds,
    stats: {
      active_seconds: session.meter.threadSumMs(nowMs) / 1000,
      duration_seconds: ((session.terminatedAtMs ?? nowMs) - session.createdAtMs) / 1000,
    },
    usage: session.meter.usage(nowMs),
    created_at: timestamp(session.createdAtMs),
    updated_at: timestamp(session.updatedAtMs),
    archived_at: session.archivedAtMs === null ? null : timestamp(session.archivedAtMs),
  }
}

/** A thread object at `nowMs`. Usage is null until the thread is idle for the first time. */
export function threadView(session: LiveSession, thread: LiveThread, nowMs: number) {
  return {
    id: thread.id,
    type: 'session_thread',
    session_id: session.id,
    parent_thread_id: thread.parentId,
    workflow_run_id: thread.workflowRunId,
    agent: thread.shownAgent,
    status: thread.status,
    stats: thread.hasMoved
      ? {
          active_seconds: session.meter.threadActiveMs(thread.id, nowMs) / 1000,
          duration_seconds:
            ((thread.status === 'terminated' ? thread.updatedAtMs : nowMs) - thread.createdAtMs) / 1000,
          startup_seconds: 0,
        }
      : null,
    usage: thread.hasIdled ? session.meter.threadUsage(thread.id, nowMs) : null,
    created_at: timestamp(thread.createdAtMs),
    updated_at: timestamp(thread.updatedAtMs),
    archived_at: thread.archivedAtMs === null ? null : timestamp(thread.archivedAtMs),
  }
}
