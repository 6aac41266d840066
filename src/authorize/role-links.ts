// The `g` lines together: roles that include each other must end somewhere, and before Casbin stops following them.
import { PolicyFileError } from '../kernel/errors.ts'
import type { RoleLink } from './policy-line.ts'

/** Casbin stops following roles after ten steps without a word; the first step is the caller's own role. */
const roleDepthMax = 9

/** Throws PolicyFileError at a link that closes a circle or makes a chain longer than Casbin follows. Linear. */
export function checkLinks(links: readonly RoleLink[], file: string): void {
  const into = new Map<string, RoleLink[]>()
  for (const link of links) {
    const same = into.get(link.role)
    if (same === undefined) into.set(link.role, [link])
    else same.push(link)
  }
  const depths = new Map<string, number>()
  /** How many links lie above a role at most; `below` are the links that led here, nearest last. */
  const depthOf = (role: string, below: readonly RoleLink[]): number => {
    const known = depths.get(role)
    if (known !== undefined) return known
    const from = below.findIndex((link) => link.role === role)
    if (from !== -1) throw circle(below.slice(from), file)
    if (below.length > walkMax) throw nested(below[0] ?? { role, line: 0 }, file)
    let depth = 0
    for (const link of into.get(role) ?? []) depth = Math.max(depth, 1 + depthOf(link.sub, [...below, link]))
    depths.set(role, depth)
    return depth
  }
  for (const link of links) {
    if (depthOf(link.role, []) <= roleDepthMax || depthOf(link.sub, []) < roleDepthMax) continue
    throw nested(link, file)
  }
}

/** A chain far too long is not walked to its end. */
const walkMax = 100

function nested({ role, line }: Pick<RoleLink, 'role' | 'line'>, file: string): PolicyFileError {
  return new PolicyFileError(file, line, `roles are nested more than ${roleDepthMax} deep at \`${role}\``)
}

/** The line that was written last closes the circle. */
function circle(links: readonly RoleLink[], file: string): PolicyFileError {
  const roles = [...links.map(({ role }) => role), links[0]?.role ?? ''].reverse()
  const line = Math.max(...links.map((link) => link.line))
  return new PolicyFileError(file, line, `roles go in a circle: ${roles.join(' -> ')}`)
}
