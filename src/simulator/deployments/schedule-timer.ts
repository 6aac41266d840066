// The timers that fire scheduled deployments: one per deployment, on the simulator's clock, at the next time of its
// schedule and a little after. Nothing missed is made up for.

import { createHash } from 'node:crypto'
import type { SimulatorClock } from '../clock.ts'
import type { DeploymentSchedule } from './deployment-record.ts'

/** Of the documented jitter: at least 5 s, at most 15 % of the time to the next fire and 9 minutes. */
const jitterMinMs = 5000
const jitterMaxMs = 540_000
const jitterShare = 0.15

/** Timers of the machine's clock fire at once when they are set further ahead than this. */
const longestTimerMs = 2 ** 31 - 1

/** A fixed place from 0 to 1, the same for the same text. */
const placeOf = (text: string): number => createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32

/**
 * How long after `scheduledAtMs` a schedule starts its run: always the same for the same name, schedule and time,
 * so that a test can be repeated, and different between deployments.
 */
export function jitterMs(name: string, schedule: DeploymentSchedule, scheduledAtMs: number): number {
  const followingMs = schedule.cron.nextFire(scheduledAtMs) ?? Number.POSITIVE_INFINITY
  const widestMs = Math.min(jitterMaxMs, (followingMs - scheduledAtMs) * jitterShare)
  const place = placeOf(`${name}\n${schedule.expression}\n${schedule.timezone}`)
  return Math.round(jitterMinMs + place * (widestMs - jitterMinMs))
}

export type ScheduleTimer = {
  /** Waits for the first fire after now, instead of what it waited for. Null calls it off. */
  readonly arm: (name: string, schedule: DeploymentSchedule | null) => void
}

/** A timer that calls `fire` with the scheduled time, before jitter, of every occurrence until it is armed otherwise. */
export function createScheduleTimer(
  clock: SimulatorClock,
  fire: (scheduledAtMs: number) => void,
): ScheduleTimer {
  let cancel = (): void => {}
  let firedAtMs = Number.NEGATIVE_INFINITY

  const sleepUntil = (atMs: number, run: () => void): void => {
    const leftMs = atMs - clock.nowMs()
    const isLast = leftMs <= longestTimerMs
    cancel = clock.after(Math.min(leftMs, longestTimerMs), () => (isLast ? run() : sleepUntil(atMs, run)))
  }

  const arm: ScheduleTimer['arm'] = (name, schedule) => {
    cancel()
    if (schedule === null) return
    // Never the same occurrence twice, not even when it is armed anew while that one is being fired.
    const scheduledAtMs = schedule.cron.nextFire(Math.max(clock.nowMs(), firedAtMs))
    if (scheduledAtMs === null) return
    sleepUntil(scheduledAtMs + jitterMs(name, schedule, scheduledAtMs), () => {
      firedAtMs = scheduledAtMs
      arm(name, schedule)
      fire(scheduledAtMs)
    })
  }
  return { arm }
}
