// The pages that /v1/files answered before cursors: walked by object id. Clients of then still name the old beta.

import { paginateById } from '../http/id-page.ts'
import { type Placed, paginateForward } from '../http/page.ts'

const legacyBeta = 'files-api-2025-04-14'

/**
 * A page by id for a client of the old beta, newest first; null when the request is not of that kind.
 * `next_page` comes with it, for a new client that names the old beta.
 */
export function paginateLegacy<T extends { readonly id: string }>(
  items: readonly Placed<T>[],
  query: URLSearchParams,
  betas: readonly string[],
) {
  if (!betas.includes(legacyBeta) || query.has('page')) return null
  const isById = query.has('after_id') || query.has('before_id')
  const { next_page } = isById ? { next_page: null } : paginateForward(items, query, 'desc')
  return { ...paginateById(items.map(({ item }) => item).toReversed(), query), next_page }
}
