// Who has which role where: the role links of policy.csv and the grants of the directory, as Casbin needs them.
import type { RoleLink } from './policy-file.ts'

/** `caller` has `role` in `team`, names as in directory.yaml, without `caller:` or `role:`. */
export type Grant = { readonly caller: string; readonly role: string; readonly team: string }

/** The subject of a caller's requests: itself, or what its roles are granted to when nobody can list it. */
export function subjectOf({ id, policyName }: { readonly id: string; readonly policyName?: string }): string {
  return `caller:${policyName ?? id}`
}

/** A role row as Casbin holds it: caller or role, role, team. */
export type RoleRow = readonly [sub: string, role: string, dom: string]

/** The team of requests from a team nobody knows. No real team can be called so. */
export const unknownTeam = '?'

/**
 * Every role row, with the links of all teams (`*`) written out for each team, because Casbin keeps the
 * roles of each team apart. `unknownTeam` gets them too.
 */
export function expandRoles(
  links: readonly RoleLink[],
  grants: readonly Grant[],
  teams: ReadonlySet<string>,
): readonly RoleRow[] {
  const rows: RoleRow[] = grants.map(({ caller, role, team }) => [`caller:${caller}`, `role:${role}`, team])
  for (const { sub, role, dom } of links) {
    const doms = dom === '*' ? [...teams, unknownTeam] : [dom]
    for (const each of doms) rows.push([sub, role, each])
  }
  return rows
}

/** (subject, team) -> the subject itself and every role it reaches there. Known subjects are remembered. */
export function createClosure(rows: readonly RoleRow[]): (sub: string, dom: string) => ReadonlySet<string> {
  const direct = new Map<string, string[]>()
  for (const [sub, role, dom] of rows) {
    const key = `${dom}\n${sub}`
    const roles = direct.get(key)
    if (roles === undefined) direct.set(key, [role])
    else roles.push(role)
  }
  const known = new Map<string, ReadonlySet<string>>()

  return (sub, dom) => {
    const key = `${dom}\n${sub}`
    const remembered = known.get(key)
    if (remembered !== undefined) return remembered
    const reached = new Set([sub])
    // A Set hands out what is added while it is walked: this visits every role once, circles included.
    for (const each of reached) for (const role of direct.get(`${dom}\n${each}`) ?? []) reached.add(role)
    // Subjects without roles are not remembered, so made-up ones cannot fill the memory.
    if (direct.has(key)) known.set(key, reached)
    return reached
  }
}
