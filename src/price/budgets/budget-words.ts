// What budgets say to people: amounts, shares of them, and why something was refused and what to do.
import type { Denial } from '../../kernel/errors.ts'
import { formatUsd } from '../../kernel/money.ts'
import type { Budget } from './budgets-file.ts'
import type { BudgetShare } from './standing.ts'

/** Whole per cent, rounded down: nothing is used up before it is. */
export const percentOf = (part: bigint, whole: bigint): number => Number((part * 100n) / whole)

/** For people: `12.50 USD`, `1200 tokens`, `2.5 h`. */
export function amountOf({ measure }: Pick<Budget, 'measure'>, amount: bigint): string {
  if (measure === 'tokens') return `${amount} tokens`
  if (measure === 'running_ms') return `${(Number(amount) / 3_600_000).toFixed(2)} running hours`
  const cents = (amount + 5_000_000_000n) / 10_000_000_000n
  return usd(cents)
}

/** `12.50 USD`. */
export const usd = (cents: bigint): string => `${formatUsd(cents * 10_000_000_000n)} USD`

/** Nothing is left for new work. */
export function exhausted({ budget, key }: BudgetShare, spent: bigint, held = 0n): Denial {
  const whose = key === '' ? '' : ` of ${budget.per} \`${key}\``
  const more = held > 0n ? ` and ${amountOf(budget, held)} is held by live sessions` : ''
  return denied(
    'budget.exhausted',
    `budget \`${budget.name}\`${whose} has nothing left for new work: ${amountOf(budget, spent)} of ${amountOf(budget, budget.limit)} is used${more}; ${untilWhen(budget)}`,
    budget,
  )
}

const untilWhen = ({ period }: Budget): string =>
  period === 'day' || period === 'week' || period === 'month'
    ? `wait for the next ${period} (UTC), or ask whoever keeps budgets.yaml for more`
    : 'ask whoever keeps budgets.yaml for more'

/** Before the first look nobody may grant what they cannot see. */
export const unavailable = ([share]: readonly BudgetShare[]): Denial =>
  denied(
    'budget.unavailable',
    `how much of budget \`${share?.budget.name}\` is used is not known yet; try again in a few seconds`,
    share?.budget ?? null,
  )

/** A refusal that names the budget as its rule. */
export const denied = (code: Denial['code'], message: string, budget: Budget | null): Denial => ({
  kind: 'denial',
  code,
  message,
  rule: budget?.rule ?? '',
})
