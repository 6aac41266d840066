// One line of the result: what was measured of each arm, in its unit, beside its goal.
import type { ArmName } from '../arms/arm.ts'
import { isGiven, median } from './statistics.ts'

export type Measured = {
  readonly median: number
  /** The best round: the one that the machine's other users disturbed least. */
  readonly best: number
  /** One a round; null where that round failed. */
  readonly rounds: readonly (number | null)[]
}

export type Goal = {
  /** What the gateway should reach. The first slice may take `slack` times as much. */
  readonly limit: number
  readonly better: 'less' | 'more'
}

export type Verdict = 'PASS' | 'within 1.5x' | 'OVER' | ''

export type Figure = {
  readonly name: string
  readonly unit: string
  readonly of: { readonly [arm in ArmName]?: Measured }
  readonly goal: Goal | null
  readonly better: 'less' | 'more'
}

type Naming = { readonly name: string; readonly unit: string; readonly goal?: Goal }
type Numbers = ReadonlyMap<ArmName, readonly (number | null)[]>

export const slack = 1.5

/** The gateway's median against its goal; '' without a goal. */
export function judge({ of, goal }: Figure): Verdict {
  const value = of.tollgate?.median
  if (goal === null || value === undefined) return ''
  if (reaches(value, goal, 1)) return 'PASS'
  return reaches(value, goal, slack) ? 'within 1.5x' : 'OVER'
}

/** The goal with the slice's slack: 1.5 times as slow, or two thirds as many. */
export function slackLimit({ limit, better }: Goal): number {
  return better === 'less' ? limit * slack : limit / slack
}

function reaches(value: number, goal: Goal, times: number): boolean {
  return goal.better === 'less' ? value <= goal.limit * times : value >= goal.limit / times
}

/** A figure from one number for each round and arm; arms without numbers are left out. Without a goal less is better. */
export function toFigure({ name, unit, goal }: Naming, numbers: Numbers, better = goal?.better): Figure {
  const isMore = better === 'more'
  const measured = [...numbers].flatMap(([arm, rounds]) => {
    const given = rounds.filter(isGiven)
    if (given.length === 0) return []
    const best = isMore ? Math.max(...given) : Math.min(...given)
    return [[arm, { median: median(given), best, rounds }] as const]
  })
  return {
    name,
    unit,
    of: Object.fromEntries(measured),
    goal: goal ?? null,
    better: isMore ? 'more' : 'less',
  }
}

/** One field of every round; null where the round failed or has none. */
export function pick<Result>(
  rounds: ReadonlyMap<ArmName, readonly (Result | null)[]>,
  read: (result: Result) => number | null,
): Numbers {
  return new Map(
    [...rounds].map(([arm, results]) => [arm, results.map((each) => (each === null ? null : read(each)))]),
  )
}

/**
 * The figures of all arms against one arm's: `compare` is a ratio or a difference. Rounds are compared with the same
 * round of the other arm, and the best with the best. The other arm and the direct way have none in the result.
 */
export function against(
  base: ArmName,
  { of, better }: Figure,
  { name, unit, goal }: Naming,
  compare: (value: number, base: number) => number,
): Figure {
  const other = of[base]
  const measured = Object.entries(of).flatMap(([arm, { best, rounds }]) => {
    if (other === undefined || arm === base || arm === 'direct') return []
    const paired = rounds.map((value, round) => {
      const otherValue = other.rounds[round] ?? null
      return value === null || otherValue === null ? null : compare(value, otherValue)
    })
    const given = paired.filter(isGiven)
    if (given.length === 0) return []
    return [[arm, { median: median(given), best: compare(best, other.best), rounds: paired }] as const]
  })
  return { name, unit, goal: goal ?? null, better, of: Object.fromEntries(measured) }
}

export const ratio = (value: number, base: number): number => value / base
export const difference = (value: number, base: number): number => value - base

/** True when any arm has a number: parts that failed or were left out make no empty lines. */
export function hasNumbers({ of }: Figure): boolean {
  return Object.keys(of).length > 0
}
