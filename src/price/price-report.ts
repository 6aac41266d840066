// What `tollgate prices` and `tollgate prices check` answer: prices in force with their sources, and sessions of the
// ledger rated by them against what the upstream states.
import { formatUsd, parseUsd } from '../kernel/money.ts'
import type { Ledger } from '../ledger/port.ts'
import { readSessionTotals, type SessionTotals } from '../ledger/queries/session-totals.ts'
import {
  type PricedTokens,
  readPricedTokens,
  readUnpricedModels,
  type UnpricedModel,
} from '../ledger/queries/sku-quantities.ts'
import type { Book } from './book.ts'
import { type CheckedSession, checkPrices, type SkuDrift } from './price-check.ts'
import type { PriceTerms } from './prices-file.ts'
import { rateStated } from './rates.ts'
import { sessionHourSku, tokenCategories, webSearchSku } from './sku.ts'
import { createPriceOf, type RateCard, type SkuPrice } from './terms.ts'

/** Prices of every SKU for one team on one day; money is exact decimals of US dollars for `unit_size` of `unit`. */
export type PriceList = {
  readonly at: string
  readonly team: string
  readonly currency: 'USD'
  /** 0 while the card is not yet recorded in the ledger. */
  readonly rate_version: number
  readonly terms_version: number
  readonly prices: readonly {
    readonly sku: string
    readonly unit: string
    readonly unit_size: string
    readonly list_usd: string
    readonly contracted_usd: string
    readonly billed_usd: string
    readonly effective_from: string
    readonly source: string
    readonly contract_rule: string
    readonly markup_rule: string
  }[]
}

/** Lists every SKU that has a price at that moment. Pure. */
export function listPrices(card: RateCard, terms: PriceTerms, team: string, atMs: number): PriceList {
  const priceOf = createPriceOf(card, terms)
  const skus = [...new Set(card.rates.map((rate) => rate.sku))]
  return {
    at: new Date(atMs).toISOString(),
    team,
    currency: 'USD',
    rate_version: card.version,
    terms_version: terms.version,
    prices: skus.flatMap((sku) => {
      const price = priceOf({ sku, team, atMs })
      if (price === null) return []
      return [
        {
          sku,
          unit: price.unit,
          unit_size: String(price.unitSize),
          list_usd: formatUsd(price.listPicoUsd),
          contracted_usd: formatUsd(price.contractedPicoUsd),
          billed_usd: formatUsd(price.billedPicoUsd),
          effective_from: new Date(price.effectiveFromMs).toISOString().slice(0, 10),
          source: price.source,
          contract_rule: price.contractRule,
          markup_rule: price.markupRule,
        },
      ]
    }),
  }
}

/** Quantities and money are exact decimal strings; counts are safe integers. */
export type PriceCheckReport = {
  readonly from: string
  readonly to: string
  /** False when there were more sessions than are compared at once: ask for less time. */
  readonly complete: boolean
  readonly compared: number
  readonly drifting: number
  /** The SKU whose price is most likely wrong; null when nothing drifts. */
  readonly likely_sku: string | null
  readonly suspects: readonly {
    readonly sku: string
    readonly quantity: string
    readonly sessions: number
    readonly drifting_sessions: number
    readonly drift_usd: string
    readonly unexplained_usd: string
    readonly list_usd: string | null
    /** The price that would explain the drift, were this SKU alone wrong. */
    readonly implied_usd: string | null
    readonly source: string
  }[]
  readonly unpriced: readonly UnpricedModel[]
}

const rowsMax = 100_000
const suspectsMax = 10

/** Loads, rates and compares sessions active in the period. Throws what the ledger throws. */
export async function loadPriceCheck(
  deps: { readonly ledger: Ledger; readonly book: Book; readonly card: RateCard; readonly nowMs: number },
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<PriceCheckReport> {
  const { ledger, book, card, nowMs } = deps
  const period = { fromMs, toMs, rowsMax }
  const [totals, tokens, unpriced] = await Promise.all([
    readSessionTotals(ledger, period),
    readPricedTokens(ledger, period),
    readUnpricedModels(ledger, { ...period, nowMs }),
  ])
  const complete = totals.length <= rowsMax && tokens.length <= rowsMax
  const check = checkPrices(complete ? toSessions(totals, tokens, book) : [])
  const priceOf = createPriceOf(card, { version: 0, contract: [], markups: [] })
  const told = check.suspects.map((suspect) => {
    const price = priceOf({ sku: suspect.sku, team: '', atMs: toMs - 1 })
    return tellSuspect(suspect, price)
  })
  // Nothing has a price below zero: whoever would need one is not the cause.
  const suspects = told.filter(({ implied_usd }) => implied_usd?.startsWith('-') !== true)
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    complete,
    compared: check.compared,
    drifting: check.drifting.length,
    likely_sku: suspects[0]?.sku ?? null,
    suspects: suspects.slice(0, suspectsMax),
    unpriced,
  }
}

function tellSuspect(suspect: SkuDrift, price: SkuPrice | null): PriceCheckReport['suspects'][number] {
  return {
    sku: suspect.sku,
    quantity: String(suspect.quantity),
    sessions: suspect.sessions,
    drifting_sessions: suspect.driftingSessions,
    drift_usd: formatUsd(suspect.driftPicoUsd),
    unexplained_usd: formatUsd(suspect.leftPicoUsd),
    list_usd: price === null ? null : formatUsd(price.listPicoUsd),
    implied_usd: price === null ? null : formatUsd(price.listPicoUsd + suspect.driftOf(price.unitSize)),
    source: price?.source ?? '',
  }
}

const counted = ['input', 'output', 'cache_read', 'cache_write'] as const

/** Only what ties in every quantity: where a token is missing, money says nothing about prices. */
function toSessions(
  totals: readonly SessionTotals[],
  tokens: readonly PricedTokens[],
  book: Book,
): readonly CheckedSession[] {
  const bySession = new Map<string, PricedTokens[]>()
  for (const row of tokens) {
    const known = bySession.get(row.session_id)
    if (known === undefined) bySession.set(row.session_id, [row])
    else known.push(row)
  }
  return totals.flatMap((session): readonly CheckedSession[] => {
    const isSettled =
      session.last_stated_ms > 0 && session.last_fact_ms <= session.last_stated_ms && !session.is_running
    const ties = counted.every((name) => session[`fact_${name}_tokens`] === session[`stated_${name}_tokens`])
    if (!isSettled || !ties || session.list_cost_cents === null || session.unpriced_requests > 0) return []
    const meters = rateStated(book, {
      activeMs: session.stated_active_ms,
      webSearches: session.stated_web_searches,
      fromMs: session.first_fact_ms,
      untilMs: session.last_stated_ms,
    })
    if (meters === null) return []
    const quantities = [
      [sessionHourSku, BigInt(session.stated_active_ms)] as const,
      [webSearchSku, BigInt(session.stated_web_searches)] as const,
      ...(bySession.get(session.session_id) ?? []).flatMap((row) =>
        tokenCategories.map((category) => [`${row.priced_as}:${category}`, row[category]] as const),
      ),
    ].filter(([, quantity]) => quantity !== 0n)
    return [
      {
        sessionId: session.session_id,
        quantities: new Map(quantities),
        ratedPicoUsd: parseUsd(session.token_cost_usd) + meters,
        statedPicoUsd: BigInt(session.list_cost_cents) * 10_000_000_000n,
      },
    ]
  })
}
