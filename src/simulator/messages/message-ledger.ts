// What messages and batches cost: one entry for each answer, priced when it is booked, for the bill and the
// analytics API. Only the simulator's own price list is read.

import {
  type PricedTokens,
  priceSearches,
  priceTokensByKind,
  type Serving,
  type TokenPrices,
} from '../billing/prices.ts'

/** One answered message, as it was served. */
export type MessageUse = {
  readonly messageId: string
  readonly product: 'messages_api' | 'message_batches_api'
  readonly serving: Serving
  readonly tokens: PricedTokens
  readonly webSearches: number
  /** Null when the credential was no API key. */
  readonly apiKeyId: string | null
  readonly userProfileId: string | null
}

/** A booked message. `prices` is null when its model has no list price. */
export type MessageEntry = MessageUse & {
  readonly prices: TokenPrices | null
  readonly searchPicoUsd: bigint
}

/** All messages booked. */
export type MessageLedger = {
  /** Books a message. A batch pays half for its tokens, and in full for its searches. */
  readonly book: (use: MessageUse) => void
  /** Everything booked, oldest first. */
  readonly entries: () => readonly MessageEntry[]
}

/** The price of a message's tokens at its own service tier. */
function priceUse({ product, serving, tokens }: MessageUse): TokenPrices | null {
  const prices = priceTokensByKind(serving, tokens)
  if (prices === null || product === 'messages_api') return prices
  // Every rate is an even number of pico-dollars a token, so halves are exact.
  return {
    inputTokens: prices.inputTokens / 2n,
    cacheWrite5mTokens: prices.cacheWrite5mTokens / 2n,
    cacheWrite1hTokens: prices.cacheWrite1hTokens / 2n,
    cacheReadTokens: prices.cacheReadTokens / 2n,
    outputTokens: prices.outputTokens / 2n,
  }
}

/** An entry's price in pico-dollars; null when its model has no list price. */
export const priceOfEntry = ({ prices, searchPicoUsd }: MessageEntry): bigint | null =>
  prices === null ? null : Object.values(prices).reduce((sum, each) => sum + each, searchPicoUsd)

/** An empty ledger. */
export function createMessageLedger(): MessageLedger {
  const entries: MessageEntry[] = []
  return {
    book: (use) => {
      entries.push({ ...use, prices: priceUse(use), searchPicoUsd: priceSearches(use.webSearches) })
    },
    entries: () => entries,
  }
}
