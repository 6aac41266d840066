// Addresses in one spelling each. A rule compares letter by letter, so two ways to write one place must come out the
// same, and what two parsers could read as two places is refused.
import { unreadable } from './fields.ts'
import { percentEncode } from './gathering.ts'

// No user, no brackets, no escapes in the host, no fragment, nothing invisible, none of " < > \\ ^ ` { | }.
const plainUrl =
  /^(https?):\/\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)\.?(:\d{1,5})?(\/[\x21\x24-\x3b\x3d\x40-\x5b\x5d\x5f\x61-\x7a\x7e]*)?(\?[\x21\x23-\x7e]*)?$/i
// What some servers take for another path: dot segments, and dots and slashes that are written as escapes.
const pathTrick = /\/\.{1,2}(?:\/|$)|%2e|%2f|%5c/i
// Beyond these a rule cannot hold a character, or it divides the parts of an object (`!`).
const unruly = /[^A-Za-z0-9._~:/?&=@+%-]/g
const defaultPorts: { readonly [scheme: string]: string | undefined } = { http: ':80', https: ':443' }

/**
 * An http(s) address as `scheme://host[:port]/path`, in lower case up to the path, and `?query` for any query: what is
 * in one may be a secret, and would be kept in the audit.
 */
export function urlName(value: unknown, at: string): string {
  const { scheme, host, port, path, query } = partsOf(value, at)
  return `${scheme}://${host}${port}${path.replaceAll(unruly, percentEncode)}${query}`
}

/** The host an address leads to. */
export function hostOfUrl(value: unknown, at: string): string {
  return partsOf(value, at).host
}

function partsOf(value: unknown, at: string) {
  const match = typeof value === 'string' && value.length <= urlMax ? plainUrl.exec(value) : null
  if (match === null) return unreadable(at, notAnAddress)
  const scheme = (match[1] ?? '').toLowerCase()
  const path = match[4] ?? '/'
  if (pathTrick.test(path)) return unreadable(at, notAnAddress)
  const port = match[3] === defaultPorts[scheme] ? '' : (match[3] ?? '')
  const query = match[5] === undefined ? '' : '?query'
  return { scheme, host: (match[2] ?? '').toLowerCase(), port, path, query }
}

/**
 * A repository: as `urlName`; on github.com, which takes them all for one, without case, `.git` and a final slash.
 */
export function repositoryName(value: unknown, at: string): string {
  const name = urlName(value, at)
  if (!name.startsWith('https://github.com/')) return name
  return name
    .toLowerCase()
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
}

const plainHost = /^(\*\.)?([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)\.?$/i

/**
 * A host in lower case; `*.example.com` becomes `.example.com`, since a rule has its `*` at the end only. `*` stays
 * every host.
 */
export function hostName(value: unknown, at: string): string {
  if (value === '*') return value
  const match = typeof value === 'string' && value.length <= hostMax ? plainHost.exec(value) : null
  if (match === null) return unreadable(at, 'is not a plain host name such as `api.example.com`')
  return `${match[1] === undefined ? '' : '.'}${(match[2] ?? '').toLowerCase()}`
}

const urlMax = 2_048
const hostMax = 253
const notAnAddress =
  'is not a plain `https://host/path` address (no user, no `..`, no fragment, visible ASCII only)'
