// Thresholds of budgets: which were passed and told to nobody yet. Pure.
import type { BudgetNotice } from '../../ledger/queries/live-sessions.ts'
import { percentOf } from './budget-words.ts'
import type { BudgetState } from './funding.ts'

/** A threshold that was passed, and how far. `isHighest`: of several passed at once, the one that is told. */
export type Passed = {
  readonly notice: BudgetNotice
  readonly state: BudgetState
  readonly isHighest: boolean
}

/** What `states` have passed that is not among `told` (as `noticeId` names them). The limit itself is a threshold, too. */
export function findPassed(states: readonly BudgetState[], told: ReadonlySet<string>): readonly Passed[] {
  return states.flatMap((state) => {
    const { budget, key } = state.share
    const used = percentOf(state.spent, budget.limit)
    const passed = [...new Set([...budget.warnAt, 100])]
      .filter((threshold) => used >= threshold)
      .map((threshold) => ({
        budget: budget.name,
        budget_key: key,
        period_start: new Date(state.fromMs).toISOString().slice(0, 19).replace('T', ' '),
        threshold,
        limit_text: `${budget.measure} ${budget.limit}`,
      }))
    const fresh = passed.filter((notice) => !told.has(noticeId(notice)))
    const highest = Math.max(0, ...passed.map(({ threshold }) => threshold))
    return fresh.map((notice) => ({ notice, state, isHighest: notice.threshold === highest }))
  })
}

/** Names a notice in a set. */
export const noticeId = ({ budget, budget_key, period_start, threshold, limit_text }: BudgetNotice): string =>
  [budget, budget_key, period_start, threshold, limit_text].join('\n')
