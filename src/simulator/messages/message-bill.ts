// The bill of messages and batches, beside the bill of sessions: what the ledger adds up to, by product and model.

import { formatUsd } from '../billing/prices.ts'
import { type MessageEntry, type MessageLedger, priceOfEntry } from './message-ledger.ts'

/** Messages of one product and model. `cost_usd` is null when the model has no list price. */
export type MessageBillLine = {
  readonly product: MessageEntry['product']
  readonly model: string
  readonly requests: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_input_tokens: number
  readonly cache_creation_5m_input_tokens: number
  readonly cache_creation_1h_input_tokens: number
  readonly web_search_requests: number
  readonly cost_usd: string | null
}

/** Every message since the simulator started. Dollars are exact decimals. */
export type MessageBill = {
  readonly lines: readonly MessageBillLine[]
  /** Null once a model without a list price was used. */
  readonly total_cost_usd: string | null
}

const costOf = (entries: readonly MessageEntry[]): string | null => {
  let total = 0n
  for (const entry of entries) {
    const price = priceOfEntry(entry)
    if (price === null) return null
    total += price
  }
  return formatUsd(total)
}

function lineOf(entries: readonly [MessageEntry, ...MessageEntry[]]): MessageBillLine {
  const sum = (read: (entry: MessageEntry) => number): number =>
    entries.reduce((total, entry) => total + read(entry), 0)
  const [{ product, serving }] = entries
  return {
    product,
    model: serving.model,
    requests: entries.length,
    input_tokens: sum(({ tokens }) => tokens.inputTokens),
    output_tokens: sum(({ tokens }) => tokens.outputTokens),
    cache_read_input_tokens: sum(({ tokens }) => tokens.cacheReadTokens),
    cache_creation_5m_input_tokens: sum(({ tokens }) => tokens.cacheWrite5mTokens),
    cache_creation_1h_input_tokens: sum(({ tokens }) => tokens.cacheWrite1hTokens),
    web_search_requests: sum(({ webSearches }) => webSearches),
    cost_usd: costOf(entries),
  }
}

/** The bill at this moment. */
export function makeMessageBill(ledger: MessageLedger): MessageBill {
  const groups = new Map<string, [MessageEntry, ...MessageEntry[]]>()
  for (const entry of ledger.entries()) {
    const key = `${entry.product} ${entry.serving.model}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [entry])
    else group.push(entry)
  }
  return { lines: [...groups.values()].map(lineOf), total_cost_usd: costOf(ledger.entries()) }
}
