// `x-tollgate-key`: how a caller says who it is when `authorization` carries a bearer of the upstream's own, as the
// environment key and the session tokens of self-hosted workers do. It is never forwarded.
import type { Denial, ErrorCode } from '../kernel/errors.ts'
import { equalSecrets } from '../kernel/secret.ts'
import type { Caller } from './caller.ts'
import type { Identify } from './identify.ts'

/**
 * The same doorkeeper, which also takes `x-tollgate-key`. Whoever sends it is identified by it alone; a bearer beside it
 * that is not Tollgate's makes `bringsUpstreamBearer` true, and is not looked at further: the upstream knows it.
 */
export function acceptOwnHeader(identify: Identify): Identify {
  return (rawHeaders, rawQuery, peer) => {
    if (!rawHeaders.some(isOwnName)) return identify(rawHeaders, rawQuery, peer)
    const sent = readSent(rawHeaders)
    if ('kind' in sent) return sent
    const found = identify(['authorization', `Bearer ${sent.key}`], rawQuery, peer)
    if (!sent.besideBearer) return found
    return found instanceof Promise ? found.then(withBearer) : withBearer(found)
  }
}

const withBearer = (found: Caller | Denial): Caller | Denial =>
  'kind' in found ? found : { ...found, bringsUpstreamBearer: true }

const ownName = 'x-tollgate-key'
const isOwnName = (text: string, at: number): boolean => at % 2 === 0 && text.toLowerCase() === ownName

type Sent = { readonly key: string; readonly besideBearer: boolean }

function readSent(rawHeaders: readonly string[]): Sent | Denial {
  const valuesOf = (name: string): readonly string[] =>
    rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
  const [key = '', ...moreKeys] = valuesOf(ownName).map((value) => value.trim())
  const [authorization, ...moreBearers] = valuesOf('authorization')
  const [apiKey, ...moreApiKeys] = valuesOf('x-api-key').map((value) => value.trim())
  if (moreKeys.length + moreBearers.length + moreApiKeys.length > 0) return sentTwice
  if (!/^[^\s,]+$/.test(key)) return malformed
  if (apiKey !== undefined && !equalSecrets(apiKey, key)) return apiKeyBeside
  if (authorization === undefined) return { key, besideBearer: false }
  const bearer = readBearer(authorization)
  if (bearer === null) return bearerMalformed
  if (equalSecrets(bearer, key)) return { key, besideBearer: false }
  if (tollgateCredential.test(bearer)) return twoOfOurs
  return upstreamApiKey.test(bearer) ? apiKeyAsBearer : { key, besideBearer: true }
}

/**
 * Whether a header holds a credential of this gateway, or something that is none of the upstream's either. False when
 * there is no credential at all, or only one bearer that the upstream gave to a worker.
 */
export function holdsOurCredential(rawHeaders: readonly string[]): boolean {
  let bearers = 0
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase()
    if (name === ownName || name === 'x-api-key') return true
    if (name !== 'authorization') continue
    bearers += 1
    const bearer = readBearer(rawHeaders[at + 1] ?? '')
    if (bearers > 1 || bearer === null) return true
    if (tollgateCredential.test(bearer) || upstreamApiKey.test(bearer)) return true
  }
  return false
}

/** The token of a bearer header; null when it does not hold exactly one. */
export function readBearer(authorization: string): string | null {
  return /^bearer +([^\s,]+)$/i.exec(authorization.trim())?.[1] ?? null
}

// A key of ours, or a token of a workload's issuer (a JWT), which must not reach the provider.
const tollgateCredential = /^tg_|^eyJ[\w-]*\.[\w-]+\.[\w-]*$/
// What opens a whole workspace or organisation is no worker's credential.
const upstreamApiKey = /^sk-ant-(?:api|admin)/

const sentTwice = refuse('identify.credential_conflict', 'a credential header was sent twice; send each once')
const malformed = refuse(
  'identify.credential_malformed',
  '`x-tollgate-key` does not hold one Tollgate key; send it as `x-tollgate-key: tg_live_…`',
)
const apiKeyBeside = refuse(
  'identify.credential_conflict',
  '`x-tollgate-key` and `x-api-key` hold different keys; leave out `x-api-key`',
)
const bearerMalformed = refuse(
  'identify.credential_malformed',
  'the `authorization` header beside `x-tollgate-key` does not hold one bearer; leave it out, or send the environment key or session token in it',
)
const twoOfOurs = refuse(
  'identify.credential_conflict',
  '`authorization` and `x-tollgate-key` hold different credentials of this gateway; send one of them',
)
const apiKeyAsBearer = refuse(
  'identify.credential_conflict',
  '`authorization` beside `x-tollgate-key` holds an API key of the upstream; only environment keys and session tokens pass through, leave it out',
)

function refuse(code: ErrorCode, message: string): Denial {
  return { kind: 'denial', code, message, rule: '' }
}
