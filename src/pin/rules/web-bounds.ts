// Where a web tool may go, and whether one set of bounds lets it go further than another.
import { isDeepStrictEqual } from 'node:util'
import { type JsonObject, shorten } from '../json-values.ts'
import type { JsonPath } from '../rule.ts'
import { isAbsent, listAt, wordAt } from './reading.ts'

export type WebBounds = {
  /** Null is everywhere. */
  readonly allowed: readonly string[] | null
  readonly blocked: readonly string[]
  /** Where the addresses to fetch may come from; null is from anywhere. */
  readonly sources: unknown
}

/** Reads them from one tool's settings. An empty list is one that is not there. */
export function readWebBounds(fields: JsonObject, path: JsonPath): WebBounds {
  const allowed = domainsAt(fields['allowed_domains'], [...path, 'allowed_domains'])
  const { url_sources: sources } = fields
  return {
    allowed: allowed.length === 0 ? null : allowed,
    blocked: domainsAt(fields['blocked_domains'], [...path, 'blocked_domains']),
    sources: isAbsent(sources) ? null : sources,
  }
}

/** How `after` goes further than `before`, in words; none when it does not. Null bounds are of a tool without any. */
export function widerBounds(before: WebBounds | null, after: WebBounds | null): readonly string[] {
  if (before === null || after === null) return []
  const found: string[] = []
  if (before.allowed !== null) {
    const { allowed } = before
    if (after.allowed === null) found.push('reaches every domain')
    const more = (after.allowed ?? []).filter((domain) => !allowed.some((old) => isWithin(domain, old)))
    found.push(...more.map((domain) => `reaches \`${shorten(domain)}\``))
  }
  // A list of what is allowed blocks all the rest; it must not let in what was blocked.
  const freed = before.blocked.filter((domain) =>
    after.allowed === null
      ? !after.blocked.some((now) => isWithin(domain, now))
      : after.allowed.some((now) => isWithin(domain, now) || isWithin(now, domain)),
  )
  found.push(...freed.map((domain) => `is no longer kept from \`${shorten(domain)}\``))
  if (before.sources !== null && !isDeepStrictEqual(before.sources, after.sources)) {
    found.push('takes addresses from other sources')
  }
  return found
}

/** `docs.example.com` is within `example.com`, and so is `example.com/docs`. */
function isWithin(domain: string, outer: string): boolean {
  if (domain === outer || domain.startsWith(`${outer}/`)) return true
  const [host = ''] = domain.split('/')
  return !outer.includes('/') && (host === outer || host.endsWith(`.${outer}`))
}

const domainsAt = (value: unknown, path: JsonPath): readonly string[] =>
  listAt(value, path).map((domain, index) => wordAt(domain, [...path, index]).toLowerCase())
