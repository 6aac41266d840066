// Headers to Caller: finds the one credential of a request, checks it, and says who holds it.
// It never repeats a credential, and names a key id only to whoever proved to hold the key.
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { Denial, ErrorCode } from '../kernel/errors.ts'
import { equalSecrets, type Secret } from '../kernel/secret.ts'
import type { Caller } from './caller.ts'
import type { Directory, DirectoryCaller, DirectoryKey } from './directory.ts'
import { hashKey, keyInTextPattern, parseKey } from './virtual-key.ts'

/**
 * `rawHeaders` is Node's flat list (name, value, name, value, …) and nothing else will do:
 * `request.headers` has already dropped a second Authorization. `rawQuery` comes without its `?`.
 */
export type Identify = (
  rawHeaders: readonly string[],
  rawQuery: string,
  peer: Peer,
) => Caller | Denial | Promise<Caller | Denial>

/** Where a request came from, as the socket says it. */
export type Peer = {
  readonly ip: string
  /** The verified certificate's URI names, when the listener asks for certificates. */
  readonly certificateUris: readonly string[]
}

/** Whether a caller identified before is still one: null, or why not. Asked again while its streams are open. */
export type Recheck = (caller: Caller) => Denial | null

/** Keys alone need no waiting. */
export type SyncIdentify = (rawHeaders: readonly string[], rawQuery: string, peer: Peer) => Caller | Denial

export type IdentifyDeps = {
  /** Asked on every request, so that a reloaded directory counts at once. */
  readonly directory: () => Directory
  readonly pepper: Secret
  readonly clock: Clock
}

/** Whoever reads tokens: a bearer of three parts with dots between them is one. */
export type TokenReader = {
  readonly looksLikeToken: (text: string) => boolean
  readonly identifyToken: (text: string) => Caller | Denial | Promise<Caller | Denial>
  readonly recheckToken: Recheck
}

type FoundKey = { readonly key: DirectoryKey; readonly caller: DirectoryCaller }

/** Callers seen since the directory was read; far more than an organisation has. */
const verifiedMax = 10_000

/**
 * Makes the gateway's doorkeeper. Takes `Authorization: Bearer` and `x-api-key`, alone or agreeing.
 * Without a reader for them, tokens are no credential here.
 */
export function createIdentify(deps: IdentifyDeps): SyncIdentify
export function createIdentify(deps: IdentifyDeps & { readonly tokens: TokenReader }): Identify
export function createIdentify(deps: IdentifyDeps & { readonly tokens?: TokenReader }): Identify {
  const { directory, pepper, clock, tokens } = deps
  // Keys that were verified against this very directory, by digest: the HMAC is paid once, not per request.
  const verified = new LRUCache<string, FoundKey>({ max: verifiedMax })
  let verifiedIn: Directory | null = null

  return (rawHeaders, rawQuery, peer) => {
    if (hasCredential(rawQuery)) return credentialInQuery
    const credential = readCredential(rawHeaders)
    if (typeof credential !== 'string') return credential
    return tokens?.looksLikeToken(credential) === true
      ? tokens.identifyToken(credential)
      : identifyKey(credential, peer)
  }

  function identifyKey(text: string, peer: Peer): Caller | Denial {
    const found = findKey(text)
    if ('kind' in found) return found
    const { key, caller } = found
    const ended = endOfKey(found, clock.nowMs())
    if (ended !== null) return ended
    if (!key.allowsAddress(peer.ip)) return addressRefused(found, peer.ip)
    const { id, roles, team } = caller
    return {
      id,
      team: team.name,
      roles,
      keyId: key.id,
      costCentre: team.costCentre,
      via: 'key',
      subject: '',
      scopes: key.scopes,
      expiresMs: key.expiresMs,
      bringsUpstreamBearer: false,
    }
  }

  function findKey(text: string): FoundKey | Denial {
    const current = directory()
    if (current !== verifiedIn) {
      verifiedIn = current
      verified.clear()
    }
    const digest = hash('sha256', text)
    const before = verified.get(digest)
    if (before !== undefined) return before
    const parsed = parseKey(text)
    if (parsed === undefined) return text.startsWith('sk-ant-') ? credentialOfUpstream : credentialMalformed
    const found = current.keys.get(parsed.keyId)
    // An unknown id is hashed and compared all the same, so that timing does not tell which ids exist.
    const known = equalSecrets(hashKey(pepper, parsed), found?.key.hash ?? unknownHash)
    if (found === undefined || !known) return credentialUnknown
    verified.set(digest, found)
    return found
  }
}

