// Budgets as the admin listener and the command line tell them: one row a share, plain texts and whole numbers.
import { formatUsd } from '../../kernel/money.ts'
import { percentOf } from './budget-words.ts'
import type { Budget, BudgetMeasure } from './budgets-file.ts'
import type { BudgetState } from './funding.ts'
import { isMoney } from './standing.ts'

export type BudgetRow = {
  readonly name: string
  /** Whom it is for: `team research`, `everybody`, … */
  readonly scope: string
  /** Where each has its own: whose this row is. */
  readonly key: string
  readonly period: string
  readonly from: string
  /** '' without an end. */
  readonly until: string
  readonly measure: BudgetMeasure
  /** US dollars, tokens or milliseconds, by `measure`; exact. */
  readonly limit: string
  readonly spent: string
  /** What live sessions may still spend; only of money. */
  readonly held: string
  /** Less than zero where more was used than the limit. */
  readonly left: string
  readonly used_percent: number
  /** What will have been spent at the end if it goes on as until now; '' without an end. */
  readonly forecast: string
  readonly on_reach: Budget['onReach']
  readonly state: 'ok' | 'warned' | 'reached'
  readonly rule: string
}

/** Nearest to its limit first. */
export function toBudgetRows(states: readonly BudgetState[], nowMs: number): readonly BudgetRow[] {
  return states
    .map((state) => toRow(state, nowMs))
    .toSorted((a, b) => b.used_percent - a.used_percent || compare(a.name, b.name) || compare(a.key, b.key))
}

function toRow(
  { share: { budget, key }, fromMs, untilMs, spent, held }: BudgetState,
  nowMs: number,
): BudgetRow {
  const tell = (amount: bigint): string => (isMoney(budget) ? formatUsd(amount) : String(amount))
  const used = percentOf(spent, budget.limit)
  const [first = 101] = budget.warnAt
  return {
    name: budget.name,
    scope: scopeOf(budget),
    key,
    period: typeof budget.period === 'object' ? 'span' : budget.period,
    from: fromMs === 0 ? '' : new Date(fromMs).toISOString(),
    until: untilMs === null ? '' : new Date(untilMs).toISOString(),
    measure: budget.measure,
    limit: tell(budget.limit),
    spent: tell(spent),
    held: tell(held),
    left: tell(budget.limit - spent - held),
    used_percent: used,
    forecast: untilMs === null ? '' : tell(forecastOf(spent, fromMs, untilMs, nowMs)),
    on_reach: budget.onReach,
    state: spent >= budget.limit ? 'reached' : used >= first ? 'warned' : 'ok',
    rule: budget.rule,
  }
}

/** At the same pace to the end; a period that has just begun is told as it is. */
function forecastOf(spent: bigint, fromMs: number, untilMs: number, nowMs: number): bigint {
  const gone = BigInt(Math.max(0, Math.min(nowMs, untilMs) - fromMs))
  return gone < 3_600_000n ? spent : (spent * BigInt(untilMs - fromMs)) / gone
}

function scopeOf(budget: Budget): string {
  const parts = (['team', 'caller', 'agent', 'model'] as const).flatMap((name) =>
    budget[name] === null ? [] : [`${name} ${budget[name]}`],
  )
  const whole = parts.length === 0 ? 'everybody' : parts.join(', ')
  return budget.per === null ? whole : `each ${budget.per} of ${whole}`
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
