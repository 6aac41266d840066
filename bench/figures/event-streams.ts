// The phase of event streams: first bytes, lateness and CPU of paced events, and the memory of silent streams.
// It has arms of its own, because memory must be read of processes that have done nothing yet.
import type { Arm, ArmName } from '../arms/arm.ts'
import { openArms } from '../arms/open-arms.ts'
import { measureIdleStreams, measureStreams } from '../load/streams.ts'
import { descendantsOf, memoryOf } from '../machine/proc.ts'
import { loadCore, startOwn } from '../machine/programs.ts'
import { untilQuiet } from '../machine/quiet.ts'
import type { Effort } from './effort.ts'
import { against, difference, type Figure, pick, ratio, single, toFigure } from './figure.ts'
import { goals } from './goals.ts'

const pace = { streams: 100, perSecond: 20 }

export async function measureEventStreams(folder: string, effort: Effort): Promise<readonly Figure[]> {
  const upstream = startOwn('stream upstream', 'arms/stream-upstream.ts', [], loadCore)
  const [, upstreamUrl = ''] = await upstream.says(/listening (\S+)/)
  const arms = await openArms({ folder, upstreamUrl, withHttpProxy: effort.withAllArms })
  const memory = await memoryFigures(folder, arms, effort)
  // Every arm has run this code for a while before it counts.
  if (effort.streams.rounds > 1) await measureStreams(arms, pace, { folder, rounds: 1, seconds: 1 })
  const rounds = await measureStreams(arms, pace, { folder, ...effort.streams })
  const first = toFigure(
    'SSE: first event p50',
    'ms',
    pick(rounds, (each) => each.firstEventP50Ms),
    goals.firstEventMs,
  )
  const delay = toFigure(
    'SSE: an event is late, p50',
    'ms',
    pick(rounds, (each) => each.delayP50Ms),
  )
  const delayP99 = toFigure(
    'SSE: an event is late, p99',
    'ms',
    pick(rounds, (each) => each.delayP99Ms),
  )
  const cpu = toFigure(
    'SSE: CPU an event',
    'us',
    pick(rounds, (each) => each.cpuUsPerEvent),
  )
  const overDirect = { name: 'SSE: added to an event over direct, p50', unit: 'ms' }
  const overNginx = {
    name: 'SSE: added to an event over nginx, p50',
    unit: 'ms',
    goal: goals.eventOverNginxMs,
  }
  const timesNginx = { name: 'SSE: CPU an event, times nginx', unit: 'x', goal: goals.eventTimesNginx }
  return [
    toFigure(
      'SSE: head p50',
      'ms',
      pick(rounds, (each) => each.headP50Ms),
    ),
    first,
    toFigure(
      'SSE: first event p99',
      'ms',
      pick(rounds, (each) => each.firstEventP99Ms),
    ),
    delay,
    delayP99,
    against('direct', delay, overDirect, difference),
    against('direct', delayP99, { name: 'SSE: added to an event over direct, p99', unit: 'ms' }, difference),
    against('nginx', delay, overNginx, difference),
    cpu,
    against('nginx', cpu, timesNginx, ratio),
    ...memory,
  ]
}

async function memoryFigures(
  folder: string,
  arms: readonly Arm[],
  effort: Effort,
): Promise<readonly Figure[]> {
  const idleMb = new Map<ArmName, number[]>()
  const perStreamKb = new Map<ArmName, number[]>()
  let engineMb: number[] = []
  for (const arm of arms) {
    if (arm.pid !== null) await untilQuiet(arm.pid, 5_000)
    if (arm.name === 'tollgate' && arm.pid !== null) {
      engineMb = [descendantsOf(arm.pid).reduce((total, pid) => total + memoryOf(pid).rssKb / 1024, 0)]
    }
    const found = await measureIdleStreams(folder, arm, effort.idleStreams)
    if (found === null) continue
    idleMb.set(arm.name, [found.idleMb])
    perStreamKb.set(arm.name, [found.perStreamKb])
  }
  return [
    toFigure('memory, idle (the process itself)', 'MB', idleMb, goals.rssIdleMb),
    single('memory, idle (its drain and ledger engine)', 'MB', 'tollgate', engineMb),
    toFigure(`memory a silent stream, of ${effort.idleStreams}`, 'KB', perStreamKb, goals.idleStreamKb),
  ]
}
