// The credentials the simulator takes: API keys, and what it hands out itself (environment keys, tokens of the token
// endpoint). Only digests are kept, and they are compared in constant time.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Whose credential a request carries. */
export type Identity =
  | { readonly kind: 'api_key'; readonly index: number }
  | { readonly kind: 'admin_key' }
  | { readonly kind: 'environment_key'; readonly environmentId: string }
  | {
      readonly kind: 'session_token'
      readonly environmentId: string
      readonly sessionId: string
      readonly workId: string
    }
  | { readonly kind: 'access_token'; readonly subject: string }

export type CredentialBook = {
  /** Takes a credential from now on, until `untilMs` of the simulator's clock when given. */
  readonly add: (text: string, identity: Identity, untilMs?: number) => void
  readonly revoke: (text: string) => void
  /** The identity of either credential header; null for none or an unknown or expired one. */
  readonly find: (headers: IncomingHttpHeaders) => Identity | null
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A book that knows `apiKeys`, numbered from 0. */
export function createCredentialBook(apiKeys: readonly string[], nowMs: () => number): CredentialBook {
  type Line = { readonly digest: Buffer; readonly identity: Identity; readonly untilMs: number }
  let lines: readonly Line[] = apiKeys.map((key, index) => ({
    digest: digest(key),
    identity: { kind: 'api_key', index },
    untilMs: Number.POSITIVE_INFINITY,
  }))
  const findText = (text: string | undefined): Identity | null => {
    if (!text) return null
    const given = digest(text)
    const line = lines.find((each) => timingSafeEqual(each.digest, given))
    return line === undefined || line.untilMs <= nowMs() ? null : line.identity
  }
  return {
    add: (text, identity, untilMs = Number.POSITIVE_INFINITY) => {
      lines = [...lines, { digest: digest(text), identity, untilMs }]
    },
    revoke: (text) => {
      const gone = digest(text)
      lines = lines.filter((line) => !timingSafeEqual(line.digest, gone))
    },
    find: (headers) => {
      const apiKey = headers['x-api-key']
      const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
      const byKey = findText(typeof apiKey === 'string' ? apiKey : undefined)
      // Only keys go in a key's header; what the upstream hands out itself comes as a bearer.
      const isKey = byKey?.kind === 'api_key' || byKey?.kind === 'admin_key'
      return isKey ? byKey : findText(bearer)
    },
  }
}
