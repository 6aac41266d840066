// The price book as the rows of a rate card: one SKU, one day it took effect, one exact unit price, one source.
import type { Book, ModelPrices, TokenRates } from './book.ts'
import { sessionHourSku, tokenCategories, webSearchSku } from './sku.ts'

/** What a SKU is counted in, in the ledger: tokens, milliseconds of running time, searches. */
export type RateUnit = 'Tokens' | 'Milliseconds' | 'Searches'

/** One price of one SKU from a moment on. `unitPricePicoUsd` is for `unitSize` units, exactly. */
export type Rate = {
  readonly sku: string
  /** Milliseconds since the epoch; a UTC midnight in the book. */
  readonly effectiveFromMs: number
  readonly unit: RateUnit
  /** 1,000,000 tokens, the 3,600,000 ms of an hour, 1 search. */
  readonly unitSize: bigint
  readonly unitPricePicoUsd: bigint
  /** Where the price was read, and when. */
  readonly source: string
}

const tokensPerPrice = 1_000_000n
const msPerHour = 3_600_000n

/** Every rate of the book, by SKU and day. Aliases of a model are charged under its one name, as `price.ts` does. */
export function ratesOfBook(book: Book): readonly Rate[] {
  const sourceOf = (name: string): string => `${name}: ${book.sources[name] ?? ''}`
  const hours = book.session_hour.map((row) => ({
    sku: sessionHourSku,
    effectiveFromMs: row.effective_from,
    unit: 'Milliseconds' as const,
    unitSize: msPerHour,
    unitPricePicoUsd: row.usd,
    source: sourceOf(row.source),
  }))
  const searches = book.web_search.map((row) => ({
    sku: webSearchSku,
    effectiveFromMs: row.effective_from,
    unit: 'Searches' as const,
    unitSize: 1n,
    unitPricePicoUsd: row.usd_per_search,
    source: sourceOf(row.source),
  }))
  const tokens = book.models.flatMap((entry) =>
    entry.prices.flatMap((dated) =>
      variantsOf(book, entry, dated).flatMap(({ name, rates, thousandths }) =>
        tokenCategories.map((category) => ({
          sku: `${name}:${category}`,
          effectiveFromMs: dated.effective_from,
          unit: 'Tokens' as const,
          unitSize: tokensPerPrice,
          // Exact: a book's rates are whole thousands of pico-dollars a token.
          unitPricePicoUsd: (rates[category] * tokensPerPrice * thousandths) / 1000n,
          source: sourceOf(dated.source),
        })),
      ),
    ),
  )
  return [...hours, ...searches, ...tokens].sort(
    (a, b) => (a.sku < b.sku ? -1 : a.sku > b.sku ? 1 : 0) || a.effectiveFromMs - b.effectiveFromMs,
  )
}

type Variant = { readonly name: string; readonly rates: TokenRates; readonly thousandths: bigint }

/** Every way a request of the model can be priced: by tier of its prompt, or fast; and each in the United States. */
function variantsOf(
  book: Book,
  entry: ModelPrices,
  dated: ModelPrices['prices'][number],
): readonly Variant[] {
  const tiers = dated.tiers.map((rates, index) => {
    const above = dated.tiers[index - 1]?.prompt_tokens_max
    const limit = rates.prompt_tokens_max
    const suffix = limit !== undefined ? `/prompt<=${limit}` : above !== undefined ? `/prompt>${above}` : ''
    return { name: `${entry.model}${suffix}`, rates }
  })
  const fast =
    dated.fast === undefined || entry.fast_runs_standard
      ? []
      : [{ name: `${entry.model}/fast`, rates: dated.fast }]
  return [...tiers, ...fast].flatMap(({ name, rates }) => [
    { name, rates, thousandths: 1000n },
    ...(entry.us_inference ? [{ name: `${name}/us`, rates, thousandths: book.us_inference_multiplier }] : []),
  ])
}
