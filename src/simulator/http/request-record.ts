// The list of requests that reached the simulator, so that a test can say what did and what did not.
// Credentials are replaced by the place of the key in `apiKeys`; their values are never kept.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { CredentialBook, Identity } from './credentials.ts'
import { maskSecrets } from './secret-mask.ts'

/** One request as it arrived. Bodies are kept as text up to a limit; `bodyBytes` counts all of them. */
export type RequestRecord = {
  readonly requestId: string
  readonly receivedAtMs: number
  readonly method: string
  /** Path and query, exactly as on the request line. */
  readonly path: string
  /** Lower-case names; values of credential headers read `[key 0]`, `[environment_key]` or `[unknown]`. */
  readonly headers: Readonly<Record<string, string>>
  /** Which configured key came, counted from 0; null for none or an unknown one. */
  readonly keyIndex: number | null
  /** The secrets of vault credentials read `[secret]`. */
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

const masked = (identity: Identity | null): string => {
  if (identity === null) return '[unknown]'
  return identity.kind === 'api_key' ? `[key ${identity.index}]` : `[${identity.kind}]`
}

function maskHeaders(headers: IncomingHttpHeaders, find: CredentialBook['find']) {
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '')
    shown[name] = credentialHeaders.has(name) ? masked(find({ [name]: text })) : text
  }
  return shown
}

/** Keeps the latest `countMax` requests. */
export function createRequestRecorder(find: CredentialBook['find'], countMax: number) {
  const records: OpenRecord[] = []
  return {
    open: (request: IncomingMessage, requestId: string, receivedAtMs: number): OpenRecord => {
      const identity = find(request.headers)
      const record: OpenRecord = {
        requestId,
        receivedAtMs,
        method: request.method ?? '',
        path: request.url ?? '',
        headers: maskHeaders(request.headers, find),
        keyIndex: identity?.kind === 'api_key' ? identity.index : null,
        bodyText: '',
        bodyBytes: 0,
        status: null,
      }
      records.push(record)
      // Dropped in blocks: shifting an array at every request would cost more than the request.
      if (records.length >= countMax * 2) records.splice(0, records.length - countMax)
      return record
    },
    records: (): readonly RequestRecord[] =>
      records
        .slice(-countMax)
        .map((record) => ({ ...record, bodyText: maskSecrets(record.path, record.bodyText) })),
  }
}
