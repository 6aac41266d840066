// `policies/policy.csv`, read more strictly than Casbin reads it: what Casbin drops in silence (unknown line
// types, misspelled effects, missing columns) or takes too widely (patterns) is an error with its line here.
// The format stays Casbin's own, so that any Casbin tool can read the file too.
import { PolicyFileError } from '../kernel/errors.ts'
import { checkRuleWords, domainPattern, type Fail, rolePattern } from './policy-words.ts'

/** One `p` line: subject, domain (team), action, object, effect. */
export type PolicyRule = {
  readonly line: number
  /** `role:x`, `caller:x` or `*`. */
  readonly sub: string
  /** A team's name or `*`. */
  readonly dom: string
  readonly act: string
  readonly obj: string
  readonly eft: 'allow' | 'deny'
}

/** One `g` line: whoever has role `sub` also has `role`, in team `dom` or everywhere (`*`). */
export type RoleLink = {
  readonly line: number
  readonly sub: string
  readonly role: string
  readonly dom: string
}

export type Policy = {
  readonly file: string
  readonly rules: readonly PolicyRule[]
  readonly links: readonly RoleLink[]
  /** Role names without `role:`, for the directory to check against. */
  readonly roles: ReadonlySet<string>
}

/** Casbin stops following roles after ten steps without a word; the first step is the caller's own role. */
const roleDepthMax = 9

/** Parses and lints a policy. Throws PolicyFileError at the first line that is not exactly clear. */
export function parsePolicy(text: string, file: string): Policy {
  const rules: PolicyRule[] = []
  const links: RoleLink[] = []
  const firstLines = new Map<string, number>()
  for (const [at, source] of text.split('\n').entries()) {
    const line = at + 1
    const content = source.trim()
    if (content === '' || content.startsWith('#')) continue
    const fail: Fail = (reason) => {
      throw new PolicyFileError(file, line, reason)
    }
    const cells = splitCells(content, fail)
    const same = firstLines.get(cells.join())
    if (same !== undefined) fail(`repeats line ${same}; remove one of them`)
    firstLines.set(cells.join(), line)
    if (cells[0] === 'p') rules.push(readRule(cells, line, fail))
    else if (cells[0] === 'g') links.push(readLink(cells, line, fail))
    else fail(`a line begins with \`p\` (a rule) or \`g\` (a role includes another), not \`${cells[0]}\``)
  }
  if (rules.length === 0) throw new PolicyFileError(file, 0, 'there is no `p` rule: nobody could do anything')
  checkLinks(links, file)
  return { file, rules, links, roles: namesOfRoles(rules, links) }
}

function splitCells(content: string, fail: Fail): string[] {
  if (content.includes('eval(')) fail('`eval(` is not allowed: a policy is data, not code')
  if (/["'#\\]/.test(content)) fail('quotes, `\\` and `#` are not allowed; a comment needs a line of its own')
  const cells = content.split(',').map((cell) => cell.trim())
  if (cells.some((cell) => cell === '')) fail('a column is empty; write `*` where everything is meant')
  const odd = cells.find((cell) => !/^[\x21-\x7e]+$/.test(cell))
  if (odd !== undefined) fail(`\`${odd}\` holds a space or a character outside ASCII`)
  return cells
}

function readRule(cells: readonly string[], line: number, fail: Fail): PolicyRule {
  const [, sub = '', dom = '', act = '', obj = '', eft = ''] = cells
  if (cells.length !== 6) {
    fail(`a rule is \`p, subject, team, action, object, allow or deny\`: 6 columns, not ${cells.length}`)
  }
  checkRuleWords({ sub, dom, act, obj }, fail)
  if (eft !== 'allow' && eft !== 'deny') return fail(`the effect is \`allow\` or \`deny\`, not \`${eft}\``)
  return { line, sub, dom, act, obj, eft }
}

function readLink(cells: readonly string[], line: number, fail: Fail): RoleLink {
  const [, sub = '', role = '', dom = ''] = cells
  if (cells.length !== 4) {
    fail(`a \`g\` line is \`g, role:one, role:included, team or *\`: 4 columns, not ${cells.length}`)
  }
  if (sub.startsWith('caller:')) fail('callers get their roles in directory.yaml, not here')
  if (!rolePattern.test(sub) || !rolePattern.test(role))
    fail('a `g` line joins two roles, `role:one, role:two`')
  if (!domainPattern.test(dom)) fail(`\`${dom}\` is no team name; write \`*\` for all teams`)
  return { line, sub, role, dom }
}

/** Follows every chain of roles; a circle, or a chain longer than Casbin follows, is refused. */
function checkLinks(links: readonly RoleLink[], file: string): void {
  const next = new Map<string, RoleLink[]>()
  for (const link of links) next.set(link.sub, [...(next.get(link.sub) ?? []), link])
  const follow = (role: string, above: readonly string[], line: number): void => {
    if (above.includes(role)) {
      throw new PolicyFileError(file, line, `roles go in a circle: ${[...above, role].join(' -> ')}`)
    }
    if (above.length > roleDepthMax) {
      throw new PolicyFileError(file, line, `roles are nested more than ${roleDepthMax} deep at \`${role}\``)
    }
    for (const link of next.get(role) ?? []) follow(link.role, [...above, role], link.line)
  }
  for (const link of links) follow(link.sub, [], link.line)
}

function namesOfRoles(rules: readonly PolicyRule[], links: readonly RoleLink[]): ReadonlySet<string> {
  const subjects = [...rules.map((rule) => rule.sub), ...links.flatMap((link) => [link.sub, link.role])]
  return new Set(subjects.filter((sub) => sub.startsWith('role:')).map((sub) => sub.slice('role:'.length)))
}
