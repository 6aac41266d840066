// Who owns an object, and how an object says so itself: the stamp in its metadata.
import { memberOf } from '../../kernel/own-member.ts'

/** The team that pays, and the caller that made it. */
export type TeamOwner = { readonly team: string; readonly caller: string }

/** `unowned`: nobody said whose it is. `public`: the provider's own, everybody's to use. */
export type Owner = TeamOwner | 'unowned' | 'public'

/** Metadata keys of ours. Callers may not write any key that begins so. */
export const reservedPrefix = 'tollgate_'
export const ownerKey = 'tollgate_owner'
export const exchangeKey = 'tollgate_exchange'

/** The pseudo team that owns what nobody stamped, unless `unowned_to` of directory.yaml names a real one. */
export const unownedTeam = 'unowned'

/** The value of `tollgate_owner`. Neither name holds a `/`. */
export function writeStamp({ team, caller }: TeamOwner): string {
  return `${team}/${caller}`
}

const stamp = /^(?<team>[a-z0-9][a-z0-9._-]{0,63})\/(?<caller>.{1,256})$/

/** The owner that an object's metadata names; null when it names none, or nothing that we would write. */
export function readStamp(object: unknown): TeamOwner | null {
  const value = memberOf(memberOf(object, 'metadata'), ownerKey)
  const found = typeof value === 'string' ? stamp.exec(value) : null
  const { team, caller } = found?.groups ?? {}
  return team === undefined || caller === undefined ? null : { team, caller }
}

/** An own member that is a text; undefined for anything else. */
export function textOf(value: unknown, name: string): string | undefined {
  const text = memberOf(value, name)
  return typeof text === 'string' ? text : undefined
}
