// A page that others' objects were cut from is filled up with what follows, so that neither its length nor the number of
// pages tells how much of others' lies between. Cursors stay the upstream's own: where a page ends in the middle of one of
// ours, the upstream is asked for exactly as much.

import { memberOf } from '../../kernel/own-member.ts'
import { memberSpans } from '../../upstream/member-spans.ts'
import { textOf } from './owner.ts'

/** A page of the upstream, and which of its elements the caller may see. */
export type Page = {
  readonly text: string
  readonly parsed: unknown
  readonly data: readonly unknown[]
  /** Positions in `data`. */
  readonly kept: readonly number[]
}

/** What takes the place of a page. */
export type Filled = {
  /** The page whose text is the frame: all but its elements and cursors. */
  readonly frame: Page
  /** Pages whose kept elements follow, and those that stand before it when the walk goes backwards. */
  readonly pages: readonly Page[]
  /** Members of the frame that say where the walk goes on. */
  readonly cursors: ReadonlyMap<string, unknown>
}

/** Path and query of a further page; null when it cannot be had: then the page stays as short as it is. */
export type ReadPage = (path: string) => Promise<Page | null>

/** Reads of ours for one page of a caller's: at a hundred objects each, two thousand of others. */
const readsMax = 20
const perRead = 100
/** The older lists give more at a time. */
const perIdRead = 1_000
const usualLimit = 20

/** The page, filled up as far as there is more to see. `path` has the query by which `first` was asked. */
export async function fillPage(first: Page, path: string, read: ReadPage): Promise<Filled> {
  const asked = new URLSearchParams(path.split('?')[1] ?? '')
  const next = textOf(first.parsed, 'next_page')
  if (next !== undefined) return fillByCursor(first, path, asked, next, read)
  if (memberOf(first.parsed, 'has_more') === true) return fillById(first, path, asked, read)
  return asItIs(first)
}

const asItIs = (first: Page): Filled => ({ frame: first, pages: [first], cursors: new Map() })

async function fillByCursor(
  first: Page,
  path: string,
  asked: URLSearchParams,
  next: string,
  read: ReadPage,
): Promise<Filled> {
  // A list that walks both ways does not say which way this page was asked.
  if (asked.has('page') && textOf(first.parsed, 'prev_page') !== undefined) return asItIs(first)
  // It is not the last page, so it is as long as pages are here.
  const wanted = Number(asked.get('limit') ?? first.data.length)
  const pages = [first]
  let count = first.kept.length
  let cursor: string | undefined = next
  const readAt = (limit: number): Promise<Page | null> =>
    read(withQuery(path, asked, { page: cursor ?? '', limit: String(limit) }))
  for (let reads = 0; reads < readsMax && count < wanted && cursor !== undefined; reads++) {
    let page = await readAt(perRead)
    const last = page?.kept[wanted - count - 1]
    // The upstream's cursor behind this element is the one of a page that ends with it.
    if (page !== null && last !== undefined && last < page.data.length - 1) page = await readAt(last + 1)
    if (page === null) break
    pages.push(page)
    count += page.kept.length
    cursor = textOf(page.parsed, 'next_page')
  }
  return { frame: first, pages, cursors: new Map([['next_page', cursor ?? null]]) }
}

async function fillById(first: Page, path: string, asked: URLSearchParams, read: ReadPage): Promise<Filled> {
  const isBackwards = asked.has('before_id')
  const [param, edge] = isBackwards
    ? (['before_id', 'first_id'] as const)
    : (['after_id', 'last_id'] as const)
  const wanted = Number(asked.get('limit') ?? usualLimit)
  const pages = [first]
  let count = first.kept.length
  let hasMore = true
  let cursor = textOf(first.parsed, edge)
  for (let reads = 0; reads < readsMax && count < wanted && hasMore && cursor !== undefined; reads++) {
    const page = await read(withQuery(path, asked, { [param]: cursor, limit: String(perIdRead) }))
    if (page === null) break
    const room = wanted - count
    const isCut = page.kept.length > room
    const kept = isBackwards ? page.kept.slice(-room) : page.kept.slice(0, room)
    if (isBackwards) pages.unshift({ ...page, kept })
    else pages.push({ ...page, kept })
    count += kept.length
    hasMore = isCut || memberOf(page.parsed, 'has_more') === true
    cursor = textOf(page.parsed, edge)
  }
  const ids = pages.flatMap(({ data, kept }) => kept.map((at) => textOf(data[at], 'id') ?? ''))
  const cursors = new Map<string, unknown>([
    ['first_id', ids.at(0) ?? null],
    ['last_id', ids.at(-1) ?? null],
    // Without an id to go on from, more would be a promise that leads nowhere.
    ['has_more', hasMore],
  ])
  return { frame: first, pages, cursors }
}

function withQuery(
  path: string,
  asked: URLSearchParams,
  changes: { readonly [name: string]: string },
): string {
  const query = new URLSearchParams(asked)
  for (const [name, value] of Object.entries(changes)) query.set(name, value)
  return `${path.split('?')[0]}?${query}`
}

/** The text with these members replaced, where it has them. */
export function withMembers(text: string, values: ReadonlyMap<string, unknown>): string {
  let changed = text
  for (const [name, value] of values) {
    const span = memberSpans(changed).get(name)
    if (span === undefined) continue
    changed = changed.slice(0, span.start) + JSON.stringify(value) + changed.slice(span.end)
  }
  return changed
}
