// Which dated price is in force at a moment.
import { divideHalfEven } from '../kernel/money.ts'
import type { StatedUse } from '../meter/adjustments.ts'
import type { Book } from './book.ts'

/** The last row that took effect at or before `atMs`; undefined before the first. Rows are in rising order. */
export function inForce<Row extends { readonly effective_from: number }>(
  rows: readonly Row[],
  atMs: number,
): Row | undefined {
  return rows.findLast((row) => row.effective_from <= atMs)
}

/** Pico-dollars per session-hour of running time. Before the first row its price applies: time is never free. */
export function runtimeRateAt(book: Book, atMs: number): bigint {
  return (inForce(book.session_hour, atMs) ?? book.session_hour[0])?.usd ?? 0n
}

/** Pico-dollars per web search. Before the first row its price applies. */
export function webSearchRateAt(book: Book, atMs: number): bigint {
  return (inForce(book.web_search, atMs) ?? book.web_search[0])?.usd_per_search ?? 0n
}

/** Every moment a price of running time or web search changes, rising: queries split quantities there. */
export function rateBoundariesMs(book: Book): readonly number[] {
  const moments = [...book.session_hour, ...book.web_search].map((row) => row.effective_from)
  return [...new Set(moments)].toSorted((a, b) => a - b)
}

const msPerHour = 3_600_000n

/**
 * Pico-dollars of a session's running time and web searches at list price, its running time rounded once, half-even; null
 * when a rate changed while it lived, for then its total does not say how much was used at which.
 */
export function rateStated(book: Book, used: StatedUse): bigint | null {
  if (rateBoundariesMs(book).some((atMs) => atMs > used.fromMs && atMs <= used.untilMs)) return null
  const runtime = divideHalfEven(BigInt(used.activeMs) * runtimeRateAt(book, used.untilMs), msPerHour)
  return runtime + BigInt(used.webSearches) * webSearchRateAt(book, used.untilMs)
}
