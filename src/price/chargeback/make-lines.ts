// Quantities of a period -> lines with three exact costs, and for each team one line of what rounding left.
import { divideHalfEven, formatUsd, parseUsd } from '../../kernel/money.ts'
import type { PeriodQuantity } from '../../ledger/queries/period-quantities.ts'
import { adjustmentPrefix, type SkuPrice } from '../terms.ts'
import { type ChargeLine, nameLine } from './charge-line.ts'

export type PriceOf = (asked: {
  readonly sku: string
  readonly team: string
  readonly atMs: number
}) => SkuPrice | null

export type LinesOf = {
  /** `2026-10`. */
  readonly period: string
  readonly quantities: readonly PeriodQuantity[]
  readonly priceOf: PriceOf
  readonly costCentreOf: (team: string) => string
  readonly rateVersion: number
  readonly termsVersion: number
}

const dayMs = 86_400_000

/** The lines of a period. Pure: the same quantities and prices give the same lines, to the byte. */
export function makeLines(given: LinesOf): readonly ChargeLine[] {
  const lines = given.quantities.map((each) => toLine(each, given))
  const teams = [...new Set(given.quantities.map(({ team }) => team))].toSorted()
  return [...lines, ...teams.flatMap((team) => roundingOf(team, lines, given))]
}

function toLine(used: PeriodQuantity, given: LinesOf): ChargeLine {
  const atMs = used.day * dayMs
  const { quantity } = used
  const price = given.priceOf({ sku: used.sku, team: used.team, atMs })
  const isAdjustment = used.sku.startsWith(adjustmentPrefix)
  const cost = (unitPrice: bigint) =>
    price === null ? '0.00' : formatUsd(divideHalfEven(quantity * unitPrice, price.unitSize))
  const none = {
    listPicoUsd: 0n,
    contractedPicoUsd: 0n,
    billedPicoUsd: 0n,
    unitSize: 1n,
    unit: 'Tokens' as const,
  }
  const { listPicoUsd, contractedPicoUsd, billedPicoUsd, unitSize, unit } = price ?? none
  return nameLine({
    period: given.period,
    charge_period_start: dayOf(atMs),
    charge_period_end: dayOf(atMs + dayMs),
    charge_category: isAdjustment ? 'Adjustment' : 'Usage',
    charge_class: '',
    corrects_period: '',
    team: used.team,
    cost_centre: given.costCentreOf(used.team),
    agent_id: used.agent_id,
    agent_version: used.agent_version,
    model: used.model,
    environment_id: used.environment_id,
    sku: used.sku,
    quantity: String(quantity),
    unit: isAdjustment ? 'USD' : unit,
    unit_size: String(unitSize),
    rate_version: given.rateVersion,
    terms_version: given.termsVersion,
    list_unit_price: formatUsd(listPicoUsd),
    contracted_unit_price: formatUsd(contractedPicoUsd),
    billed_unit_price: formatUsd(billedPicoUsd),
    list_cost: cost(listPicoUsd),
    contracted_cost: cost(contractedPicoUsd),
    billed_cost: cost(billedPicoUsd),
    currency: 'USD',
    reason: reasonOf(used.sku, price),
  })
}

function reasonOf(sku: string, price: SkuPrice | null): string {
  if (sku.startsWith(adjustmentPrefix)) return sku.slice(adjustmentPrefix.length)
  return price === null ? 'no price is known: charged nothing, and said so' : ''
}

/** What a team's lines, each rounded, differ by from their exact sum, rounded once. */
function roundingOf(team: string, lines: readonly ChargeLine[], given: LinesOf): readonly ChargeLine[] {
  const own = lines.filter((line) => line.team === team)
  const left = (unitPrice: UnitPriceName, cost: CostName): bigint => {
    const bySize = new Map<string, bigint>()
    for (const line of own) {
      const exact = BigInt(line.quantity) * picoOf(line[unitPrice])
      bySize.set(line.unit_size, (bySize.get(line.unit_size) ?? 0n) + exact)
    }
    // One whole of all sizes, so that it is rounded once.
    const common = [...bySize.keys()].reduce((product, size) => product * BigInt(size), 1n)
    const whole = [...bySize].reduce((sum, [size, exact]) => sum + exact * (common / BigInt(size)), 0n)
    const rounded = own.reduce((sum, line) => sum + picoOf(line[cost]), 0n)
    return divideHalfEven(whole, common) - rounded
  }
  const list = left('list_unit_price', 'list_cost')
  const contracted = left('contracted_unit_price', 'contracted_cost')
  const billed = left('billed_unit_price', 'billed_cost')
  const first = own[0]
  if ((list === 0n && contracted === 0n && billed === 0n) || first === undefined) return []
  return [
    nameLine({
      period: given.period,
      charge_period_start: `${given.period}-01`,
      charge_period_end: nextPeriodStart(given.period),
      charge_category: 'Rounding',
      charge_class: '',
      corrects_period: '',
      team,
      cost_centre: first.cost_centre,
      ...{ agent_id: '', agent_version: 0, model: '', environment_id: '', sku: 'rounding' },
      ...{ quantity: '1', unit: 'USD', unit_size: '1' },
      rate_version: given.rateVersion,
      terms_version: given.termsVersion,
      list_unit_price: formatUsd(list),
      contracted_unit_price: formatUsd(contracted),
      billed_unit_price: formatUsd(billed),
      list_cost: formatUsd(list),
      contracted_cost: formatUsd(contracted),
      billed_cost: formatUsd(billed),
      currency: 'USD',
      reason: 'what rounding each line left of the whole',
    }),
  ]
}

type UnitPriceName = 'list_unit_price' | 'contracted_unit_price' | 'billed_unit_price'
type CostName = 'list_cost' | 'contracted_cost' | 'billed_cost'

const picoOf = parseUsd
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** The first day of the month after `2026-10`. */
export function nextPeriodStart(period: string): string {
  const [year = 0, month = 0] = period.split('-').map(Number)
  return dayOf(Date.UTC(year, month, 1))
}
