// Adding to `directory.yaml` as a person would: in place, comments kept, nothing else moved.
import { parseDocument } from 'yaml'
import type { Secret } from '../kernel/secret.ts'
import { parseDirectory } from './directory.ts'
import { hashKey, mintKey } from './virtual-key.ts'

export type NewKey = {
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

/**
 * The text of the directory with one more key. A team that does not exist is made too, with a cost centre to fill in.
 * Throws `PolicyFileError` when the text is not valid before or after, and `Error` when the request does not fit it.
 */
export function addKey(
  text: string,
  file: string,
  wanted: NewKey,
  deps: { readonly pepper: Secret; readonly knownRoles: ReadonlySet<string> },
): EditedDirectory {
  const directory = parseDirectory(text, file, deps.knownRoles)
  const document = parseDocument(text)
  const minted = mintKey()
  const key = {
    id: minted.keyId,
    hash: hashKey(deps.pepper, minted),
    created: isoSeconds(wanted.createdMs),
    expires: isoSeconds(wanted.expiresMs),
  }
  const known = directory.callers.get(wanted.caller)
  if (known !== undefined) {
    if ((wanted.team ?? known.team.name) !== known.team.name) {
      throw new Error(`caller \`${wanted.caller}\` is in team \`${known.team.name}\`, not \`${wanted.team}\``)
    }
    if (wanted.roles.length > 0)
      throw new Error(`caller \`${wanted.caller}\` exists; change its roles in ${file}`)
    document.addIn(['callers', [...directory.callers.keys()].indexOf(wanted.caller), 'keys'], key)
  } else {
    const { caller: id, team, roles } = wanted
    if (team === undefined || roles.length === 0) {
      throw new Error(`caller \`${id}\` is new: name its team and at least one role`)
    }
    if (!directory.teams.has(team)) document.addIn(['teams'], { name: team, cost_centre: 'CC-0000' })
    document.addIn(['callers'], { id, team, roles, keys: [key] })
  }
  const edited = document.toString({ lineWidth: 0 })
  parseDirectory(edited, file, deps.knownRoles)
  return { text: edited, key: minted.text }
}

/** A date as the directory writes it. */
export const isoSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
