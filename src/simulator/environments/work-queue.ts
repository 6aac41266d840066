// The work of every self-hosted environment, in the order it was queued: handed out to one worker at a time,
// and again when that worker does not acknowledge it or lets its lease run out.

import type { SimulatorClock } from '../clock.ts'
import { notFound } from '../http/api-error.ts'
import type { Placed } from '../http/page.ts'
import { timestamp } from '../sessions/live-session.ts'
import { createWorkItem, expireLease, type WorkItem } from './work-item.ts'

/** Workers that polled within this time count as polling (SDK 1.12.0 resources/beta/environments/work). */
const workerSeenMs = 30_000

export type WorkQueue = {
  /** Queues work for a session, unless some of it is already queued or being done. */
  readonly add: (environmentId: string, sessionId: string) => void
  /** The oldest item that nobody has, or that was handed out at least `reclaimMs` ago and not acknowledged. */
  readonly claim: (environmentId: string, reclaimMs: number) => WorkItem | undefined
  /** Calls back whenever work is queued; the returned function ends that. */
  readonly onQueued: (environmentId: string, listener: () => void) => () => void
  /** Throws a 404 when the environment has no such item. */
  readonly find: (environmentId: string, id: string) => WorkItem
  /** Oldest first. */
  readonly list: (environmentId: string) => readonly Placed<WorkItem>[]
  readonly noteWorker: (environmentId: string, workerId: string) => void
  /** The counts that `work/stats` answers. */
  readonly stats: (environmentId: string) => WorkStats
}

type WorkStats = {
  readonly type: 'work_queue_stats'
  readonly depth: number
  readonly pending: number
  readonly oldest_queued_at: string | null
  readonly workers_polling: number | null
}

type Listeners = Map<string, Set<() => void>>

const isOpen = ({ state }: WorkItem): boolean =>
  state === 'queued' || state === 'starting' || state === 'active'

/** An empty queue. */
export function createWorkQueue(clock: SimulatorClock): WorkQueue {
  const items = new Map<string, WorkItem>()
  const workers = new Map<string, Map<string, number>>()
  const listeners: Listeners = new Map()
  let nextOrder = 0

  const itemsOf = (environmentId: string): readonly WorkItem[] => {
    const own = [...items.values()].filter((item) => item.environmentId === environmentId)
    // Leases end when somebody looks: nothing can tell the difference, and no timer is needed.
    for (const item of own) expireLease(item, clock.nowMs())
    return own
  }
  const listenersOf = (environmentId: string): Set<() => void> => {
    const own = listeners.get(environmentId) ?? new Set<() => void>()
    listeners.set(environmentId, own)
    return own
  }

  return {
    add: (environmentId, sessionId) => {
      if (itemsOf(environmentId).some((item) => item.sessionId === sessionId && isOpen(item))) return
      const createdAtMs = clock.nowMs()
      const item = createWorkItem({ environmentId, sessionId, order: nextOrder++, createdAtMs })
      items.set(item.id, item)
      for (const listener of [...listenersOf(environmentId)]) listener()
    },
    claim: (environmentId, reclaimMs) => {
      const nowMs = clock.nowMs()
      const item = itemsOf(environmentId).find(
        ({ state, claimedAtMs }) =>
          state === 'queued' && (claimedAtMs === null || claimedAtMs + reclaimMs <= nowMs),
      )
      if (item !== undefined) item.claimedAtMs = nowMs
      return item
    },
    onQueued: (environmentId, listener) => {
      listenersOf(environmentId).add(listener)
      return () => void listenersOf(environmentId).delete(listener)
    },
    find: (environmentId, id) => {
      const found = itemsOf(environmentId).find((item) => item.id === id)
      if (found === undefined) throw notFound(`work \`${id}\` not found in environment \`${environmentId}\``)
      return found
    },
    list: (environmentId) => itemsOf(environmentId).map((item) => ({ order: item.order, item })),
    noteWorker: (environmentId, workerId) => {
      const seen = workers.get(environmentId) ?? new Map<string, number>()
      workers.set(environmentId, seen.set(workerId, clock.nowMs()))
    },
    stats: (environmentId) => {
      const queued = itemsOf(environmentId).filter(({ state }) => state === 'queued')
      const [oldest] = queued
      const pending = queued.filter(({ claimedAtMs }) => claimedAtMs !== null).length
      const seen = workers.get(environmentId)
      const sinceMs = clock.nowMs() - workerSeenMs
      return {
        type: 'work_queue_stats',
        depth: queued.length - pending,
        pending,
        oldest_queued_at: oldest === undefined ? null : timestamp(oldest.createdAtMs),
        workers_polling: seen === undefined ? null : [...seen.values()].filter((at) => at >= sinceMs).length,
      }
    },
  }
}
