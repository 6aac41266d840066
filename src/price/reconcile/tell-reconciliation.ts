// A reconciliation as it is told: everything as exact decimals, breaches first.
import { formatUsd, parseUsd } from '../../kernel/money.ts'
import type { UsageReport } from '../usage-report.ts'
import { tiesAsDay } from './compare-days.ts'
import { type Compared, type Difference, type LevelResult, reasons, unmetered } from './difference.ts'
import type { ProviderCost, ProviderReport } from './provider-cost.ts'

/** A difference as it is told; money as exact decimals of US dollars at list price. */
export type ToldDifference = Pick<Difference, 'level' | 'reason' | 'day' | 'detail'> & {
  readonly session_id: string
  readonly workspace_id: string
  readonly product: string
  readonly ledger_usd: string
  readonly provider_usd: string
  readonly difference_usd: string
  readonly is_breach: boolean
}

/** One day of a workspace: ties within half a percent and five dollars, what is unmetered aside. */
export type ToldDay = {
  readonly day: string
  readonly workspace_id: string
  readonly ledger_usd: string
  readonly unmetered_usd: string
  readonly provider_usd: string
  readonly is_tied: boolean
}

export type Reconciliation = {
  readonly from: string
  readonly to: string
  readonly generated_at: string
  /** What the provider's report knows of reaches to here; null without one. */
  readonly provider_refreshed_at: string | null
  /** Days from here on may still change. */
  readonly not_final_from: string
  /** False when something could not be compared. */
  readonly complete: boolean
  readonly problems: readonly string[]
  readonly levels: readonly LevelResult[]
  readonly ledger_usd: string
  readonly provider_list_usd: string
  /** After discounts, before credits. */
  readonly provider_amount_usd: string
  readonly discount_usd: string
  readonly unmetered_usd: string
  readonly breaches: number
  readonly days: readonly ToldDay[]
  /** Breaches first, then by size. The first 10,000; `left_out` counts the rest. */
  readonly differences: readonly ToldDifference[]
  readonly left_out: number
}

/** What the levels are added up to; pico-dollars. */
export type Sums = {
  readonly ledger: bigint
  readonly list: bigint
  readonly amount: bigint
  readonly unmetered: bigint
}

const differencesMax = 10_000

/** Everything that was found. */
export type Found = {
  readonly query: { readonly fromMs: number; readonly toMs: number }
  readonly nowMs: number
  readonly report: ProviderReport | null
  readonly notFinalFrom: string
  readonly compared: readonly Compared[]
  readonly sums: Sums
  readonly problems: readonly string[]
  readonly usage: UsageReport
}

/** Tells it. */
export function tellReconciliation({
  query,
  nowMs,
  report,
  notFinalFrom,
  compared,
  sums,
  problems,
  usage,
}: Found): Reconciliation {
  const all = compared.flatMap(({ differences }) => differences)
  const told = all.map(toTold).toSorted(inOrder)
  return {
    from: new Date(query.fromMs).toISOString(),
    to: new Date(query.toMs).toISOString(),
    generated_at: new Date(nowMs).toISOString(),
    provider_refreshed_at: report?.refreshedAtMs ? new Date(report.refreshedAtMs).toISOString() : null,
    not_final_from: notFinalFrom,
    complete: problems.length === 0,
    problems,
    levels: compared.map(({ result }) => result),
    ledger_usd: formatUsd(sums.ledger),
    provider_list_usd: formatUsd(sums.list),
    provider_amount_usd: formatUsd(sums.amount),
    discount_usd: formatUsd(sums.list - sums.amount),
    unmetered_usd: formatUsd(sums.unmetered),
    breaches: told.filter(({ is_breach }) => is_breach).length,
    days: report === null ? [] : tellDays(usage, report.costs, all),
    differences: told.slice(0, differencesMax),
    left_out: Math.max(0, told.length - differencesMax),
  }
}

const toTold = (difference: Difference): ToldDifference => ({
  level: difference.level,
  reason: difference.reason,
  day: difference.day,
  session_id: difference.sessionId,
  workspace_id: difference.workspaceId,
  product: difference.product,
  ledger_usd: formatUsd(difference.ledgerPicoUsd),
  provider_usd: formatUsd(difference.providerPicoUsd),
  difference_usd: formatUsd(difference.ledgerPicoUsd - difference.providerPicoUsd),
  is_breach: reasons[difference.reason].isBreach,
  detail: difference.detail,
})

function inOrder(a: ToldDifference, b: ToldDifference): number {
  if (a.is_breach !== b.is_breach) return a.is_breach ? -1 : 1
  const size = (each: ToldDifference): bigint => {
    const pico = parseUsd(each.difference_usd)
    return pico < 0n ? -pico : pico
  }
  return size(a) === size(b) ? compare(keyOf(a), keyOf(b)) : size(a) > size(b) ? -1 : 1
}

const keyOf = (told: ToldDifference): string =>
  [told.level, told.day, told.session_id, told.product].join(' ')
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The ledger knows no workspaces: a session's day is in the one where the provider has it. */
function tellDays(
  usage: UsageReport,
  costs: readonly ProviderCost[],
  differences: readonly Difference[],
): readonly ToldDay[] {
  const workspaceOf = new Map(costs.map(({ sessionId, workspaceId }) => [sessionId, workspaceId]))
  const days = new Map<string, { ledger: bigint; provider: bigint; unmetered: bigint }>()
  const at = (day: string, workspaceId: string) => {
    const key = `${day} ${workspaceId}`
    const known = days.get(key) ?? { ledger: 0n, provider: 0n, unmetered: 0n }
    days.set(key, known)
    return known
  }
  for (const { key, bucket, cost_usd } of usage.lines) {
    const sessionId = key.startsWith('messages/') ? '' : key
    at((bucket ?? '').slice(0, 10), workspaceOf.get(sessionId) ?? '').ledger += parseUsd(cost_usd)
  }
  for (const { day, workspaceId, listPicoUsd } of costs) at(day, workspaceId).provider += listPicoUsd
  for (const difference of differences.filter(({ level, reason }) => level === 'L3' && unmetered.has(reason)))
    at(difference.day, difference.workspaceId).unmetered +=
      difference.providerPicoUsd - difference.ledgerPicoUsd
  return [...days]
    .toSorted(([a], [b]) => compare(a, b))
    .map(([key, sums]) => {
      const [day = '', workspace_id = ''] = key.split(' ')
      return {
        day,
        workspace_id,
        ledger_usd: formatUsd(sums.ledger),
        unmetered_usd: formatUsd(sums.unmetered),
        provider_usd: formatUsd(sums.provider),
        is_tied: tiesAsDay(sums.ledger + sums.unmetered, sums.provider),
      }
    })
}
