// Lines of the gateway's single processes: the one that takes requests, its drain and its ledger engine.
import { type Arm, isTollgate } from '../arms/arm.ts'
import type { Rounds } from '../load/interleave.ts'
import { type Cpu, type Memory, memoryOfShare, type Share } from '../machine/proc.ts'
import { type Figure, type Goal, pick, toFigure } from './figure.ts'
import { goals } from './goals.ts'

const behind = ['drain', 'engine'] as const satisfies readonly Share[]

/** CPU of the drain and of the engine for one request or event. */
export function sharesOf<Result>(
  name: string,
  rounds: Rounds<Result>,
  cpuOf: (result: Result) => Cpu | null,
): readonly Figure[] {
  const gateways = new Map([...rounds].filter(([arm]) => isTollgate({ name: arm })))
  return behind.map((share) =>
    toFigure(
      { name: `${name}, its ${share}`, unit: 'us' },
      pick(gateways, (each) => cpuOf(each)?.[share] ?? null),
    ),
  )
}

/** Memory at rest, by process. */
export function restFigures(arms: readonly Arm[]): readonly Figure[] {
  return memoryFigures('memory at rest', arms, ({ rssKb }) => rssKb, goals.rssIdleMb)
}

/** The most each process ever held. */
export function peakFigures(arms: readonly Arm[]): readonly Figure[] {
  return memoryFigures('most memory, after all this', arms, ({ peakKb }) => peakKb, goals.rssLoadedMb)
}

function memoryFigures(
  name: string,
  arms: readonly Arm[],
  read: (memory: Memory) => number,
  goal: Goal,
): readonly Figure[] {
  const of = (share: Share) =>
    new Map(
      arms.map((arm) => {
        const memory = arm.pid === null ? null : memoryOfShare(arm.pid, share)
        return [arm.name, memory === null ? [] : [read(memory) / 1024]]
      }),
    )
  return [
    toFigure({ name, unit: 'MB', goal }, of('own')),
    ...behind.map((share) => toFigure({ name: `${name}, its ${share}`, unit: 'MB' }, of(share))),
  ]
}
