// The names under which quantities are priced. A SKU holds everything that decides a unit price but time and contract:
// model, prompt tier, speed, geography and token category.

/** The disjoint categories of a model request's tokens; column `<category>_tokens` of the ledger. */
export const tokenCategories = ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'] as const
export type TokenCategory = (typeof tokenCategories)[number]

/** Running time; its quantities are milliseconds, its price is for an hour. */
export const sessionHourSku = 'session-hour'
/** Web searches that did not fail, by the piece. */
export const webSearchSku = 'web-search'

/**
 * The SKU of one category of a priced model request, from the `price_id` it was charged under: without the day its price
 * took effect, e.g. `claude-haiku-5-5/prompt>100000/us:cache_read`. The ledger's SQL makes the same of the same columns.
 */
export const tokenSku = (priceId: string, category: TokenCategory): string =>
  `${priceId.replace(/@[^/]*/, '')}:${category}`

/** The SKU of tokens nobody has a price for, e.g. `unpriced/claude-next-1:input`; `model` is '' while not known. */
export const unpricedSku = (model: string, category: TokenCategory): string =>
  `unpriced/${model === '' ? '(unknown)' : model}:${category}`
