// The parts of event streams: first bytes and lateness, events a second, and the memory of streams that do nothing.
import type { Arm } from '../arms/arm.ts'
import { openArms } from '../arms/open-arms.ts'
import { deltaBytes } from '../arms/stream-frames.ts'
import { type Flow, measureStreams, type Streaming } from '../load/streams.ts'
import { loadCore, startOwn, stopAll } from '../machine/programs.ts'
import type { Run } from '../run/run.ts'
import { against, difference, type Figure, pick, ratio, toFigure } from './figure.ts'
import { goals } from './goals.ts'
import { measureIdle, measureStalled } from './held-streams.ts'
import { sharesOf } from './processes.ts'
import { type Section, toSection } from './section.ts'

const paced: Flow = {
  what: 'SSE, 100 streams of 20 events of 300 bytes a second',
  streams: 100,
  query: { per_second: 20 },
  reading: 'lateness',
  openAtOnce: 1,
  offered: 2_000,
}

const singles: Flow = {
  what: `SSE, 400 streams of 50 events of ${deltaBytes} bytes a second, one write each`,
  streams: 400,
  query: { deltas_per_second: 50 },
  reading: 'events',
  openAtOnce: 20,
  offered: 20_000,
}

const burst: Flow = {
  what: `SSE, 8 streams of events of ${deltaBytes} bytes, 16 KB a write, as fast as taken`,
  streams: 8,
  query: { burst: 1 },
  reading: 'bytes',
  openAtOnce: 1,
  offered: null,
}

/** Sections of the parts that the run wants. Silent streams have arms of their own: memory is read of fresh processes. */
export async function measureEventStreams(run: Run, folder: string): Promise<readonly Section[]> {
  const idle = run.wants('idle') ? [await measureIdle(run, `${folder}-idle`)] : []
  const sections: Section[] = []
  if (run.wants('sse') || run.wants('events') || run.wants('stalled')) {
    const upstream = startOwn('stream upstream', 'arms/stream-upstream.ts', [], { core: loadCore })
    const [, upstreamUrl = ''] = await upstream.says(/listening (\S+)/)
    const arms = await openArms(run, { folder, upstreamUrl })
    if (run.wants('sse')) sections.push(await measurePaced(run, arms))
    if (run.wants('events')) sections.push(await measureSingles(run, arms), await measureBurst(run, arms))
    if (run.wants('stalled')) sections.push(await measureStalled(run, arms, burst))
    await stopAll()
  }
  return [...idle, ...sections]
}

async function measurePaced(run: Run, arms: readonly Arm[]): Promise<Section> {
  const rounds = await measureStreams(run, arms, paced)
  const { firstEventMs, eventOverNginxMs, eventTimesNginx } = goals.stream
  const of = (name: string, read: (each: Streaming) => number | null, goal = {}): Figure =>
    toFigure({ name, unit: 'ms', ...goal }, pick(rounds, read))
  const first = of('first event p50', (each) => each.firstEventP50Ms, { goal: firstEventMs })
  const late = of('an event is late, p50', (each) => each.delayP50Ms)
  const lateP99 = of('an event is late, p99', (each) => each.delayP99Ms)
  const cpu = toFigure(
    { name: 'CPU an event', unit: 'us' },
    pick(rounds, (each) => each.cpuUs?.own ?? null),
  )
  const overNginx = { name: 'added to an event over nginx, p50', unit: 'ms', goal: eventOverNginxMs }
  return toSection('sse', paced.what, [
    of('head p50', (each) => each.headP50Ms),
    first,
    against('portkey', first, { name: 'first event p50, times portkey', unit: 'x' }, ratio),
    of('first event p99', (each) => each.firstEventP99Ms),
    late,
    against('direct', late, { name: 'added to an event over direct, p50', unit: 'ms' }, difference),
    against('nginx', late, overNginx, difference),
    lateP99,
    against('direct', lateP99, { name: 'added to an event over direct, p99', unit: 'ms' }, difference),
    cpu,
    against('nginx', cpu, { name: 'CPU an event, times nginx', unit: 'x', goal: eventTimesNginx }, ratio),
    ...sharesOf('CPU an event', rounds, (each) => each.cpuUs),
  ])
}

async function measureSingles(run: Run, arms: readonly Arm[]): Promise<Section> {
  const rounds = await measureStreams(run, arms, singles)
  const cpu = toFigure(
    { name: 'CPU an event', unit: 'us' },
    pick(rounds, (each) => each.cpuUs?.own ?? null),
  )
  const { perSecond, timesNginx } = goals.single
  const rate = { name: 'events a second, one core', unit: '/s', goal: perSecond }
  return toSection('events', singles.what, [
    cpu,
    against('nginx', cpu, { name: 'CPU an event, times nginx', unit: 'x', goal: timesNginx }, ratio),
    ...sharesOf('CPU an event', rounds, (each) => each.cpuUs),
    toFigure(rate, pick(rounds, perCore)),
  ])
}

async function measureBurst(run: Run, arms: readonly Arm[]): Promise<Section> {
  const rounds = await measureStreams(run, arms, burst)
  const { perSecond, timesPortkey } = goals.burst
  const rate = toFigure(
    { name: 'events a second, one core', unit: '/s', goal: perSecond },
    pick(rounds, perCore),
  )
  const cpu = toFigure(
    { name: 'CPU a thousand events', unit: 'us' },
    pick(rounds, (each) => (each.cpuUs === null ? null : each.cpuUs.own * 1000)),
  )
  return toSection('events', burst.what, [
    rate,
    against('nginx', rate, { name: 'events a second, times nginx', unit: 'x' }, ratio),
    against(
      'portkey',
      rate,
      { name: 'events a second, times portkey', unit: 'x', goal: timesPortkey },
      ratio,
    ),
    cpu,
    toFigure(
      { name: 'events a second that came', unit: '/s' },
      pick(rounds, (each) => each.perSecond),
      'more',
    ),
  ])
}

/** Computed from the CPU of one event: the load shares its core with the upstream, and may be full first. */
function perCore({ cpuUs }: Streaming): number | null {
  return cpuUs === null ? null : 1e6 / cpuUs.own
}
