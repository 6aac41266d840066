// The figures of one short call at a steady rate: what each arm adds, and what a request costs when there is time.
import type { Arm } from '../arms/arm.ts'
import { measureLatency } from '../load/open-loop.ts'
import type { Ask } from '../load/wrk.ts'
import { totalOf } from '../machine/proc.ts'
import type { Run } from '../run/run.ts'
import { against, difference, type Figure, pick, ratio, toFigure } from './figure.ts'
import { goals } from './goals.ts'

export async function latencyFigures(
  run: Run,
  title: string,
  arms: readonly Arm[],
  ask: Ask,
): Promise<readonly Figure[]> {
  const rounds = await measureLatency(run, `${title}, latency`, arms, ask)
  const { overNginxP50Ms, overNginxP99Ms, shareOfPortkeyP50 } = goals.latency
  const p50 = toFigure(
    { name: 'latency p50', unit: 'ms' },
    pick(rounds, (each) => each.p50Ms),
  )
  const p99 = toFigure(
    { name: 'latency p99', unit: 'ms' },
    pick(rounds, (each) => each.p99Ms),
  )
  const addedP50 = against('direct', p50, { name: 'added p50 over direct', unit: 'ms' }, difference)
  const share = { name: "added p50, share of portkey's", unit: 'x', goal: shareOfPortkeyP50 }
  return [
    p50,
    addedP50,
    against('nginx', p50, { name: 'added p50 over nginx', unit: 'ms', goal: overNginxP50Ms }, difference),
    against('portkey', addedP50, share, ratio),
    p99,
    against('direct', p99, { name: 'added p99 over direct', unit: 'ms' }, difference),
    against('nginx', p99, { name: 'added p99 over nginx', unit: 'ms', goal: overNginxP99Ms }, difference),
    toFigure(
      { name: 'CPU at that rate, all processes', unit: 'us' },
      pick(rounds, (each) => (each.cpuUs === null ? null : totalOf(each.cpuUs))),
    ),
  ]
}
