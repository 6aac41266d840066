// Three unit prices of a SKU for a team at a moment: what the list says, what our contract makes of it, what the team is
// billed. Pure: the same card and the same terms always give the same prices.
import { divideHalfEven, parseUsd } from '../kernel/money.ts'
import type { RecordedCard } from '../ledger/queries/rate-card.ts'
import type { Rate, RateUnit } from './book-rates.ts'
import { type PriceTerms, type Term, termFactorOne } from './prices-file.ts'
import { sessionHourSku, webSearchSku } from './sku.ts'

const units: readonly RateUnit[] = ['Tokens', 'Milliseconds', 'Searches']

/** A version of the card as the ledger has it (`readRateCard`), for rating by it. Throws on a unit that is not known. */
export function cardOf(recorded: RecordedCard): RateCard {
  return {
    version: recorded.version,
    rates: recorded.rows.map((row) => {
      const unit = units.find((each) => each === row.unit)
      if (unit === undefined)
        throw new Error(`the rate card counts \`${row.sku}\` in \`${row.unit}\`, which is not known`)
      return {
        sku: row.sku,
        effectiveFromMs: row.effective_from_ms,
        unit,
        unitSize: BigInt(row.unit_size),
        unitPricePicoUsd: parseUsd(row.unit_price),
        source: row.source,
      }
    }),
  }
}

/** One version of the list prices, whole; `version` is 0 for a card that is not recorded anywhere. */
export type RateCard = { readonly version: number; readonly rates: readonly Rate[] }

/**
 * A card that prices those of the SKUs that are adjustments, too: `adjustment/<reason>` is counted in pico-dollars at list
 * price, so list price is one for one, and contract and markups apply to it as to any other SKU.
 */
export function withAdjustments(card: RateCard, skus: Iterable<string>): RateCard {
  const found = [...new Set(skus)].filter((sku) => sku.startsWith(adjustmentPrefix))
  const rates = found.map(
    (sku): Rate => ({
      sku,
      effectiveFromMs: 0,
      unit: 'Searches',
      unitSize: picoPerUsd,
      unitPricePicoUsd: picoPerUsd,
      source: 'the provider’s own count',
    }),
  )
  return { ...card, rates: [...card.rates, ...rates] }
}

export const adjustmentPrefix = 'adjustment/'
const picoPerUsd = 1_000_000_000_000n

/** Unit prices are pico-dollars for `unitSize` of `unit`. */
export type SkuPrice = {
  readonly sku: string
  readonly unit: RateUnit
  readonly unitSize: bigint
  readonly listPicoUsd: bigint
  readonly contractedPicoUsd: bigint
  readonly billedPicoUsd: bigint
  readonly rateVersion: number
  readonly termsVersion: number
  readonly effectiveFromMs: number
  readonly source: string
  /** Lines of prices.yaml that made the difference; '' where list price stands. */
  readonly contractRule: string
  readonly markupRule: string
}

/**
 * Makes the question of price. Null when nothing names the SKU on that day: then nobody may guess. Running time and
 * web searches cost their first price before it took effect, for time is never free.
 */
export function createPriceOf(
  card: RateCard,
  terms: PriceTerms,
): (asked: { readonly sku: string; readonly team: string; readonly atMs: number }) => SkuPrice | null {
  const bySku = new Map<string, Rate[]>()
  for (const rate of card.rates.toSorted((a, b) => a.effectiveFromMs - b.effectiveFromMs)) {
    const series = bySku.get(rate.sku)
    if (series === undefined) bySku.set(rate.sku, [rate])
    else series.push(rate)
  }
  return ({ sku, team, atMs }) => {
    const series = bySku.get(sku) ?? []
    const first = sku === sessionHourSku || sku === webSearchSku ? series[0] : undefined
    const rate = series.findLast((each) => each.effectiveFromMs <= atMs) ?? first
    if (rate === undefined) return null
    const contract = termInForce(terms.contract, { sku, team, atMs })
    const markup = termInForce(terms.markups, { sku, team, atMs })
    const contractedPicoUsd = times(rate.unitPricePicoUsd, contract)
    return {
      sku,
      unit: rate.unit,
      unitSize: rate.unitSize,
      listPicoUsd: rate.unitPricePicoUsd,
      contractedPicoUsd,
      billedPicoUsd: times(contractedPicoUsd, markup),
      rateVersion: card.version,
      termsVersion: terms.version,
      effectiveFromMs: rate.effectiveFromMs,
      source: rate.source,
      contractRule: contract?.rule ?? '',
      markupRule: markup?.rule ?? '',
    }
  }
}

/** Exact for every price of the book: at most 12 digits remain; a longer one is rounded half-even, once. */
const times = (picoUsd: bigint, term: Term | undefined): bigint =>
  term === undefined ? picoUsd : divideHalfEven(picoUsd * term.factor, termFactorOne)

/** The last entry of the list that is in force and fits: terms never add up by accident. */
function termInForce(
  terms: readonly Term[],
  { sku, team, atMs }: { readonly sku: string; readonly team: string; readonly atMs: number },
): Term | undefined {
  const model = modelOf(sku)
  return terms.findLast(
    (term) =>
      term.fromMs <= atMs &&
      (term.untilMs === null || atMs < term.untilMs) &&
      (term.team === null || term.team === team) &&
      (term.model === null || fits(term.model, model)) &&
      (term.sku === null || fits(term.sku, sku)),
  )
}

/** The model of a token's SKU; '' for running time and web searches. */
const modelOf = (sku: string): string => (sku.includes(':') ? (sku.split(/[/:]/, 1)[0] ?? '') : '')

/** True when the text is the pattern with any text in the place of each `*`. Linear for each star, no regular expression. */
function fits(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return text === head
  if (!text.startsWith(head)) return false
  let at = head.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - tail.length >= at && text.endsWith(tail)
}
