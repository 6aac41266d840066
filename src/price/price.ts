// Facts -> charges: what one model request costs at list price, exactly, or why that is not known.
import { formatUsd } from '../kernel/money.ts'
import type { RequestFact } from '../ledger/rows.ts'
import type { Book, DatedPrice, ModelPrices, TokenRates } from './book.ts'
import { inForce } from './rates.ts'

/** An exact price, and the line of the book it came from, e.g. `claude-haiku-5-5@2026-04-01/prompt>100000/us`. */
export type Charge = { readonly kind: 'charge'; readonly costPicoUsd: bigint; readonly priceId: string }
/** No price is known. Never treated as zero; `reason` is for people. */
export type Unpriced = { readonly kind: 'unpriced'; readonly reason: string }

/** Prices model requests from one book. Pure: the same fact always gives the same answer. */
export function createPricer(book: Book): (fact: RequestFact) => Charge | Unpriced {
  const entries = new Map<string, ModelPrices>()
  for (const entry of book.models) {
    for (const name of [entry.model, ...entry.aliases]) entries.set(name, entry)
  }
  return (fact) => {
    if (fact.model === '') return unpriced('the model of this request is not known yet')
    const entry = entries.get(fact.model)
    if (entry === undefined) return unpriced(`model \`${fact.model}\` is not in the price book; add it`)
    const dated = inForce(entry.prices, fact.occurred_at_ms)
    if (dated === undefined) {
      return unpriced(`model \`${fact.model}\` has no price on ${dayOf(fact.occurred_at_ms)}; add one`)
    }
    return priceFrom(book, entry, dated, fact)
  }
}

/** What a pricing outcome looks like in a row: NULL, not zero, when there is no price. */
export function chargeColumns(outcome: Charge | Unpriced) {
  return outcome.kind === 'charge'
    ? { cost_usd: formatUsd(outcome.costPicoUsd), price_id: outcome.priceId, unpriced_reason: '' }
    : { cost_usd: null, price_id: '', unpriced_reason: outcome.reason }
}

function priceFrom(book: Book, entry: ModelPrices, dated: DatedPrice, fact: RequestFact): Charge | Unpriced {
  const variant = ratesFor(entry, dated, fact)
  if (variant.kind === 'unpriced') return variant
  // What a commitment (`priority`) or a batch pays for a token is in no list of ours.
  if (fact.service_tier !== '' && fact.service_tier !== 'standard') {
    return unpriced(`service tier \`${fact.service_tier}\` has no price for model \`${fact.model}\`; add one`)
  }
  const geo = fact.inference_geo === '' ? book.default_inference_geo : fact.inference_geo
  const name = `${entry.model}@${dayOf(dated.effective_from)}${variant.suffix}`
  const standard = costAt(variant.rates, fact)
  if (geo === 'global') return { kind: 'charge', costPicoUsd: standard, priceId: name }
  if (geo !== 'us' || !entry.us_inference) {
    return unpriced(`inference_geo \`${geo}\` has no price for model \`${fact.model}\`; add one`)
  }
  // Exact: the book's rates are multiples of 1,000 pico-dollars a token and the multiplier is in thousandths.
  return {
    kind: 'charge',
    costPicoUsd: (standard * book.us_inference_multiplier) / 1000n,
    priceId: `${name}/us`,
  }
}

function ratesFor(
  entry: ModelPrices,
  dated: DatedPrice,
  fact: RequestFact,
): { readonly kind: 'rates'; readonly rates: TokenRates; readonly suffix: string } | Unpriced {
  if (fact.speed === 'fast' && !entry.fast_runs_standard) {
    if (dated.fast === undefined)
      return unpriced(`model \`${fact.model}\` has no price for speed \`fast\`; add one`)
    return { kind: 'rates', rates: dated.fast, suffix: '/fast' }
  }
  if (fact.speed !== '' && fact.speed !== 'standard' && fact.speed !== 'fast') {
    return unpriced(`speed \`${fact.speed}\` has no price for model \`${fact.model}\`; add one`)
  }
  const promptTokens =
    fact.input_tokens + fact.cache_read_tokens + fact.cache_write_5m_tokens + fact.cache_write_1h_tokens
  const index = dated.tiers.findIndex(
    (tier) => promptTokens <= (tier.prompt_tokens_max ?? Number.POSITIVE_INFINITY),
  )
  const tier = dated.tiers[index]
  if (tier === undefined) return unpriced(`no tier of \`${fact.model}\` takes ${promptTokens} prompt tokens`)
  const above = dated.tiers[index - 1]?.prompt_tokens_max
  const limit = tier.prompt_tokens_max
  const suffix = limit !== undefined ? `/prompt<=${limit}` : above !== undefined ? `/prompt>${above}` : ''
  return { kind: 'rates', rates: tier, suffix }
}

function costAt(rates: TokenRates, fact: RequestFact): bigint {
  return (
    BigInt(fact.input_tokens) * rates.input +
    BigInt(fact.output_tokens) * rates.output +
    BigInt(fact.cache_read_tokens) * rates.cache_read +
    BigInt(fact.cache_write_5m_tokens) * rates.cache_write_5m +
    BigInt(fact.cache_write_1h_tokens) * rates.cache_write_1h
  )
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function unpriced(reason: string): Unpriced {
  return { kind: 'unpriced', reason }
}
