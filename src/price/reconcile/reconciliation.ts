// The reconciliation of a period: the ledger against the provider's own account, level by level, with a reason for every
// difference. It explains and never plugs: what has no reason is a breach.
import { formatUsd, parseUsd } from '../../kernel/money.ts'
import type { Ledger } from '../../ledger/port.ts'
import { readSessionTotals } from '../../ledger/queries/session-totals.ts'
import type { Book } from '../book.ts'
import type { UsageQuery, UsageReport } from '../usage-report.ts'
import { compareDays } from './compare-days.ts'
import { compareListCost, compareRunningTime, compareTokens } from './compare-sessions.ts'
import { blankDifference, type Compared, conclude, unmetered } from './difference.ts'
import {
  type ProviderCost,
  type ProviderReport,
  type ReadProvider,
  readProviderCost,
} from './provider-cost.ts'
import { type Reconciliation, type Sums, tellReconciliation } from './tell-reconciliation.ts'

export type ReconcileDeps = {
  readonly ledger: Pick<Ledger, 'query'>
  readonly book: Book
  readonly loadUsageReport: (query: UsageQuery) => Promise<UsageReport>
  /** Null when no admin key is configured: then only what the upstream stated of sessions is compared. */
  readonly readProvider: ReadProvider | null
  /** Brings what is in the journal into the ledger; false when it could not. */
  readonly flush: () => Promise<boolean>
  readonly nowMs: () => number
}

export type ReconcileQuery = {
  /** Midnights UTC; `toMs` is not included. */
  readonly fromMs: number
  readonly toMs: number
  /** What the provider's invoice of the period says, exact US dollars; null without one. */
  readonly invoiceUsd: string | null
}

const hourMs = 3_600_000
/** The provider's figures settle within two days. */
const settlesMs = 48 * hourMs
const sessionsMax = 100_000

/** Reconciles a period. Rejects with what the ledger throws; a provider that does not answer is a problem in the report. */
export async function reconcile(deps: ReconcileDeps, query: ReconcileQuery): Promise<Reconciliation> {
  const nowMs = deps.nowMs()
  const { report, problem } = await readReport(deps.readProvider, query)
  const isFlushed = await deps.flush()
  const sessions = await readSessionTotals(deps.ledger, { ...query, rowsMax: sessionsMax })
  const usage = await deps.loadUsageReport({ groupBy: 'session', bucket: 'day', ...query })
  const notFinalFrom = dayOf(Math.min(nowMs, report?.refreshedAtMs ?? nowMs) - settlesMs)
  const known = new Set(sessions.map(({ session_id }) => session_id))
  const compared: Compared[] = [
    compareTokens(sessions),
    compareRunningTime(sessions),
    compareListCost(sessions, deps.book),
  ]
  if (report !== null) {
    const days = { ledger: usage.lines, provider: report.costs, isKnown: (id: string) => known.has(id) }
    compared.push(compareDays({ ...days, notFinalFrom }))
  }
  const sums = sumUp(usage, report?.costs ?? [], compared)
  if (query.invoiceUsd !== null) compared.push(compareInvoice(sums, parseUsd(query.invoiceUsd)))
  const problems = [
    ...(problem === null ? [] : [problem]),
    ...(isFlushed ? [] : ['the ledger does not have everything yet that passed this gateway']),
    ...(sessions.length > sessionsMax
      ? [`more than ${sessionsMax} sessions were active; ask for less time`]
      : []),
  ]
  return tellReconciliation({ query, nowMs, report, notFinalFrom, compared, sums, problems, usage })
}

async function readReport(
  read: ReadProvider | null,
  period: ReconcileQuery,
): Promise<{ readonly report: ProviderReport | null; readonly problem: string | null }> {
  if (read === null) {
    return {
      report: null,
      problem:
        'there is no admin key, so the provider was not asked; name its file in TOLLGATE_PROVIDER_ADMIN_KEY_FILE',
    }
  }
  try {
    return { report: await readProviderCost(read, period), problem: null }
  } catch (error) {
    return { report: null, problem: error instanceof Error ? error.message : String(error) }
  }
}

function sumUp(usage: UsageReport, costs: readonly ProviderCost[], compared: readonly Compared[]): Sums {
  const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, each) => total + each, 0n)
  const found = compared
    .flatMap(({ differences }) => differences)
    .filter(({ reason }) => unmetered.has(reason))
  return {
    ledger: parseUsd(usage.total.cost_usd),
    list: sum(costs.map(({ listPicoUsd }) => listPicoUsd)),
    amount: sum(costs.map(({ amountPicoUsd }) => amountPicoUsd)),
    unmetered: sum(found.map(({ providerPicoUsd, ledgerPicoUsd }) => providerPicoUsd - ledgerPicoUsd)),
  }
}

/** L4: ledger, and what is unmetered, less the discount, is the invoice, to the cent it is written in. */
function compareInvoice(sums: Sums, invoice: bigint): Compared {
  const explained = sums.ledger + sums.unmetered - (sums.list - sums.amount)
  const off = explained - invoice
  const halfCent = 5_000_000_000n
  if (off <= halfCent && off >= -halfCent) return conclude('L4', 1, [])
  const detail = `ledger ${formatUsd(sums.ledger)}, unmetered ${formatUsd(sums.unmetered)}, discount ${formatUsd(sums.list - sums.amount)}: ${formatUsd(explained)} against an invoice of ${formatUsd(invoice)}`
  return conclude('L4', 1, [
    {
      ...blankDifference,
      level: 'L4',
      reason: 'invoice',
      ledgerPicoUsd: explained,
      providerPicoUsd: invoice,
      detail,
    },
  ])
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
