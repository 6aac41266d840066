// What the root makes of prices: the book recorded as a version of the rate card, the terms in force, and the alarm for
// what nobody has a price for.
import type { AppParts } from './app.ts'
import { formatUsd } from './kernel/money.ts'
import { type RateCardRow, readRateCard, recordRateCard } from './ledger/queries/rate-card.ts'
import { readUnpricedModels, type UnpricedModel } from './ledger/queries/sku-quantities.ts'
import type { Policies } from './policies.ts'
import { type Rate, ratesOfBook } from './price/book-rates.ts'
import { listPrices, loadPriceCheck } from './price/price-report.ts'
import { cardOf, type RateCard } from './price/terms.ts'
import type { ShowDeps } from './show/show.ts'

export type OpenPrices = {
  readonly list: ShowDeps['listPrices']
  readonly check: ShowDeps['checkPrices']
  readonly readiness: ShowDeps['readiness']
  /** Waits for a look that is under way. */
  readonly close: () => Promise<void>
}

const lookMs = 60_000
/** The ledger's tables are made beside us at the start. */
const retryMs = 2_000
const unpricedSinceMs = 30 * 86_400_000

/** Records the book's prices as soon as the ledger can be written, and looks every minute for usage without a price. */
export function openPrices(
  parts: Pick<AppParts, 'ledger' | 'book' | 'clock' | 'logger'> & {
    readonly policies: { readonly current: () => Pick<Policies, 'prices'> }
    readonly metrics: Pick<AppParts['metrics'], 'pricesAttached'>
  },
): OpenPrices {
  const { ledger, book, policies, metrics, clock, logger } = parts
  const rates = ratesOfBook(book)
  let card: RateCard = { version: 0, rates }
  let unpriced: readonly UnpricedModel[] = []
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const requests = (): number => unpriced.reduce((sum, each) => sum + each.requests, 0)
  metrics.pricesAttached(() => ({ unpricedRequests: requests(), rateVersion: card.version }))

  const look = async (): Promise<void> => {
    const nowMs = clock.nowMs()
    try {
      if (card.version === 0) {
        await recordRateCard(ledger, rates.map(toRow), nowMs)
        // What is shown is what the ledger has, which is what a period is closed by.
        const recorded = await readRateCard(ledger, clock.nowMs())
        if (recorded !== null) card = cardOf(recorded)
      }
      const found = await readUnpricedModels(ledger, {
        fromMs: nowMs - unpricedSinceMs,
        toMs: nowMs + lookMs,
        nowMs,
      })
      tellNew(found)
      unpriced = found
      failures = 0
    } catch (error) {
      failures += 1
      if (failures === 5) logger.warn({ err: error }, 'the ledger does not take or give prices; trying on')
    }
  }
  const tellNew = (found: readonly UnpricedModel[]): void => {
    const known = new Set(unpriced.map(nameOf))
    for (const each of found.filter((one) => !known.has(nameOf(one)))) {
      const { model, reason, requests: count } = each
      logger.error({ model, reason, requests: count }, 'usage has no price and is missing from every cost')
    }
  }
  const lookOn = async (): Promise<void> => {
    await look()
    if (isClosed) return
    timer = setTimeout(begin, failures === 0 ? lookMs : retryMs)
    timer.unref()
  }
  let running: Promise<void> = Promise.resolve()
  const begin = (): void => {
    running = lookOn()
  }
  begin()

  return {
    list: (team, atMs) => listPrices(card, policies.current().prices, team, atMs),
    check: (period) => loadPriceCheck({ ledger, book, card, nowMs: clock.nowMs() }, period),
    readiness: [{ name: 'prices', isNote: true, check: () => noteOf(unpriced) }],
    close: async () => {
      isClosed = true
      clearTimeout(timer)
      await running
    },
  }
}

const nameOf = ({ model, reason }: UnpricedModel): string => `${model}\n${reason}`

/** Fit for strangers: how many, and not which. */
const noteOf = (unpriced: readonly UnpricedModel[]): string | null =>
  unpriced.length === 0
    ? null
    : 'some usage has no price and is missing from costs; `tollgate prices check` says which'

const toRow = (rate: Rate): RateCardRow => ({
  sku: rate.sku,
  effective_from_ms: rate.effectiveFromMs,
  unit: rate.unit,
  unit_size: String(rate.unitSize),
  unit_price: formatUsd(rate.unitPricePicoUsd),
  source: rate.source,
})
