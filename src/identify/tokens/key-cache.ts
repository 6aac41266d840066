// The issuers' keys at hand: fetched when first needed, refreshed behind the requests, kept through an outage for a
// bounded time. Strangers with made-up key ids cause one fetch per cooldown and issuer, not one each.
import type { Clock } from '../../kernel/clock.ts'
import type { Issuer, TokenAlgorithm } from './issuer.ts'
import { type PublicKey, parseKeySet, pickKey } from './key-set.ts'

/** Keys older than `refreshMs` are had anew, behind the request that noticed, and never twice within `cooldownMs`. */
const overNetwork = { refreshMs: 10 * 60_000, cooldownMs: 10_000 }
/** A file is one of `policies/`, and costs nothing to read: what is taken out of it stops counting within seconds. */
const fromFile = { refreshMs: 1_000, cooldownMs: 500 }
const paceOf = ({ keys }: Issuer) => (keys.kind === 'file' ? fromFile : overNetwork)

export type KeyCacheDeps = {
  readonly clock: Clock
  /** The text of the issuer's JWKS. Rejects when it cannot be had. */
  readonly loadKeys: (issuer: Issuer) => Promise<string>
  readonly onProblem: (issuer: string, problem: string) => void
}

export type FoundKey =
  | { readonly kind: 'found'; readonly key: PublicKey; readonly version: number }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unavailable' }

export type KeyCache = {
  readonly find: (issuer: Issuer, kid: string | undefined, algorithm: TokenAlgorithm) => Promise<FoundKey>
  /** Grows when the issuer's keys change; null while there are none that may serve. */
  readonly versionOf: (issuer: Issuer) => number | null
}

type Entry = {
  text: string
  keys: readonly PublicKey[]
  version: number
  /** When keys were last had, and last asked for; null: never. Monotonic. */
  fetchedMs: number | null
  triedMs: number | null
  pending: Promise<void> | null
}

/** Makes an empty cache. */
export function createKeyCache({ clock, loadKeys, onProblem }: KeyCacheDeps): KeyCache {
  const entries = new Map<string, Entry>()

  const entryOf = ({ keys }: Issuer): Entry => {
    const source = keys.kind === 'url' ? keys.url : `file ${keys.path}`
    const known = entries.get(source)
    if (known !== undefined) return known
    const made = { text: '', keys: [], version: 0, fetchedMs: null, triedMs: null, pending: null }
    entries.set(source, made)
    return made
  }

  const ageMs = (entry: Entry): number =>
    entry.fetchedMs === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() - entry.fetchedMs
  const mayServe = (issuer: Issuer, entry: Entry): boolean =>
    ageMs(entry) <= issuer.keysStaleHours * 3_600_000

  async function load(issuer: Issuer, entry: Entry): Promise<void> {
    try {
      const text = await loadKeys(issuer)
      const keys = parseKeySet(text)
      if (keys === null) throw new Error('its answer is no JWKS with a key of use')
      if (text !== entry.text) entry.version += 1
      entry.text = text
      entry.keys = keys
      entry.fetchedMs = clock.monotonicMs()
    } catch (error) {
      onProblem(issuer.id, error instanceof Error ? error.message : 'unknown')
    } finally {
      entry.pending = null
    }
  }

  /** Fetches unless somebody just did; a fetch under way is joined. Never rejects. */
  function refresh(issuer: Issuer, entry: Entry): Promise<void> {
    if (entry.pending !== null) return entry.pending
    const nowMs = clock.monotonicMs()
    if (entry.triedMs !== null && nowMs - entry.triedMs < paceOf(issuer).cooldownMs) return Promise.resolve()
    entry.triedMs = nowMs
    entry.pending = load(issuer, entry)
    return entry.pending
  }

  return {
    versionOf: (issuer) => {
      const entry = entryOf(issuer)
      if (ageMs(entry) > paceOf(issuer).refreshMs) void refresh(issuer, entry)
      return mayServe(issuer, entry) ? entry.version : null
    },
    find: async (issuer, kid, algorithm) => {
      const entry = entryOf(issuer)
      if (!mayServe(issuer, entry)) await refresh(issuer, entry)
      else if (ageMs(entry) > paceOf(issuer).refreshMs) void refresh(issuer, entry)
      if (!mayServe(issuer, entry)) return { kind: 'unavailable' }
      let key = pickKey(entry.keys, kid, algorithm)
      if (key === null) {
        await refresh(issuer, entry)
        key = pickKey(entry.keys, kid, algorithm)
      }
      return key === null ? { kind: 'unknown' } : { kind: 'found', key, version: entry.version }
    },
  }
}
