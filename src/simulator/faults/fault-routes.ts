// The admin calls for faults: book, inspect, clear.

import { notFound } from '../http/api-error.ts'
import { json, type Route } from '../http/router.ts'
import { parseBookings } from './fault.ts'
import type { FaultBook } from './fault-book.ts'

/** The routes under `/simulator/faults`. */
export function faultRoutes(book: FaultBook): readonly Route[] {
  const pattern = '/simulator/faults'
  const access = 'open'
  return [
    { method: 'POST', pattern, access, run: ({ body }) => json({ data: book.add(parseBookings(body)) }) },
    { method: 'GET', pattern, access, run: () => json({ data: book.list() }) },
    { method: 'DELETE', pattern, access, run: () => json({ cleared: book.clear() }) },
    {
      method: 'DELETE',
      pattern: `${pattern}/:id`,
      access,
      run: ({ param }) => {
        const id = param('id')
        if (book.clear(id) === 0) throw notFound(`fault \`${id}\` not found`)
        return json({ cleared: 1 })
      },
    },
  ]
}
