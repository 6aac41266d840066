// The older lists, walked by object id: `first_id` and `last_id` must name what is left of the page, and a page of which
// nothing is left would end the walk, so the next one that has something takes its place.
import { memberSpans } from '../../upstream/member-spans.ts'
import type { Page } from './list-filter.ts'
import { memberOf, textOf } from './owner.ts'

/** The text with `first_id` and `last_id` naming the first and last of `ids`; where it has such members. */
export function withIdsOf(text: string, ids: readonly string[]): string {
  return withMember(withMember(text, 'first_id', ids.at(0) ?? null), 'last_id', ids.at(-1) ?? null)
}

function withMember(text: string, name: string, value: unknown): string {
  const span = memberSpans(text).get(name)
  return span === undefined ? text : text.slice(0, span.start) + JSON.stringify(value) + text.slice(span.end)
}

/** What the upstream gives at most, and by default. */
const largestPage = 1_000
const usualPage = 20
/** A hundred thousand things of others. */
const pagesMax = 100

/**
 * The first page from there on, in the direction of the walk, that has anything the caller may see, cut to the length it
 * asked for; null when `page` is not of this kind or nothing follows. `read` gets path and query of a further page.
 */
export async function readOnFromIdPage(
  page: unknown,
  path: string,
  read: (path: string) => Promise<Page>,
): Promise<Page | null> {
  const [target = '', query = ''] = path.split('?')
  const asked = new URLSearchParams(query)
  const isBackwards = asked.has('before_id')
  const wanted = Number(asked.get('limit') ?? usualPage)
  let cursor = cursorOf(page, isBackwards)
  for (let pages = 0; cursor !== null && pages < pagesMax; pages++) {
    asked.set(isBackwards ? 'before_id' : 'after_id', cursor)
    asked.set('limit', String(largestPage))
    const next = await read(`${target}?${asked}`)
    if (next.kept.length > 0) return cutTo(next, wanted, isBackwards)
    cursor = cursorOf(next.parsed, isBackwards)
    if (cursor === null) return { ...next, kept: [] }
  }
  return null
}

function cursorOf(page: unknown, isBackwards: boolean): string | null {
  if (memberOf(page, 'has_more') !== true) return null
  // Pages by cursor may say `has_more` too; they lead on by themselves.
  if (typeof memberOf(page, 'next_page') === 'string') return null
  return textOf(page, isBackwards ? 'first_id' : 'last_id') ?? null
}

function cutTo(page: Page, wanted: number, isBackwards: boolean): Page {
  if (page.kept.length <= wanted) return page
  const kept = isBackwards ? page.kept.slice(-wanted) : page.kept.slice(0, wanted)
  return { ...page, kept, text: withMember(page.text, 'has_more', true) }
}
