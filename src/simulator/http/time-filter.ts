// The range filters of a list: `name[gt]`, `name[gte]`, `name[lt]`, `name[lte]` over RFC 3339 times.

import { invalidRequest } from './api-error.ts'

const comparisons = {
  gt: (a: number, b: number) => a > b,
  gte: (a: number, b: number) => a >= b,
  lt: (a: number, b: number) => a < b,
  lte: (a: number, b: number) => a <= b,
} as const

/** Whether `at` passes every range of `name` in the query. A null time passes only when there is none. */
export function isWithin(query: URLSearchParams, name: string, at: string | null): boolean {
  return Object.entries(comparisons).every(([suffix, compare]) => {
    const bound = query.get(`${name}[${suffix}]`)
    if (bound === null) return true
    const boundMs = Date.parse(bound)
    if (Number.isNaN(boundMs)) throw invalidRequest(`${name}[${suffix}]: not an RFC 3339 time`)
    return at !== null && compare(Date.parse(at), boundMs)
  })
}
