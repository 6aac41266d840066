// Bearer tokens to callers: those of the issuers in `directory.yaml`, and Tollgate's own that were traded for one.
// What was verified is remembered, so that a token costs its signature once and the way in stays synchronous.
import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../kernel/clock.ts'
import type { Denial } from '../../kernel/errors.ts'
import type { Caller } from '../caller.ts'
import type { Directory } from '../directory.ts'
import { looksLikeToken, readToken, type VerifiedAssertion, verifyAssertion } from './assertion.ts'
import { callerOfClaims, claimsOfRules, type Speaker } from './claims.ts'
import type { Issuer } from './issuer.ts'
import { createKeyCache } from './key-cache.ts'
import { mintToken, originOf, ownIssuer, type TokenOrigin, verifyOwnToken } from './own-token.ts'
import { refuseToken } from './refusal.ts'
import type { SigningKey } from './signing-key.ts'

export type TokenDeps = {
  /** Asked on every use, so that a reloaded directory counts at once. */
  readonly directory: () => Directory
  readonly clock: Clock
  readonly signingKey: SigningKey
  /** Absolute; `jwks_file` is relative to it. */
  readonly policiesFolder: string
  /** The JWKS at an address of the directory, as text. Must bound time and size and follow no redirect. */
  readonly fetchJwks: (url: string) => Promise<string>
  /** Told when an issuer's keys could not be had; the last good ones serve on for a while. */
  readonly onProblem: (issuer: string, problem: string) => void
}

export type MintedToken = {
  readonly callerId: string
  readonly token: string
  readonly lifetimeSeconds: number
}

export type Tokens = {
  readonly looksLikeToken: (text: string) => boolean
  /** Who holds the token. A promise only when it has not been seen before. Never rejects. */
  readonly identifyToken: (text: string) => Caller | Denial | Promise<Caller | Denial>
  /** Trades an issuer's token for one of ours. Never rejects. */
  readonly exchange: (assertion: string) => Promise<MintedToken | Denial>
  /** Whether a caller identified by a token before would still be the same by the directory of now: null, or why not. */
  readonly recheckToken: (caller: Caller) => Denial | null
  /** False when the directory names no issuer: then there is nothing to exchange. */
  readonly hasIssuers: () => boolean
}

type Known = {
  readonly caller: Caller
  readonly origin: TokenOrigin
  /** The keys it was verified with; null for our own. */
  readonly signed: { readonly issuer: Issuer; readonly keyVersion: number } | null
}

/** Tokens remembered; a few for each caller of a large organisation. */
const knownMax = 10_000

