// Pages walked by object id, `after_id` and `before_id`, as models and message batches answer them
// (SDK 1.12.0 core/pagination `Page`).

import { invalidRequest } from './api-error.ts'
import { readLimit } from './page.ts'

/** The place of the id that a query parameter names; null when the parameter is absent. Throws a 400 for an unknown id. */
function placeOf(items: readonly { readonly id: string }[], query: URLSearchParams, name: string) {
  const id = query.get(name)
  if (id === null) return null
  const at = items.findIndex((item) => item.id === id)
  if (at === -1) throw invalidRequest(`${name}: \`${id}\` is not in this list`)
  return at
}

/**
 * One page of `items`, given in the order of the list. `before_id` answers the items nearest to it, still in the
 * order of the list, and `has_more` then tells of items further up.
 */
export function paginateById<T extends { readonly id: string }>(items: readonly T[], query: URLSearchParams) {
  const limit = readLimit(query)
  const after = placeOf(items, query, 'after_id')
  const before = placeOf(items, query, 'before_id')
  if (after !== null && before !== null) {
    throw invalidRequest('before_id: cannot be used together with `after_id`')
  }
  const range = before === null ? items.slice(after === null ? 0 : after + 1) : items.slice(0, before)
  const data = before === null ? range.slice(0, limit) : range.slice(-limit)
  return {
    data,
    has_more: range.length > limit,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  }
}
