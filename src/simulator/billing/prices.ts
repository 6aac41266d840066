// The simulator's own price list, in whole pico-dollars, so that every sum of it is exact.
// Deliberately not shared with the gateway: two readings of one price page catch each other's mistakes.

/** Tokens of one model request, the five kinds the provider prices apart. All five are disjoint. */
export type PricedTokens = {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWrite5mTokens: number
  readonly cacheWrite1hTokens: number
}

/** How the request was served. */
export type Serving = {
  readonly model: string
  readonly speed: 'standard' | 'fast'
  readonly inferenceGeo: string | null
  readonly atMs: number
}

/** US dollars per million tokens, which is also micro-dollars per token: input, 5m write, 1h write, read, output. */
type Rates = readonly [input: number, write5m: number, write1h: number, read: number, output: number]

const opus5: Rates = [5, 6.25, 10, 0.5, 25]
const sonnet4: Rates = [3, 3.75, 6, 0.3, 15]
const haiku4: Rates = [1, 1.25, 2, 0.1, 5]

// platform.claude.com pricing page, 2026-10-10; claude-fable-5-2 from its release notes.
const rates: ReadonlyMap<string, Rates> = new Map<string, Rates>([
  ['claude-fable-5-2', [8, 10, 16, 0.2, 40]],
  ['claude-fable-5-1', [10, 12.5, 20, 0.25, 50]],
  ['claude-mythos-5-1', [10, 12.5, 20, 0.25, 50]],
  ['claude-fable-5', [10, 12.5, 20, 1, 50]],
  ['claude-mythos-5', [10, 12.5, 20, 1, 50]],
  ['claude-opus-5-5', [4, 5, 8, 0.2, 20]],
  ['claude-opus-5', opus5],
  ['claude-opus-4-8', opus5],
  ['claude-opus-4-7', opus5],
  ['claude-opus-4-6', opus5],
  ['claude-opus-4-5', opus5],
  ['claude-opus-4-5-20251101', opus5],
  ['claude-sonnet-5-5', [2, 2.5, 4, 0.1, 10]],
  ['claude-sonnet-5', [2, 2.5, 4, 0.2, 10]],
  ['claude-sonnet-4-6', sonnet4],
  ['claude-sonnet-4-5', sonnet4],
  ['claude-sonnet-4-5-20250929', sonnet4],
  ['claude-haiku-5-5', [0.1, 0.125, 0.2, 0.01, 0.5]],
  ['claude-haiku-4-5', haiku4],
  ['claude-haiku-4-5-20251001', haiku4],
])

const haiku55LongPrompt: Rates = [0.5, 0.625, 1, 0.05, 2.5]
const sonnet55BeforeCut: Rates = [2, 2.5, 4, 0.2, 10]
const sonnet55CutAtMs = Date.UTC(2026, 9, 7)

/** Models that have a fast mode, at twice their price. The others run at standard speed and price. */
const fastModels: ReadonlySet<string> = new Set(['claude-opus-5-5', 'claude-opus-5', 'claude-opus-4-8'])

const picoUsdPerSearch = 10_000_000_000n
const picoUsdPerHour = 80_000_000_000n
const picoUsdPerCent = 10_000_000_000n

/** Every model on the list. */
export const knownModels: readonly string[] = [...rates.keys()]

/** Whether the model really runs faster when asked to. */
export const hasFastMode = (model: string): boolean => fastModels.has(model)

function ratesOf(serving: Serving, promptTokens: number): Rates | undefined {
  // Haiku 5.5 has two prices, chosen for each request by the length of its whole prompt.
  if (serving.model === 'claude-haiku-5-5' && promptTokens > 100_000) return haiku55LongPrompt
  if (serving.model === 'claude-sonnet-5-5' && serving.atMs < sonnet55CutAtMs) return sonnet55BeforeCut
  return rates.get(serving.model)
}

const picoUsdPerToken = (usdPerMillion: number): bigint => BigInt(Math.round(usdPerMillion * 1_000_000))

/** Pico-dollars by kind of token, as the analytics API tells them apart. */
export type TokenPrices = Readonly<Record<keyof PricedTokens, bigint>>

/** The list price of each kind of token of one model request; null when the model has no list price. */
export function priceTokensByKind(serving: Serving, tokens: PricedTokens): TokenPrices | null {
  const cached = tokens.cacheReadTokens + tokens.cacheWrite5mTokens + tokens.cacheWrite1hTokens
  const row = ratesOf(serving, tokens.inputTokens + cached)
  if (row === undefined) return null
  const [input, write5m, write1h, read, output] = row
  const isFast = serving.speed === 'fast' && hasFastMode(serving.model)
  const price = (count: number, usdPerMillion: number): bigint => {
    const pico = BigInt(count) * picoUsdPerToken(usdPerMillion) * (isFast ? 2n : 1n)
    // Every rate is a multiple of ten pico-dollars, so the tenth for a fixed geography divides evenly.
    return serving.inferenceGeo === 'us' ? (pico * 11n) / 10n : pico
  }
  return {
    inputTokens: price(tokens.inputTokens, input),
    cacheWrite5mTokens: price(tokens.cacheWrite5mTokens, write5m),
    cacheWrite1hTokens: price(tokens.cacheWrite1hTokens, write1h),
    cacheReadTokens: price(tokens.cacheReadTokens, read),
    outputTokens: price(tokens.outputTokens, output),
  }
}

/** The list price of one model request in pico-dollars; null when the model has no list price. */
export function priceTokens(serving: Serving, tokens: PricedTokens): bigint | null {
  const prices = priceTokensByKind(serving, tokens)
  return prices === null ? null : Object.values(prices).reduce((sum, each) => sum + each, 0n)
}

/** The price of web searches in pico-dollars. */
export const priceSearches = (searches: number): bigint => BigInt(searches) * picoUsdPerSearch

/** The price of running time in pico-dollars, rounded half up, once, at the pico-dollar. */
export const priceRuntime = (runningMs: number): bigint =>
  (BigInt(runningMs) * picoUsdPerHour + 1_800_000n) / 3_600_000n

/** Pico-dollars as a plain decimal of dollars, exact, without trailing zeros: `0.0123`. */
export function formatUsd(pico: bigint): string {
  const digits = pico.toString().padStart(13, '0')
  const fraction = digits.slice(-12).replace(/0+$/, '')
  return fraction === '' ? digits.slice(0, -12) : `${digits.slice(0, -12)}.${fraction}`
}

/** What an amount of whole cents (`list_cost.amount`, a budget) is in pico-dollars. */
export const picoOfCents = (amount: string): bigint => BigInt(amount) * picoUsdPerCent

/** Pico-dollars as whole cents, nearest, as `list_cost.amount` shows them. */
export const formatCents = (pico: bigint): string =>
  ((pico + picoUsdPerCent / 2n) / picoUsdPerCent).toString()
