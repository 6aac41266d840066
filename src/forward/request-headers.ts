// What of the client's request head goes up: everything, except hop-by-hop fields, credentials, and what we state ourselves.
import { createLowerCase } from './header-names.ts'

// RFC 9110 7.6.1 hop-by-hop fields, and the fields that Tollgate replaces or must not pass on.
export const withheldHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'host',
  'content-length',
  // The caller's credentials: replaced by the upstream's.
  'authorization',
  'x-api-key',
  'x-tollgate-key',
  'x-tollgate-dry-run',
  // Trace context: ours is sent instead; baggage may carry personal data and is not for the provider.
  'traceparent',
  'tracestate',
  'baggage',
  // A 304 tells the tap nothing, and undici takes one that declares a length (RFC 9110 8.6) for a broken answer.
  'if-none-match',
  'if-modified-since',
  // What would make the upstream act as somebody else, or for another workspace than the operator's key: not the caller's to say.
  'cookie',
  'anthropic-workspace-id',
  // What some servers take for another method or path than the ones that were judged.
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
  // A client's word about where it is must not reach the upstream as ours.
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
])

/** What begins so is Tollgate's own, or a proxy's word about the client. */
const withheldBeginnings = ['x-tollgate-', 'x-forwarded-']

/** What was judged under its own name, and would be taken for it under another. */
const judged: ReadonlySet<string> = new Set([
  ...['content-type', 'content-encoding', 'anthropic-user-profile-id'],
])

/** Lower-cased names. Some servers read `_` as `-`: what must not go up does not go up in that spelling either. */
function isWithheld(name: string): boolean {
  const dashed = name.replaceAll('_', '-')
  if (dashed !== name && judged.has(dashed)) return true
  return withheldHeaders.has(dashed) || withheldBeginnings.some((beginning) => dashed.startsWith(beginning))
}

export type RequestHead = {
  /** Alternating names and values as Node received them. */
  readonly rawHeaders: readonly string[]
  /** Host of the upstream. */
  readonly host: string
  /** Bytes of the buffered body, null without one. */
  readonly bodyBytes: number | null
  /** Value of `authorization` for the upstream. */
  readonly authorization: string
  readonly traceparent: string
  /** The tap reads this answer: ask for it uncompressed. */
  readonly plain: boolean
  /** A streamed body keeps its declared length; null when the client sent it chunked. */
  readonly streamedBytes: string | null
}

// What would make the tap see the answer compressed, or a part of it only.
const unreadable = new Set(['accept-encoding', 'range', 'if-range'])

const lowerCase = createLowerCase((name) => (name !== 'connection' && isWithheld(name) ? null : name))

/** The upstream's request head: what is kept keeps its case, its order and its duplicates. */
export function buildRequestHeaders(head: RequestHead): string[] {
  const raw = head.rawHeaders
  const headers = ['host', head.host]
  let listed: string[] | null = null
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const written = raw[i] ?? ''
    const name = lowerCase(written)
    const value = raw[i + 1] ?? ''
    if (name === null) continue
    if (name === 'connection') {
      const names = value
        .toLowerCase()
        .split(',')
        .map((part) => part.trim())
      listed = listed === null ? names : listed.concat(names)
      continue
    }
    if (head.plain && unreadable.has(name)) continue
    headers.push(written, value)
  }
  const kept = listed === null ? headers : withoutListed(headers, listed)
  if (head.plain) kept.push('accept-encoding', 'identity')
  kept.push('authorization', head.authorization)
  if (head.traceparent !== '') kept.push('traceparent', head.traceparent)
  if (head.bodyBytes !== null) kept.push('content-length', String(head.bodyBytes))
  else if (head.streamedBytes !== null) kept.push('content-length', head.streamedBytes)
  return kept
}

// RFC 9110 7.6.1: a field named in `Connection` is hop-by-hop for this message. Never the content type: the body was
// judged by it, and without one the upstream would have to guess.
function withoutListed(headers: readonly string[], listed: readonly string[]): string[] {
  const kept = headers.slice(0, 2)
  for (let i = 2; i + 1 < headers.length; i += 2) {
    const written = headers[i] ?? ''
    const name = written.toLowerCase()
    if (name === 'content-type' || !listed.includes(name)) kept.push(written, headers[i + 1] ?? '')
  }
  return kept
}
