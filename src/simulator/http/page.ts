// Cursor pages over lists that keep growing: nothing is skipped, whatever arrives between two pages.

import { z } from 'zod'
import { invalidRequest } from './api-error.ts'

/** An item with its place in the list; places only grow. */
export type Placed<T> = { readonly order: number; readonly item: T }

export type Page<T> = {
  readonly data: readonly T[]
  readonly next_page: string | null
  readonly prev_page: string | null
}

const cursorSchema = z.strictObject({
  order: z.enum(['asc', 'desc']),
  direction: z.enum(['next', 'prev']),
  key: z.number().int(),
})
type Cursor = z.infer<typeof cursorSchema>

const maxLimit = 1000
const defaultLimit = 20

const writeCursor = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url')

function readCursor(text: string, order: 'asc' | 'desc'): Cursor {
  let decoded: unknown
  try {
    decoded = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    throw invalidRequest('page: not a cursor of this endpoint')
  }
  const cursor = cursorSchema.safeParse(decoded)
  if (!cursor.success) throw invalidRequest('page: not a cursor of this endpoint')
  if (cursor.data.order !== order) throw invalidRequest('page: the cursor was made with another `order`')
  return cursor.data
}

/** The place at which the query's cursor stands; undefined without a cursor. Throws 400 for a foreign one. */
export function readPlace(query: URLSearchParams, order: 'asc' | 'desc'): number | undefined {
  const text = query.get('page')
  return text ? readCursor(text, order).key : undefined
}

/** The `limit` of a query, 20 when absent. Throws 400 outside 1 to 1000. */
export function readLimit(query: URLSearchParams): number {
  const text = query.get('limit')
  const limit = text === null ? defaultLimit : Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= maxLimit) return limit
  throw invalidRequest(`limit: must be a whole number from 1 to ${maxLimit}`)
}

/** The `order` of a query. Throws 400 unless `asc` or `desc`. */
export function readOrder(query: URLSearchParams, fallback: 'asc' | 'desc'): 'asc' | 'desc' {
  const order = query.get('order') ?? fallback
  if (order === 'asc' || order === 'desc') return order
  throw invalidRequest('order: must be `asc` or `desc`')
}

/**
 * One page of `items` (given in ascending order of place), as `limit` and `page` of the query ask.
 * `prev_page` is for the lists that walk both ways; the others drop it.
 */
export function paginate<T>(
  items: readonly Placed<T>[],
  query: URLSearchParams,
  order: 'asc' | 'desc',
): Page<T> {
  const limit = readLimit(query)
  const cursorText = query.get('page')
  const sequence = order === 'asc' ? items : items.toReversed()
  const isBeyond = (place: number, key: number): boolean => (order === 'asc' ? place > key : place < key)

  let start = 0
  if (cursorText) {
    const cursor = readCursor(cursorText, order)
    const found = sequence.findIndex(({ order: place }) =>
      cursor.direction === 'next' ? isBeyond(place, cursor.key) : !isBeyond(cursor.key, place),
    )
    const at = found === -1 ? sequence.length : found
    start = cursor.direction === 'next' ? at : Math.max(0, at - limit)
  }
  const slice = sequence.slice(start, start + limit)
  const first = slice.at(0)
  const last = slice.at(-1)
  return {
    data: slice.map(({ item }) => item),
    next_page:
      last !== undefined && start + limit < sequence.length
        ? writeCursor({ order, direction: 'next', key: last.order })
        : null,
    prev_page:
      first !== undefined && start > 0 ? writeCursor({ order, direction: 'prev', key: first.order }) : null,
  }
}

/** A page without `prev_page`, as most lists answer. */
export function paginateForward<T>(
  items: readonly Placed<T>[],
  query: URLSearchParams,
  order: 'asc' | 'desc',
) {
  const { data, next_page } = paginate(items, query, order)
  return { data, next_page }
}
