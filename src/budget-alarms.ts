// What follows when a budget is used up, or nearly: thresholds are told once, whichever gateway sees them first, and what runs
// on is interrupted where the budget says so. Both are acts in the audit log.
import type { Clock } from './kernel/clock.ts'
import { newId } from './kernel/ids.ts'
import type { Journal } from './kernel/journal.ts'
import type { Logger } from './kernel/logger.ts'
import type { Ledger } from './ledger/port.ts'
import { readBudgetNotices, recordBudgetNotices } from './ledger/queries/live-sessions.ts'
import { type BudgetRow, toBudgetRows } from './price/budgets/budget-rows.ts'
import type { BudgetState } from './price/budgets/funding.ts'
import { findPassed, noticeId, type Passed } from './price/budgets/notices.ts'
import { dimsOf, type Standing, shareOf } from './price/budgets/standing.ts'

export type BudgetAlarmsParts = {
  readonly ledger: Pick<Ledger, 'query' | 'insert'>
  readonly journal: Pick<Journal, 'append'>
  readonly clock: Clock
  readonly logger: Logger
  /** Sends an interrupt with the credential that serves the team. Rejects when the upstream does not take it. */
  readonly interrupt: (team: string, sessionId: string) => Promise<void>
  /** Told of every threshold that is passed, once; must not throw. */
  readonly tell: (told: BudgetRow & { readonly threshold: number }) => void
}

/** Longer than any period but a span of years. */
const rememberedMs = 400 * 86_400_000
const interruptAgainMs = 30_000

/** Makes them. `look` rejects with what the ledger throws, and may be repeated. */
export function createBudgetAlarms(parts: BudgetAlarmsParts): {
  readonly look: (states: readonly BudgetState[], standing: Standing) => Promise<void>
} {
  const { ledger, clock, logger } = parts
  const told = new Set<string>()
  const interrupted = new Map<string, number>()

  const tellPassed = async (states: readonly BudgetState[]): Promise<void> => {
    const passed = findPassed(states, told)
    if (passed.length === 0) return
    // Another gateway may have told them since.
    for (const each of await readBudgetNotices(ledger, clock.nowMs() - rememberedMs)) told.add(noticeId(each))
    const fresh = passed.filter(({ notice }) => !told.has(noticeId(notice)))
    await recordBudgetNotices(
      ledger,
      fresh.map(({ notice }) => notice),
    )
    for (const each of fresh) {
      told.add(noticeId(each.notice))
      if (each.isHighest) tell(each)
    }
  }

  const tell = ({ notice: { threshold }, state }: Passed): void => {
    const [row] = toBudgetRows([state], clock.nowMs())
    if (row === undefined) return
    const { name, key, limit, spent, measure, on_reach, rule } = row
    logger.warn(
      { budget: name, key, threshold, limit, spent, measure, on_reach },
      'a budget passed a threshold',
    )
    recordAct('budget.threshold', { budget: name, key, threshold, limit, spent, measure, rule })
    parts.tell({ ...row, threshold })
  }

  const recordAct = (act: string, detail: object): void => {
    const nowMs = clock.nowMs()
    const record = { kind: 'act', act_id: newId('act', nowMs), decided_at_ms: nowMs, act, by: 'tollgate' }
    void parts.journal
      .append({ ...record, detail: JSON.stringify(detail) })
      .catch((err: unknown) => logger.error({ err, act }, 'the journal did not take an act of a budget'))
  }

  const interruptReached = async (states: readonly BudgetState[], standing: Standing): Promise<void> => {
    const nowMs = clock.nowMs()
    for (const [id, atMs] of interrupted) if (nowMs - atMs > interruptAgainMs) interrupted.delete(id)
    const reached = states.filter(
      ({ share, spent }) => share.budget.onReach === 'interrupt' && spent >= share.budget.limit,
    )
    for (const session of reached.length === 0 ? [] : standing.live.values()) {
      if (!session.is_at_work || session.has_ended || interrupted.has(session.session_id)) continue
      const because = reached.find(({ share }) => shareOf(share.budget, dimsOf(session))?.key === share.key)
      if (because === undefined) continue
      interrupted.set(session.session_id, nowMs)
      const { name, rule } = because.share.budget
      const detail = { budget: name, rule, session_id: session.session_id, team: session.team }
      await parts.interrupt(session.team, session.session_id).then(
        () => recordAct('budget.interrupt', detail),
        (err: unknown) => {
          interrupted.delete(session.session_id)
          logger.error({ err, ...detail }, 'a session could not be interrupted; trying again')
        },
      )
    }
  }

  return {
    look: async (states, standing) => {
      await tellPassed(states)
      await interruptReached(states, standing)
    },
  }
}
