// Headers to Caller: finds the one credential of a request, checks it, and says who holds it.
// It never repeats a credential, and names a key id only to whoever proved to hold the key.
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { Denial, ErrorCode } from '../kernel/errors.ts'
import { equalSecrets, type Secret } from '../kernel/secret.ts'
import type { Caller } from './caller.ts'
import type { PeerCertificate } from './certificates/peer-certificate.ts'
import type { Directory, DirectoryCaller, DirectoryKey } from './directory.ts'
import { credentialInQuery, hasCredential, readCredential } from './sent-credential.ts'
import { hashKey, parseKey } from './virtual-key.ts'

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
  /** The client certificate; null when the listener asks for none, or none was shown. */
  readonly certificate: PeerCertificate | null
}

/**
 * Whether a caller identified before is still one: null, or why not. Asked again while a call of its is open, since
 * `startedAtMs`.
 */
export type Recheck = (caller: Caller, startedAtMs: number) => Denial | null

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
  readonly recheckToken: (caller: Caller) => Denial | null
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

export type RecheckDeps = Pick<IdentifyDeps, 'directory' | 'clock'> & {
  readonly tokens?: Pick<TokenReader, 'recheckToken'>
  /** How long a call may go on after the token of ours that opened it has ended; the rules behind it must still hold. */
  readonly streamLifetimeMs: number
}

/** Makes the second look at a caller that was identified before, by what the directory says now. */
export function createRecheck({ directory, clock, tokens, streamLifetimeMs }: RecheckDeps): Recheck {
  return (caller, startedAtMs) => {
    const { id, via, keyId, expiresMs } = caller
    const nowMs = clock.nowMs()
    if (via === 'key') {
      const found = directory().keys.get(keyId)
      if (found === undefined || found.caller.id !== id) return credentialUnknown
      return endOfKey(found, nowMs)
    }
    // Tokens of ours end so soon because their caller can always trade for another, but not in the middle of a stream.
    const endsMs = via === 'token' ? Math.max(expiresMs ?? 0, startedAtMs + streamLifetimeMs) : expiresMs
    if (endsMs !== null && endsMs <= nowMs) return tokenEnded
    return tokens === undefined || via === 'certificate' ? null : tokens.recheckToken(caller)
  }
}

/** Has the length of a real hash and equals none: it is not hexadecimal. */
const unknownHash = `hmac-sha256:${'-'.repeat(64)}`

const credentialMalformed = refuse(
  'identify.credential_malformed',
  'the key is not a Tollgate key, or it was cut or mistyped; check that all of it was copied',
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
function refuse(code: ErrorCode, message: string, rule = ''): Denial {
  return { kind: 'denial', code, message, rule }
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