/** Makes the reader of tokens. */
export function createTokens(deps: TokenDeps): Tokens {
  const { directory, clock, fetchJwks, policiesFolder, onProblem } = deps
  const minting = { key: deps.signingKey, clock }
  const keys = createKeyCache({
    clock,
    onProblem,
    loadKeys: ({ keys: at }) =>
      at.kind === 'url' ? fetchJwks(at.url) : readFile(join(policiesFolder, at.path), 'utf8'),
  })
  const known = new LRUCache<string, Known>({ max: knownMax })
  let knownIn: Directory | null = null
  // Where each caller came from, for as long as somebody holds on to it, i.e. for as long as its streams are open.
  const origins = new WeakMap<Caller, TokenOrigin>()

  return {
    looksLikeToken,
    hasIssuers: () => directory().issuers.size > 0,
    identifyToken: (text) => recall(hash('sha256', text)) ?? identify(text),
    exchange,
    recheckToken: (caller) => {
      const now = rederive(caller, origins.get(caller))
      return typeof now === 'string' ? refuseToken(caller.keyId, now) : null
    },
  }

  /** The caller of a token verified before, if nothing has changed since that it rests on. */
  function recall(digest: string): Caller | null {
    const current = directory()
    if (current !== knownIn) {
      knownIn = current
      known.clear()
    }
    const found = known.get(digest)
    if (found === undefined) return null
    const { caller, signed } = found
    const ended = caller.expiresMs === null || caller.expiresMs <= clock.nowMs()
    if (!ended && (signed === null || keys.versionOf(signed.issuer) === signed.keyVersion)) return caller
    known.delete(digest)
    return null
  }

  async function identify(text: string): Promise<Caller | Denial> {
    const started = directory()
    const found = await verify(text, started)
    if ('kind' in found) return found
    // The directory may have changed while we waited; what it says now counts.
    if (directory() !== started) return identify(text)
    if (knownIn === started) known.set(hash('sha256', text), found)
    origins.set(found.caller, found.origin)
    return found.caller
  }

  async function verify(text: string, current: Directory): Promise<Known | Denial> {
    const read = readToken(text)
    if (typeof read === 'string') return refuseToken('', read)
    if (read.iss === ownIssuer) return verifyOwn(text)
    const verified = await verifyForeign(text, current)
    if ('kind' in verified) return verified
    const { issuer, subject, expiresMs, keyVersion } = verified
    const origin = originOf(verified)
    const caller = callerOf(current, issuer, origin, { via: 'jwt', subject, expiresMs })
    return typeof caller === 'string'
      ? refuseToken(issuer.id, caller)
      : { caller, origin, signed: { issuer, keyVersion } }
  }

  async function verifyForeign(text: string, current: Directory): Promise<VerifiedAssertion | Denial> {
    const read = readToken(text)
    if (typeof read === 'string') return refuseToken('', read)
    const issuer = current.issuers.get(read.iss)
    // What a stranger wrote is not repeated, not even to the log.
    if (issuer === undefined) return refuseToken('', 'its `iss` is no issuer of directory.yaml')
    return verifyAssertion({ clock, keys }, text, read.header, issuer)
  }

  async function verifyOwn(text: string): Promise<Known | Denial> {
    const token = await verifyOwnToken(minting, text)
    if ('kind' in token) return token
    const { origin, expiresMs, callerId } = token
    const caller = callerOfOrigin(directory(), origin, { via: 'token', subject: origin.subject, expiresMs })
    if (typeof caller === 'string') return refuseToken(origin.issuer, caller)
    if (caller.id !== callerId) return refuseToken(origin.issuer, 'its rules name the caller otherwise now')
    return { caller, origin, signed: null }
  }

  async function exchange(assertion: string): Promise<MintedToken | Denial> {
    const started = directory()
    const verified = await verifyForeign(assertion, started)
    if ('kind' in verified) return verified
    if (directory() !== started) return exchange(assertion)
    const { issuer, subject, endsMs, expiresMs } = verified
    const origin = originOf(verified)
    const caller = callerOf(started, issuer, origin, { via: 'token', subject, expiresMs })
    if (typeof caller === 'string') return refuseToken(issuer.id, caller)
    const restSeconds = Math.floor((endsMs - clock.nowMs()) / 1000)
    const lifetimeSeconds = issuer.tokenOutlivesAssertion
      ? issuer.tokenLifetimeSeconds
      : Math.min(issuer.tokenLifetimeSeconds, restSeconds)
    if (lifetimeSeconds < 1) return refuseToken(issuer.id, 'ends now', 'identify.credential_expired')
    const token = await mintToken(minting, caller.id, origin, lifetimeSeconds)
    return { callerId: caller.id, token, lifetimeSeconds }
  }

  /** Null when the directory of now makes the same of it; a copy of a caller is judged by its issuer and rules alone. */
  function rederive(caller: Caller, origin: TokenOrigin | undefined): string | null {
    const current = directory()
    if (origin === undefined) {
      const issuer = [...current.issuers.values()].find(({ id }) => id === caller.keyId)
      const fits = issuer?.rules.some(
        ({ team, roles }) => team === caller.team && sameRoles(roles, caller.roles),
      )
      return fits === true ? null : 'no rule makes this caller any more'
    }
    const now = callerOfOrigin(current, origin, caller)
    if (typeof now === 'string') return now
    const same = now.id === caller.id && now.team === caller.team && sameRoles(now.roles, caller.roles)
    return same ? null : 'its rules make another caller of it now'
  }
}

function callerOfOrigin(directory: Directory, origin: TokenOrigin, speaker: Speaker): Caller | string {
  const issuer = directory.issuers.get(origin.url)
  return issuer?.id === origin.issuer ? callerOf(directory, issuer, origin, speaker) : 'its issuer is gone'
}

/** By what the assertion said when it was read; a rule that asks for more is not decided without it. */
function callerOf(
  directory: Directory,
  issuer: Issuer,
  { claims }: TokenOrigin,
  { via, subject, expiresMs }: Speaker,
): Caller | string {
  if (!claimsOfRules(issuer).every((name) => Object.hasOwn(claims, name)))
    return 'its rules ask for other claims now'
  return callerOfClaims(directory, issuer, (name) => claims[name] ?? undefined, { via, subject, expiresMs })
}

const sameRoles = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((role, at) => role === other[at])
