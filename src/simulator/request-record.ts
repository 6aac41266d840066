// The list of requests that reached the simulator, so that a test can say what did and what did not.
// Credentials are replaced by the place of the key in `apiKeys`; their values are never kept.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** One request as it arrived. Bodies are kept as text up to a limit; `bodyBytes` counts all of them. */
export type RequestRecord = {
  readonly requestId: string
  readonly receivedAtMs: number
  readonly method: string
  /** Path and query, exactly as on the request line. */
  readonly path: string
  /** Lower-case names; values of credential headers read `[key 0]` or `[unknown]`. */
  readonly headers: Readonly<Record<string, string>>
  /** Which configured key came, counted from 0; null for none or an unknown one. */
  readonly keyIndex: number | null
  readonly bodyText: string
  readonly bodyBytes: number
  /** The status answered; null while the request is in work or when it was cut. */
  readonly status: number | null
}

/** A record still being filled in. */
export type OpenRecord = { -readonly [Field in keyof RequestRecord]: RequestRecord[Field] }

const credentialHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'x-api-key',
  'proxy-authorization',
  'cookie',
])

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Finds which of the keys a request carries, in either credential header. Null for none of them. */
export function createKeyFinder(apiKeys: readonly string[]): (headers: IncomingHttpHeaders) => number | null {
  const digests = apiKeys.map(digest)
  const indexOf = (text: string | undefined): number | null => {
    if (!text) return null
    const given = digest(text)
    const at = digests.findIndex((known) => timingSafeEqual(known, given))
    return at === -1 ? null : at
  }
  return (headers) => {
    const apiKey = headers['x-api-key']
    const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
    return indexOf(typeof apiKey === 'string' ? apiKey : undefined) ?? indexOf(bearer)
  }
}

function maskHeaders(headers: IncomingHttpHeaders, findKey: (headers: IncomingHttpHeaders) => number | null) {
  const masked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '')
    if (!credentialHeaders.has(name)) masked[name] = text
    else {
      const at = findKey({ [name]: text })
      masked[name] = at === null ? '[unknown]' : `[key ${at}]`
    }
  }
  return masked
}

/** Keeps the latest `countMax` requests. */
export function createRequestRecorder(
  findKey: (headers: IncomingHttpHeaders) => number | null,
  countMax: number,
) {
  const records: OpenRecord[] = []
  return {
    open: (request: IncomingMessage, requestId: string, receivedAtMs: number): OpenRecord => {
      const record: OpenRecord = {
        requestId,
        receivedAtMs,
        method: request.method ?? '',
        path: request.url ?? '',
        headers: maskHeaders(request.headers, findKey),
        keyIndex: findKey(request.headers),
        bodyText: '',
        bodyBytes: 0,
        status: null,
      }
      records.push(record)
      // Dropped in blocks: shifting an array at every request would cost more than the request.
      if (records.length >= countMax * 2) records.splice(0, records.length - countMax)
      return record
    },
    records: (): readonly RequestRecord[] => records.slice(-countMax).map((record) => ({ ...record })),
  }
}
