// Chargeback wired: prices and cost centres of the policies in force, the reconciliation, and the journal for the act.
import type { AppParts } from './app.ts'
import { newId } from './kernel/ids.ts'
import { readPeriods } from './ledger/queries/chargeback.ts'
import { type ChargebackDeps, closePeriod, linesOfPeriod } from './price/chargeback/close-period.ts'
import { toFocusRow } from './price/chargeback/focus.ts'
import { loadStatement } from './price/chargeback/statement.ts'
import { renderStatement } from './price/chargeback/tell-statement.ts'
import { loadUsageReport } from './price/usage-report.ts'
import type { ShowDeps } from './show/show.ts'

/** Teams are billed by the organisation that runs this gateway. */
const billingAccount = 'tollgate'
/** A person waits for it. */
const flushTimeoutMs = 15_000

/** Makes what the listener closes periods and tells statements with. */
export function openChargeback(
  parts: Pick<AppParts, 'ledger' | 'book' | 'policies' | 'clock' | 'writer' | 'journal' | 'provider'> &
    Pick<ShowDeps, 'reconcile'>,
): ShowDeps['chargeback'] {
  const { ledger, book, policies, clock, writer, journal } = parts
  const deps: ChargebackDeps = {
    ledger,
    terms: () => policies.current().prices,
    costCentreOf: (team) => policies.current().directory.teams.get(team)?.costCentre ?? '',
    flush: () => writer.flush(flushTimeoutMs),
    reconcile: parts.provider === null ? null : parts.reconcile,
    recordAct: (act) => {
      const nowMs = clock.nowMs()
      return journal.append({ kind: 'act', act_id: newId('act', nowMs), decided_at_ms: nowMs, ...act })
    },
    nowMs: clock.nowMs,
  }
  return {
    periods: () => readPeriods(ledger),
    lines: (period) => linesOfPeriod(deps, period),
    statement: (team, period) =>
      loadStatement(
        { ...deps, loadUsageReport: (query) => loadUsageReport({ ledger, book }, query) },
        team,
        period,
      ),
    focus: async (period) => {
      const { closed, lines } = await linesOfPeriod(deps, period)
      const bill = { billingAccountId: billingAccount, invoiceId: closed === null ? '' : closed.close_id }
      return lines.map((line) => toFocusRow(line, bill))
    },
    page: renderStatement,
    close: (order) => closePeriod(deps, order),
  }
}
