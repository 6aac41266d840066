// The request target before routing: one spelling per path, so that what was judged is what is asked for.
import { TollgateError } from '../kernel/errors.ts'

/** The path without query, and the query without `?` ('' when there is none), both exactly as sent. */
export type RequestTarget = { readonly path: string; readonly query: string }

const maxUrlChars = 8192
const maxPathChars = 1024

// What RFC 3986 lets stand unencoded in a path segment, without `;`, which some servers read as a parameter.
const canonical = /^(?:\/[A-Za-z0-9\-._~!$&'()*+,=:@]+)+$/
const dotSegment = /\/\.{1,2}(?=\/|$)/
// Visible ASCII but `#` and `;`, by which some servers separate parameters as by `&`. Brackets are used raw in array
// parameters, and other marks are harmless in a query.
const queryText = /^[\x21\x22\x24-\x3a\x3c-\x7e]*$/
const brokenEscape = /%(?![0-9A-Fa-f]{2})/

/**
 * Splits a raw request target into path and query, unchanged.
 * Throws `TollgateError('arrive.path_not_canonical')`, with a sentence that names what is wrong, on any target
 * that another server could read as a different path: percent-encoding, dot segments, empty segments (doubled or
 * trailing slash), backslash, `;`, control or non-ASCII bytes, absolute form, fragments, or too many characters.
 * A query only has to be well-formed.
 */
export function canonicalPath(rawUrl: string): RequestTarget {
  if (rawUrl.length > maxUrlChars) refuse(`the request target is longer than ${maxUrlChars} characters`)
  const mark = rawUrl.indexOf('?')
  const path = mark < 0 ? rawUrl : rawUrl.slice(0, mark)
  const query = mark < 0 ? '' : rawUrl.slice(mark + 1)
  if (path !== '/' && (!canonical.test(path) || dotSegment.test(path) || path.length > maxPathChars)) {
    refuse(whyNotCanonical(path))
  }
  if (!isWellFormed(query)) refuse('the query string is not well-formed; percent-encode its values as UTF-8')
  return { path, query }
}

function refuse(sentence: string): never {
  throw new TollgateError('arrive.path_not_canonical', sentence)
}

/** The first reason that applies. It quotes at most one offending character, never the whole path. */
function whyNotCanonical(path: string): string {
  if (!path.startsWith('/'))
    return 'the request target must begin with `/`; send the path only, not a full address'
  if (path.length > maxPathChars) return `the path is longer than ${maxPathChars} characters`
  if (path.includes('%')) return 'the path contains percent-encoding; send ids and names in plain characters'
  if (path.includes('\\')) return 'the path contains a backslash; separate its parts with `/`'
  if (path.includes(';')) return 'the path contains `;`; path parameters are not accepted'
  if (dotSegment.test(path)) return 'the path contains a dot segment; send the path it resolves to'
  if (path.includes('//')) return 'the path contains a doubled slash; send a single `/`'
  if (path.endsWith('/')) return 'the path ends with a slash; leave it out'
  return 'the path contains a character that is not accepted; use letters, digits, `-`, `_`, `.`'
}

function isWellFormed(query: string): boolean {
  if (!queryText.test(query) || brokenEscape.test(query)) return false
  try {
    decodeURIComponent(query)
    return true
  } catch {
    // Escapes that are not UTF-8: two readers would see two different values.
    return false
  }
}