function addressRefused({ key, caller }: FoundKey, ip: string): Denial {
  return refuse(
    'identify.address_refused',
    `key \`${key.id}\` of caller \`${caller.id}\` may not be used from \`${ip}\`, only from ${key.cidrs.join(', ')}; ask your platform team`,
    `directory.yaml key ${key.id}`,
  )
}

/** Why a key that once was good is no longer; null while it is. */
function endOfKey({ key, caller }: FoundKey, nowMs: number): Denial | null {
  const whose = `key \`${key.id}\` of caller \`${caller.id}\``
  const next = 'ask your platform team for a new one'
  const rule = `directory.yaml key ${key.id}`
  if (key.revokedMs !== null && key.revokedMs <= nowMs) {
    return refuse(
      'identify.credential_revoked',
      `${whose} was revoked on ${isoDay(key.revokedMs)}; ${next}`,
      rule,
    )
  }
  if (key.expiresMs <= nowMs) {
    return refuse(
      'identify.credential_expired',
      `${whose} expired on ${isoDay(key.expiresMs)}; ${next}`,
      rule,
    )
  }
  return null
}

/** Makes the second look at a caller that was identified before, by what the directory says now. */
export function createRecheck({
  directory,
  clock,
  tokens,
}: Pick<IdentifyDeps, 'directory' | 'clock'> & {
  readonly tokens?: Pick<TokenReader, 'recheckToken'>
}): Recheck {
  return (caller) => {
    const { id, via, keyId, expiresMs } = caller
    const nowMs = clock.nowMs()
    if (via === 'key') {
      const found = directory().keys.get(keyId)
      if (found === undefined || found.caller.id !== id) return credentialUnknown
      return endOfKey(found, nowMs)
    }
    if (expiresMs !== null && expiresMs <= nowMs) return tokenEnded
    return tokens === undefined || via === 'certificate' ? null : tokens.recheckToken(caller)
  }
}

/** The credential's text, or why there is not exactly one. */
function readCredential(rawHeaders: readonly string[]): string | Denial {
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

function hasCredential(rawQuery: string): boolean {
  if (rawQuery === '') return false
  if (keyInTextPattern.test(rawQuery) || tokenInTextPattern.test(rawQuery)) return true
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    if (credentialParams.has(name.toLowerCase())) return true
    if (keyInTextPattern.test(name) || keyInTextPattern.test(value)) return true
  }
  return false
}

/** Has the length of a real hash and equals none: it is not hexadecimal. */
const unknownHash = `hmac-sha256:${'-'.repeat(64)}`

const howToSend = 'send it as `Authorization: Bearer tg_live_…` or `x-api-key: tg_live_…`'

const credentialMissing = refuse('identify.credential_missing', `no Tollgate key was sent; ${howToSend}`)
const credentialMalformed = refuse(
  'identify.credential_malformed',
  'the key is not a Tollgate key, or it was cut or mistyped; check that all of it was copied',
)
const authorizationMalformed = refuse(
  'identify.credential_malformed',
  `the \`authorization\` header does not hold one bearer key; ${howToSend}`,
)
const credentialOfUpstream = refuse(
  'identify.credential_malformed',
  "an Anthropic key was sent where Tollgate's own is expected; ask your platform team for a `tg_live_…` key",
)
const credentialUnknown = refuse(
  'identify.credential_unknown',
  'the key is not known here; check that it belongs to this gateway, or ask your platform team for a new one',
)
const tokenEnded = refuse(
  'identify.credential_expired',
  'the token has expired; ask its issuer for a new one',
)
const credentialTwice = refuse(
  'identify.credential_conflict',
  'a credential header was sent twice; send one key, once',
)
const credentialConflict = refuse(
  'identify.credential_conflict',
  '`authorization` and `x-api-key` hold different keys; send one of them',
)
const credentialInQuery = refuse(
  'identify.credential_in_query',
  `a key was sent in the query string, where logs keep it; have it replaced, then ${howToSend}`,
)

function refuse(code: ErrorCode, message: string, rule = ''): Denial {
  return { kind: 'denial', code, message, rule }
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
