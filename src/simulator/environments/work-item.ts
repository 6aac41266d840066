// One piece of work of a self-hosted environment and the lease of whoever does it:
// queued -> starting (acknowledged) -> active (first heartbeat) -> stopping -> stopped, and back to queued
// when the lease runs out.

import { ApiError, conflict } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import { timestamp } from '../sessions/live-session.ts'

/** A work item. What changes while it is worked on is not readonly. */
export type WorkItem = {
  readonly id: string
  readonly environmentId: string
  readonly sessionId: string
  readonly order: number
  readonly createdAtMs: number
  state: 'queued' | 'starting' | 'active' | 'stopping' | 'stopped'
  metadata: Readonly<Record<string, string>>
  /** When a poll handed it out; null while nobody has it. */
  claimedAtMs: number | null
  acknowledgedAtMs: number | null
  startedAtMs: number | null
  heartbeatAtMs: number | null
  stopRequestedAtMs: number | null
  stoppedAtMs: number | null
  /** When the lease runs out; null while there is none. */
  leaseUntilMs: number | null
  ttlSeconds: number
}

/** How long a lease holds when the worker asks for nothing (SDK 1.12.0 lib/tools/SessionToolRunner: five minutes). */
const ttlSecondsDefault = 300
const ttlSecondsMax = 3600
/** What a first heartbeat expects to find (SDK 1.12.0 resources/beta/environments/work). */
const noHeartbeat = 'NO_HEARTBEAT'

const orNull = (atMs: number | null): string | null => (atMs === null ? null : timestamp(atMs))

/** A new item, waiting in the queue. */
export function createWorkItem(
  of: Pick<WorkItem, 'environmentId' | 'sessionId' | 'order' | 'createdAtMs'>,
): WorkItem {
  return {
    ...of,
    id: newId('work'),
    state: 'queued',
    metadata: {},
    claimedAtMs: null,
    acknowledgedAtMs: null,
    startedAtMs: null,
    heartbeatAtMs: null,
    stopRequestedAtMs: null,
    stoppedAtMs: null,
    leaseUntilMs: null,
    ttlSeconds: ttlSecondsDefault,
  }
}

/** The item as the API shows it; the secret only to the poll that claims it. */
export const workView = (item: WorkItem, secret: string | null = null) => ({
  id: item.id,
  type: 'work',
  environment_id: item.environmentId,
  data: { type: 'session', id: item.sessionId },
  state: item.state,
  secret,
  metadata: item.metadata,
  created_at: timestamp(item.createdAtMs),
  acknowledged_at: orNull(item.acknowledgedAtMs),
  started_at: orNull(item.startedAtMs),
  latest_heartbeat_at: orNull(item.heartbeatAtMs),
  stop_requested_at: orNull(item.stopRequestedAtMs),
  stopped_at: orNull(item.stoppedAtMs),
})

/** Lets a lease that ran out end: the work is queued again, unless it was to stop anyway. */
export function expireLease(item: WorkItem, nowMs: number): void {
  if (item.leaseUntilMs === null || item.leaseUntilMs > nowMs) return
  if (item.state === 'stopping') {
    item.state = 'stopped'
    item.stoppedAtMs = item.leaseUntilMs
  } else {
    item.state = 'queued'
    item.claimedAtMs = null
    // The next worker starts from `NO_HEARTBEAT`, and the old one's value no longer fits.
    item.heartbeatAtMs = null
  }
  item.leaseUntilMs = null
}

/** Takes a claimed item off the queue. Throws a 409 when it is already being worked on or over. */
export function acknowledge(item: WorkItem, nowMs: number): void {
  // A second time because the first answer was lost is fine: the claim was the same.
  if (item.state === 'starting') return
  if (item.state !== 'queued') throw conflict(`work \`${item.id}\` is already ${item.state}`)
  item.state = 'starting'
  item.claimedAtMs ??= nowMs
  item.acknowledgedAtMs = nowMs
  item.leaseUntilMs = nowMs + item.ttlSeconds * 1000
}

function checkHeartbeat(item: WorkItem, expected: string): void {
  const stored = orNull(item.heartbeatAtMs)
  if (expected === (stored ?? noHeartbeat)) return
  throw new ApiError(412, 'invalid_request_error', 'another worker may hold the lease of this work', {
    error_code: 'heartbeat_precondition_failed',
    current_state: {
      last_heartbeat: stored,
      lease_extended: false,
      state: item.state,
      ttl_seconds: item.ttlSeconds,
    },
  })
}

/** Renews the lease of an acknowledged item. Throws a 412 when `expected` is not the stored heartbeat. */
export function heartbeat(
  item: WorkItem,
  wanted: { readonly expected: string | null; readonly ttlSeconds: number | null },
  nowMs: number,
) {
  const isEnding = item.state === 'stopping' || item.state === 'stopped'
  if (wanted.expected !== null && !isEnding) checkHeartbeat(item, wanted.expected)
  // Work that nobody acknowledged, or that is over, has no lease to extend.
  const isExtended = item.state === 'starting' || item.state === 'active' || item.state === 'stopping'
  if (isExtended) {
    if (item.state === 'starting') {
      item.state = 'active'
      item.startedAtMs ??= nowMs
    }
    item.ttlSeconds = Math.min(wanted.ttlSeconds ?? item.ttlSeconds, ttlSecondsMax)
    item.heartbeatAtMs = nowMs
    item.leaseUntilMs = nowMs + item.ttlSeconds * 1000
  }
  return {
    type: 'work_heartbeat',
    last_heartbeat: orNull(item.heartbeatAtMs) ?? '',
    lease_extended: isExtended,
    state: item.state,
    ttl_seconds: item.ttlSeconds,
  }
}

/**
 * Asks the worker to stop, which its next heartbeat tells it; by force, or when no worker has started, the item
 * is stopped at once. Throws a 409 when it already is.
 */
export function stopWork(item: WorkItem, isForced: boolean, nowMs: number): void {
  if (item.state === 'stopped') throw conflict(`work \`${item.id}\` is already stopped`)
  item.stopRequestedAtMs ??= nowMs
  if (isForced || item.state === 'queued' || item.state === 'starting') {
    item.state = 'stopped'
    item.stoppedAtMs = nowMs
    item.leaseUntilMs = null
  } else {
    item.state = 'stopping'
  }
}
