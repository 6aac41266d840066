// One line of the result: what was measured of each arm, in its unit, beside its goal.
import type { Arm, ArmName } from '../arms/arm.ts'
import { median } from './statistics.ts'

/** The median over rounds, and the best round. */
export type Measured = { readonly median: number; readonly best: number }

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
}

export const slack = 1.5

/** The gateway's figure against its goal; '' without a goal. */
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

/** A figure from one number for each round and arm; arms without numbers are left out. */
export function toFigure(
  name: string,
  unit: string,
  numbers: ReadonlyMap<ArmName, readonly number[]>,
  goal: Goal | null = null,
): Figure {
  const better = goal?.better ?? 'less'
  const of = Object.fromEntries(
    [...numbers].flatMap(([arm, values]) => {
      if (values.length === 0) return []
      const best = better === 'less' ? Math.min(...values) : Math.max(...values)
      return [[arm, { median: median(values), best }]]
    }),
  )
  return { name, unit, of, goal }
}

/** One field of every round, without the rounds that have none. */
export function pick<Result>(
  rounds: ReadonlyMap<ArmName, readonly Result[]>,
  read: (result: Result) => number | null,
): ReadonlyMap<ArmName, readonly number[]> {
  return new Map(
    [...rounds].map(([arm, results]) => [arm, results.map(read).filter((value) => value !== null)]),
  )
}

/**
 * The figures of all arms against one arm's, by medians: `compare` is a ratio or a difference. The other arm has
 * no figure of its own in the result.
 */
export function against(
  base: ArmName,
  { of }: Figure,
  { name, unit, goal }: { readonly name: string; readonly unit: string; readonly goal?: Goal },
  compare: (value: number, base: number) => number,
): Figure {
  const baseMedian = of[base]?.median
  const rest = Object.entries(of).filter(([arm]) => arm !== base && arm !== 'direct')
  if (baseMedian === undefined) return { name, unit, goal: goal ?? null, of: {} }
  return {
    name,
    unit,
    goal: goal ?? null,
    of: Object.fromEntries(
      rest.map(([arm, measured]) => {
        const value = compare(measured.median, baseMedian)
        return [arm, { median: value, best: value }]
      }),
    ),
  }
}

export const ratio = (value: number, base: number): number => value / base
export const difference = (value: number, base: number): number => value - base

/** One number that only one arm has. */
export function single(
  name: string,
  unit: string,
  arm: Arm['name'],
  values: readonly number[],
  goal: Goal | null = null,
): Figure {
  return toFigure(name, unit, new Map([[arm, values]]), goal)
}
