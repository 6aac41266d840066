// The parts of streams that do nothing: memory at rest, of silent streams by the thousand, and of stalled ones.
import type { Arm, ArmName } from '../arms/arm.ts'
import { openArms } from '../arms/open-arms.ts'
import { type Held, measureIdleStreams, measureStalledStreams, type Stalled } from '../load/held-streams.ts'
import { attempt } from '../load/interleave.ts'
import { type Flow, measureStreams } from '../load/streams.ts'
import { descriptorsFor, descriptorsOf, streamsWithin } from '../machine/descriptors.ts'
import { loadCore, startOwn, stopAll } from '../machine/programs.ts'
import { untilQuiet } from '../machine/quiet.ts'
import type { Run } from '../run/run.ts'
import { type Figure, pick, toFigure } from './figure.ts'
import { goals } from './goals.ts'
import { restFigures } from './processes.ts'
import { type Section, toSection } from './section.ts'

/** Fresh arms, one after the other: memory is not what a busy machine disturbs, so once will do. */
export async function measureIdle(run: Run, folder: string): Promise<Section> {
  const { sizes, descriptors } = sizesWithin(run)
  const upstream = startOwn('stream upstream', 'arms/stream-upstream.ts', [], { core: loadCore, descriptors })
  const [, upstreamUrl = ''] = await upstream.says(/listening (\S+)/)
  const arms = await openArms(run, { folder, upstreamUrl, descriptors })
  for (const { pid } of arms) if (pid !== null) await untilQuiet(pid, 5_000)
  const rest = restFigures(arms)
  const held = new Map<ArmName, readonly Held[]>()
  for (const arm of arms) {
    const { pid } = arm
    if (pid === null) continue
    const found = await attempt(run, arm, 'silent streams', () =>
      measureIdleStreams(run, arm, pid, sizes, descriptors),
    )
    held.set(arm.name, found ?? [])
  }
  await stopAll()
  return toSection('idle', 'memory, at rest and of silent streams', [
    ...rest,
    ...sizes.flatMap((streams) => sizeFigures(held, streams)),
  ])
}

/** The sizes of the effort, the last of them smaller where no process may open so much; that is noted. */
function sizesWithin(run: Run): { readonly sizes: readonly number[]; readonly descriptors: number } {
  const wanted = run.effort.idleStreams
  const largest = Math.max(...wanted)
  const descriptors = descriptorsFor(descriptorsOf(largest))
  const most = streamsWithin(descriptors)
  if (most < largest) {
    run.note(
      `${largest} silent streams need ${descriptorsOf(largest)} file descriptors in a proxy; ${descriptors} are ` +
        `allowed here (ulimit -Hn) and we may not raise that, so the most measured is ${most}`,
    )
  }
  return { sizes: [...new Set(wanted.map((size) => Math.min(size, most)))], descriptors }
}

function sizeFigures(held: ReadonlyMap<ArmName, readonly Held[]>, streams: number): readonly Figure[] {
  const of = (read: (held: Held) => number) =>
    new Map([...held].map(([arm, all]) => [arm, all.filter((each) => each.streams === streams).map(read)]))
  const { idleStreamKb, idleTotalMb } = goals.held
  return [
    toFigure(
      { name: `memory a silent stream, of ${streams}`, unit: 'KB', goal: idleStreamKb },
      of((each) => each.perStreamKb),
    ),
    toFigure(
      {
        name: `memory with ${streams} of them`,
        unit: 'MB',
        ...(streams > 9_000 ? { goal: idleTotalMb } : {}),
      },
      of((each) => each.totalMb),
    ),
  ]
}

/** The arms have sent `burst` before, so that their code, buffers and heap are there when memory is first read. */
export async function measureStalled(run: Run, arms: readonly Arm[], burst: Flow): Promise<Section> {
  const warm = { ...run, effort: { ...run.effort, streams: { ...run.effort.streams, rounds: 1 } } }
  if (!run.wants('events')) await measureStreams(warm, arms, burst)
  const found = new Map<ArmName, readonly (Stalled | null)[]>()
  for (const arm of arms) {
    const { pid } = arm
    if (pid === null) continue
    found.set(arm.name, [
      await attempt(run, arm, 'stalled streams', () => measureStalledStreams(run, arm, pid)),
    ])
  }
  const { streams, holdSeconds } = run.effort.stalled
  const { stalledStreamKb, stalledGrowthMb } = goals.held
  return toSection('stalled', `${streams} streams that nobody reads, for ${holdSeconds} s`, [
    toFigure(
      { name: 'memory a stalled stream adds', unit: 'KB', goal: stalledStreamKb },
      pick(found, (each) => each.perStreamKb),
    ),
    toFigure(
      { name: 'memory that grew meanwhile', unit: 'MB', goal: stalledGrowthMb },
      pick(found, (each) => each.growthMb),
    ),
  ])
}
