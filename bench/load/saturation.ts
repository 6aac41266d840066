// CPU per request and requests per second when there is always another request waiting.
import type { Arm } from '../arms/arm.ts'
import { type Cpu, cpuOf, cpuSince, totalOf } from '../machine/proc.ts'
import { untilQuiet } from '../machine/quiet.ts'
import type { Run } from '../run/run.ts'
import { attempt, interleave, type Rounds } from './interleave.ts'
import { type Ask, runWrk } from './wrk.ts'

export type Saturation = {
  /** For one request, in microseconds, of each process until it had caught up; null for the direct way. */
  readonly cpuUs: Cpu | null
  readonly perSecond: number
  /** Of one core, what its processes had while the load ran: less than 1 when others used it too. Null as above. */
  readonly coreShare: number | null
}

// How long the ledger may take to catch up with one slice before the next begins.
const catchUpMs = 3_000

/** Warms every arm up, then loads them in turn. An arm that cannot be warmed up is left out. */
export async function measureSaturation(
  run: Run,
  what: string,
  given: readonly Arm[],
  ask: Ask,
): Promise<Rounds<Saturation>> {
  const { warmSeconds, seconds, rounds } = run.effort.saturation
  const arms: Arm[] = []
  for (const arm of given) {
    const warmFor = arm.name === 'portkey' ? run.effort.portkeyWarmSeconds : warmSeconds
    const warmed = await attempt(run, arm, `${what}, warming up`, async () => {
      await runWrk(run, arm, ask, warmFor)
      if (arm.pid !== null) await untilQuiet(arm.pid, catchUpMs)
      return true
    })
    if (warmed !== null) arms.push(arm)
  }
  return interleave(run, { what, arms, rounds }, async (arm) => {
    const { pid } = arm
    const before = pid === null ? null : cpuOf(pid)
    const { requests, perSecond } = await runWrk(run, arm, ask, seconds)
    if (pid === null || before === null) return { cpuUs: null, perSecond, coreShare: null }
    // What it does after the last answer is not that answer's, but what its ledger does is.
    const meanwhile = cpuSince(pid, before)
    await untilQuiet(pid, catchUpMs)
    const { drain, engine } = cpuSince(pid, before)
    return {
      cpuUs: { own: meanwhile.own / requests, drain: drain / requests, engine: engine / requests },
      perSecond,
      coreShare: totalOf(meanwhile) / ((requests / perSecond) * 1e6),
    }
  })
}
