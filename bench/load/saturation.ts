// CPU per request and requests per second when there is always another request waiting.
import type { Arm } from '../arms/arm.ts'
import { cpuOf, cpuSince } from '../machine/proc.ts'
import { untilQuiet } from '../machine/quiet.ts'
import { interleave, type Rounds } from './interleave.ts'
import { type Ask, runWrk } from './wrk.ts'

export type Saturation = {
  /** CPU of the process itself for one request; null for the direct way. */
  readonly cpuUs: number | null
  /** CPU of its children for one request, until they had caught up: the gateway's drain and ledger engine. */
  readonly engineCpuUs: number | null
  readonly perSecond: number
}

export type SaturationOptions = {
  readonly folder: string
  readonly rounds: number
  readonly seconds: number
  readonly warmSeconds: number
}

// How long the ledger may take to catch up with one slice before the next begins.
const catchUpMs = 3_000

/** Warms every arm up, then loads them in turn. */
export async function measureSaturation(
  arms: readonly Arm[],
  ask: Ask,
  { folder, rounds, seconds, warmSeconds }: SaturationOptions,
): Promise<Rounds<Saturation>> {
  for (const arm of arms) {
    if (arm.pid === null) continue
    await runWrk(folder, arm, ask, warmSeconds)
    await untilQuiet(arm.pid, catchUpMs)
  }
  return interleave(arms, rounds, async (arm) => {
    const { pid } = arm
    if (pid === null) {
      const { perSecond } = await runWrk(folder, arm, ask, seconds)
      return { cpuUs: null, engineCpuUs: null, perSecond }
    }
    const before = cpuOf(pid)
    const { requests, perSecond } = await runWrk(folder, arm, ask, seconds)
    const { ownUs } = cpuSince(pid, before)
    await untilQuiet(pid, catchUpMs)
    return { cpuUs: ownUs / requests, engineCpuUs: cpuSince(pid, before).childrenUs / requests, perSecond }
  })
}
