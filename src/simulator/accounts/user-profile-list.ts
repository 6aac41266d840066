// Lists of user profiles: by creation or by name, walked past deleted ones, sparse when filtered.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { readLimit, readOrder } from '../http/page.ts'
import { type ApiRequest, queryList } from '../http/router.ts'
import type { World } from '../world.ts'
import { enforcementStatus, generationOf, profileView, type UserProfileRecord } from './user-profile-view.ts'

const cursorSchema = z.strictObject({
  order: z.enum(['asc', 'desc']),
  order_by: z.enum(['created_at', 'name']),
  after: z.string(),
})
type Cursor = z.infer<typeof cursorSchema>

const statuses = ['unrestricted', 'pending', 'restricted', 'banned']

function readCursor(text: string, { order, order_by }: Omit<Cursor, 'after'>): Cursor {
  let decoded: unknown
  try {
    decoded = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    throw invalidRequest('page: not a cursor of this endpoint')
  }
  const cursor = cursorSchema.safeParse(decoded)
  if (!cursor.success) throw invalidRequest('page: not a cursor of this endpoint')
  if (cursor.data.order === order && cursor.data.order_by === order_by) return cursor.data
  throw invalidRequest('page: the cursor was made with another `order` or `order_by`')
}

const foldCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** By name, ignoring the case of ASCII letters; those without one come last either way, the older first among equals. */
function compareNames(a: UserProfileRecord, b: UserProfileRecord, sign: 1 | -1): number {
  if (a.name === null || b.name === null) {
    return Number(a.name === null) - Number(b.name === null) || a.order - b.order
  }
  const [left, right] = [foldCase(a.name), foldCase(b.name)]
  if (left === right) return a.order - b.order
  return left < right ? -sign : sign
}

/**
 * One page. With `enforcement_status` a page looks at `limit` profiles and shows those that match, so that it may be
 * short or empty and still have a next one, as the upstream's may.
 */
export function listProfiles(world: World, { query, headers }: ApiRequest) {
  const generation = generationOf(headers)
  const wanted = queryList(query, 'enforcement_status')
  if (wanted.length > 0 && generation !== 'current') {
    throw invalidRequest(`enforcement_status: not known to \`${generation}\``)
  }
  if (wanted.some((status) => !statuses.includes(status))) {
    throw invalidRequest(`enforcement_status: must be one of \`${statuses.join('`, `')}\``)
  }
  const order = readOrder(query, 'desc')
  const order_by = query.get('order_by') ?? 'created_at'
  if (order_by !== 'created_at' && order_by !== 'name') {
    throw invalidRequest('order_by: must be `created_at` or `name`')
  }
  const sign = order === 'asc' ? 1 : -1
  const sequence = [...world.userProfiles.values()].sort((a, b) =>
    order_by === 'name' ? compareNames(a, b, sign) : sign * (a.order - b.order),
  )
  const page = query.get('page')
  const after = page ? readCursor(page, { order, order_by }).after : null
  const start = after === null ? 0 : sequence.findIndex(({ id }) => id === after) + 1
  const rest = sequence.slice(start).filter(({ isDeleted }) => !isDeleted)
  const examined = rest.slice(0, readLimit(query))
  const nowMs = world.clock.nowMs()
  const last = examined.at(-1)
  return {
    data: examined
      .filter((profile) => wanted.length === 0 || wanted.includes(enforcementStatus(profile, nowMs)))
      .map((profile) => profileView(profile, generation, nowMs)),
    next_page:
      last !== undefined && rest.length > examined.length
        ? writeCursor({ order, order_by, after: last.id })
        : null,
  }
}

const writeCursor = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url')
