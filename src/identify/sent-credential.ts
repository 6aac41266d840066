// Where a request may say who it is: exactly one credential in its headers, none in its address.
import type { Denial, ErrorCode } from '../kernel/errors.ts'
import { equalSecrets } from '../kernel/secret.ts'
import { keyInTextPattern } from './virtual-key.ts'

/** The credential's text, or why there is not exactly one. */
export function readCredential(rawHeaders: readonly string[]): string | Denial {
  const bearers: string[] = []
  const apiKeys: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase()
    const value = rawHeaders[at + 1] ?? ''
    if (name === 'authorization') bearers.push(value)
    if (name === 'x-api-key') apiKeys.push(value.trim())
  }
  if (bearers.length > 1 || apiKeys.length > 1) return credentialTwice

  const [authorization] = bearers
  const [apiKey] = apiKeys
  if (authorization === undefined) return apiKey ?? credentialMissing
  const bearer = /^bearer +([^\s,]+)$/i.exec(authorization.trim())?.[1]
  if (bearer === undefined) return authorizationMalformed
  return apiKey === undefined || equalSecrets(apiKey, bearer) ? bearer : credentialConflict
}

/** Query parameters by which clients of other APIs send keys; none of them means anything upstream. */
const credentialParams = new Set([
  'api_key',
  'apikey',
  'key',
  'token',
  'access_token',
  'x-api-key',
  'authorization',
])

// Two encoded JSON objects with a dot between them: header and claims of a token.
const tokenInTextPattern = /eyJ[\w-]{8,}\.eyJ/

/** Whether the query holds what is, or is named like, a credential. */
export function hasCredential(rawQuery: string): boolean {
  if (rawQuery === '') return false
  if (keyInTextPattern.test(rawQuery) || tokenInTextPattern.test(rawQuery)) return true
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    if (credentialParams.has(name.toLowerCase())) return true
    if (keyInTextPattern.test(name) || keyInTextPattern.test(value)) return true
  }
  return false
}

const howToSend = 'send it as `Authorization: Bearer tg_live_…` or `x-api-key: tg_live_…`'

const credentialMissing = refuse('identify.credential_missing', `no Tollgate key was sent; ${howToSend}`)
const authorizationMalformed = refuse(
  'identify.credential_malformed',
  `the \`authorization\` header does not hold one bearer key; ${howToSend}`,
)
const credentialTwice = refuse(
  'identify.credential_conflict',
  'a credential header was sent twice; send one key, once',
)
const credentialConflict = refuse(
  'identify.credential_conflict',
  '`authorization` and `x-api-key` hold different keys; send one of them',
)
/** What is said to whoever puts one there. */
export const credentialInQuery = refuse(
  'identify.credential_in_query',
  `a key was sent in the query string, where logs keep it; have it replaced, then ${howToSend}`,
)

function refuse(code: ErrorCode, message: string): Denial {
  return { kind: 'denial', code, message, rule: '' }
}
