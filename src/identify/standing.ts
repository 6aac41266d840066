// Who a caller is to a directory, told by name alone: listed by hand, or made by a rule for tokens or certificates. For
// second opinions, replays and explanations, which have no credential to look at.
import { type CallerRule, policyNameOf } from './caller-rules.ts'
import type { Directory } from './directory.ts'
import { claimsInTemplate, literalStart } from './tokens/caller-template.ts'

/** How policy knows a caller: `sub` is its subject, in a team. */
export type Standing = {
  readonly sub: string
  readonly team: string
  readonly roles: readonly string[]
  /** Where it is written, for people: `directory.yaml`, or the rule that makes it. */
  readonly from: string
}

/** A rule of an issuer or a trust domain that makes callers nobody lists. */
export type UnlistedRule = Pick<CallerRule, 'caller' | 'team' | 'roles'> & {
  /** The issuer's or trust domain's id; audit keeps it as the key id of what it lets in. */
  readonly sourceId: string
}

/** Every rule that makes callers, in the order of the file. */
export function unlistedRulesOf({ issuers, workloads }: Directory): readonly UnlistedRule[] {
  return [...issuers.values(), ...workloads.domains.values()].flatMap(({ id, rules }) =>
    rules.map(({ caller, team, roles }) => ({ sourceId: id, caller, team, roles })),
  )
}

/** What is recorded of a caller. `keyId` is a key's, or the id of the issuer or trust domain; '' when not known. */
export type NamedCaller = { readonly id: string; readonly team: string; readonly keyId: string }

/**
 * The caller's standing; null when nobody of that name could come, or when several rules could make the name and give it
 * different roles: which of them did, only its credential says.
 */
export function standingIn(directory: Directory, { id, team, keyId }: NamedCaller): Standing | null {
  const listed = directory.callers.get(id)
  if (listed !== undefined) {
    return { sub: `caller:${id}`, team: listed.team.name, roles: listed.roles, from: 'directory.yaml' }
  }
  const making = unlistedRulesOf(directory).filter((rule) => couldMake(rule.caller, id))
  const ofSource = making.filter(({ sourceId }) => sourceId === keyId)
  const fitting = ofSource.length > 0 ? ofSource : making
  const ofTeam = fitting.filter((rule) => rule.team === team)
  const candidates = ofTeam.length > 0 ? ofTeam : fitting
  const standings = new Map(candidates.map((rule) => [`${rule.team} ${policyNameOf(rule.roles)}`, rule]))
  const [rule, ...others] = standings.values()
  return rule === undefined || others.length > 0 ? null : standingOfRule(rule)
}

/** The standing of whoever this rule lets in. */
export function standingOfRule({ sourceId, caller, team, roles }: UnlistedRule): Standing {
  return { sub: `caller:${policyNameOf(roles)}`, team, roles, from: `${sourceId}: ${caller}` }
}

/** Whether the template could have made this name: its fixed beginning and end are there, with something between. */
function couldMake(template: string, id: string): boolean {
  if (claimsInTemplate(template).length === 0) return template === id
  const start = literalStart(template)
  const end = template.slice(template.lastIndexOf('}') + 1)
  return id.length > start.length + end.length && id.startsWith(start) && id.endsWith(end)
}
