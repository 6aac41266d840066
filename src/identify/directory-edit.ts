// Changing keys in `directory.yaml` as a person would: in place, comments kept, nothing else moved.
import { type Document, parseDocument } from 'yaml'
import type { Secret } from '../kernel/secret.ts'
import { type Directory, type DirectoryCaller, parseDirectory } from './directory.ts'
import { hashKey, mintKey } from './virtual-key.ts'

/** What a key is limited to; left out: nothing but the policy. */
export type KeyBounds = { readonly cidrs?: readonly string[]; readonly scopes?: readonly string[] }

export type NewKey = KeyBounds & {
  /** A caller that exists gets one more key; another is made, and then `team` and `roles` are needed. */
  readonly caller: string
  readonly team: string | undefined
  readonly roles: readonly string[]
  readonly createdMs: number
  readonly expiresMs: number
}

export type EditedDirectory = {
  readonly text: string
  /** It exists nowhere else: show it once. */
  readonly key: Secret
}

type Deps = { readonly pepper: Secret; readonly knownRoles: ReadonlySet<string> }

/**
 * The text of the directory with one more key. A team that does not exist is made too, with a cost centre to fill in.
 * Throws `PolicyFileError` when the text is not valid before or after, and `Error` when the request does not fit it.
 */
export function addKey(text: string, file: string, wanted: NewKey, deps: Deps): EditedDirectory {
  const directory = parseDirectory(text, file, deps.knownRoles)
  const document = parseDocument(text)
  const { entry, secret } = newEntry(wanted, deps)
  const known = directory.callers.get(wanted.caller)
  if (known !== undefined) {
    if ((wanted.team ?? known.team.name) !== known.team.name) {
      throw new Error(`caller \`${wanted.caller}\` is in team \`${known.team.name}\`, not \`${wanted.team}\``)
    }
    if (wanted.roles.length > 0)
      throw new Error(`caller \`${wanted.caller}\` exists; change its roles in ${file}`)
    document.addIn([...pathOf(directory, known), 'keys'], entry)
  } else {
    const { caller: id, team, roles } = wanted
    if (team === undefined || roles.length === 0) {
      throw new Error(`caller \`${id}\` is new: name its team and at least one role`)
    }
    if (!directory.teams.has(team)) document.addIn(['teams'], { name: team, cost_centre: 'CC-0000' })
    document.addIn(['callers'], { id, team, roles, keys: [entry] })
  }
  return { text: written(document, file, deps), key: secret }
}

/**
 * A new key in the place of another: same caller, same bounds. The old one goes on until `oldUntilMs`, so that what
 * uses it can be changed meanwhile; it never lives longer than it would have. Throws as `addKey`.
 */
export function rotateKey(
  text: string,
  file: string,
  wanted: {
    readonly keyId: string
    readonly createdMs: number
    readonly expiresMs: number
    readonly oldUntilMs: number
  },
  deps: Deps,
): EditedDirectory {
  const directory = parseDirectory(text, file, deps.knownRoles)
  const { key, caller } = findLive(directory, wanted.keyId, wanted.createdMs)
  const document = parseDocument(text)
  const { cidrs, scopes } = key
  const bounds = { ...(cidrs.length > 0 ? { cidrs } : {}), ...(scopes === null ? {} : { scopes }) }
  const { entry, secret } = newEntry({ ...wanted, ...bounds }, deps)
  const keys = [...pathOf(directory, caller), 'keys']
  const until = Math.min(key.expiresMs, Math.max(wanted.oldUntilMs, key.createdMs + 1_000))
  document.setIn([...keys, caller.keys.indexOf(key), 'expires'], isoSeconds(until))
  document.addIn(keys, entry)
  return { text: written(document, file, deps), key: secret }
}

/** The text with the key withdrawn from `atMs` on. Throws as `addKey`, also when the key is withdrawn already. */
export function revokeKey(
  text: string,
  file: string,
  { keyId, atMs }: { readonly keyId: string; readonly atMs: number },
  deps: Pick<Deps, 'knownRoles'>,
): string {
  return setDate(text, file, { keyId, name: 'revoked', atMs, nowMs: atMs }, deps)
}

/** The text with the key ending at `atMs`. Throws as `addKey`. */
export function expireKey(
  text: string,
  file: string,
  { keyId, atMs, nowMs }: { readonly keyId: string; readonly atMs: number; readonly nowMs: number },
  deps: Pick<Deps, 'knownRoles'>,
): string {
  return setDate(text, file, { keyId, name: 'expires', atMs, nowMs }, deps)
}

type KeyDate = {
  readonly keyId: string
  readonly name: 'revoked' | 'expires'
  readonly atMs: number
  readonly nowMs: number
}

function setDate(
  text: string,
  file: string,
  { keyId, name, atMs, nowMs }: KeyDate,
  deps: Pick<Deps, 'knownRoles'>,
): string {
  const directory = parseDirectory(text, file, deps.knownRoles)
  const { key, caller } = findLive(directory, keyId, nowMs)
  const document = parseDocument(text)
  document.setIn([...pathOf(directory, caller), 'keys', caller.keys.indexOf(key), name], isoSeconds(atMs))
  return written(document, file, deps)
}

/** A date as the directory writes it. */
export const isoSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

function findLive(directory: Directory, keyId: string, nowMs: number) {
  const found = directory.keys.get(keyId)
  if (found === undefined) {
    throw new Error(`there is no key \`${keyId}\`; \`tollgate keys list\` shows the ids there are`)
  }
  if (found.key.revokedMs !== null && found.key.revokedMs <= nowMs) {
    throw new Error(`key \`${keyId}\` was revoked on ${isoSeconds(found.key.revokedMs)}; make a new one`)
  }
  return found
}

function newEntry(
  { createdMs, expiresMs, cidrs, scopes }: KeyBounds & Pick<NewKey, 'createdMs' | 'expiresMs'>,
  { pepper }: Deps,
): { readonly entry: object; readonly secret: Secret } {
  const minted = mintKey()
  const entry = {
    id: minted.keyId,
    hash: hashKey(pepper, minted),
    created: isoSeconds(createdMs),
    expires: isoSeconds(expiresMs),
    ...(cidrs === undefined || cidrs.length === 0 ? {} : { cidrs: [...cidrs] }),
    ...(scopes === undefined || scopes.length === 0 ? {} : { scopes: [...scopes] }),
  }
  return { entry, secret: minted.text }
}

function pathOf({ callers }: Directory, { id }: DirectoryCaller): readonly (string | number)[] {
  return ['callers', [...callers.keys()].indexOf(id)]
}

function written(document: Document.Parsed, file: string, deps: Pick<Deps, 'knownRoles'>): string {
  const text = document.toString({ lineWidth: 0 })
  parseDirectory(text, file, deps.knownRoles)
  return text
}
