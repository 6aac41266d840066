// What can be done to a deployment that is there. Doing what is done already changes nothing and tells nobody.

import { isDeepStrictEqual } from 'node:util'
import { invalidRequest } from '../http/api-error.ts'
import type { World } from '../world.ts'
import { readUpdate } from './deployment-params.ts'
import type { DeploymentRecord, PausedReason } from './deployment-record.ts'
import type { ScheduleTimer } from './schedule-timer.ts'

type Schedule = DeploymentRecord['config']['schedule']

/** A deployment with its timer. */
export type Deployment = { readonly record: DeploymentRecord; readonly timer: ScheduleTimer }

/** The deployment, unless it is archived: then throws a 400. */
export function changeable(deployment: Deployment): Deployment {
  const { id, archivedAtMs } = deployment.record
  if (archivedAtMs !== null) throw invalidRequest(`deployment \`${id}\` is archived`)
  return deployment
}

/** Sets the timer to what the deployment now is: a paused or archived one waits for nothing. */
export function rearm({ record, timer }: Deployment): void {
  const isResting = record.pausedReason !== null || record.archivedAtMs !== null
  timer.arm(record.config.name, isResting ? null : record.config.schedule)
}

function touch(world: World, { record }: Deployment, event: string): void {
  record.updatedAtMs = world.clock.nowMs()
  world.announce(`deployment.${event}`, { id: record.id })
}

const scheduledMax = 1000

/** Throws a 400 when `next` would be one scheduled deployment too many. */
export function checkRoom(all: Iterable<Deployment>, next: Schedule): void {
  if (next === null) return
  const scheduled = [...all].filter(
    ({ record }) => record.config.schedule !== null && record.archivedAtMs === null,
  )
  if (scheduled.length < scheduledMax) return
  throw invalidRequest(`schedule: at most ${scheduledMax} scheduled deployments`)
}

/** Changes what a body names. The timer starts over only when the schedule is another one. */
export function update(
  world: World,
  all: Iterable<Deployment>,
  deployment: Deployment,
  body: unknown,
): Deployment {
  const { record } = changeable(deployment)
  const { schedule } = record.config
  const next = readUpdate(world, body, record.config)
  if (isSame(next.schedule, schedule) && isDeepStrictEqual({ ...next, schedule }, record.config)) {
    return deployment
  }
  if (schedule === null) checkRoom(all, next.schedule)
  record.config = next
  if (!isSame(next.schedule, schedule)) rearm(deployment)
  touch(world, deployment, 'updated')
  return deployment
}

const isSame = (a: Schedule, b: Schedule): boolean =>
  a?.expression === b?.expression && a?.timezone === b?.timezone

/** Stops it from firing by itself. One that is paused keeps its reason. */
export function pause(world: World, deployment: Deployment, reason: PausedReason): Deployment {
  const { record } = deployment
  if (record.pausedReason !== null) return deployment
  record.pausedReason = reason
  rearm(deployment)
  touch(world, deployment, 'paused')
  return deployment
}

/** Lets it fire again, from the next time of its schedule on. */
export function unpause(world: World, deployment: Deployment): Deployment {
  const { record } = deployment
  if (record.pausedReason === null) return deployment
  record.pausedReason = null
  rearm(deployment)
  touch(world, deployment, 'unpaused')
  return deployment
}

/** Archives for good. An archived deployment reports `active`, so its paused reason goes too. */
export function archive(world: World, deployment: Deployment): Deployment {
  const { record } = deployment
  if (record.archivedAtMs !== null) return deployment
  record.archivedAtMs = world.clock.nowMs()
  record.pausedReason = null
  rearm(deployment)
  touch(world, deployment, 'archived')
  return deployment
}
