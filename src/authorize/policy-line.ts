// One line of `policies/policy.csv`, read more strictly than Casbin reads it: what Casbin drops in silence (unknown
// line types, misspelled effects, missing columns) or takes too widely (patterns) ends in `fail` here.
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

/** What a line says: its columns without blanks, and the rule or the link they make. */
export type PolicyLine =
  | { readonly kind: 'rule'; readonly key: string; readonly rule: PolicyRule }
  | { readonly kind: 'link'; readonly key: string; readonly link: RoleLink }

/** Reads a line that is neither empty nor a comment. Lines with the same `key` say the same. */
export function readPolicyLine(content: string, line: number, fail: Fail): PolicyLine {
  const cells = splitCells(content, fail)
  const key = cells.join()
  if (cells[0] === 'p') return { kind: 'rule', key, rule: readRule(cells, line, fail) }
  if (cells[0] === 'g') return { kind: 'link', key, link: readLink(cells, line, fail) }
  return fail(`a line begins with \`p\` (a rule) or \`g\` (a role includes another), not \`${cells[0]}\``)
}

function splitCells(content: string, fail: Fail): string[] {
  if (content.includes('eval(')) fail('`eval(` is not allowed: a policy is data, not code')
  if (/["'#\\]/.test(content)) fail('quotes, `\\` and `#` are not allowed; a comment needs a line of its own')
  const cells = content.split(',').map((cell) => cell.trim())
  if (cells.includes('')) fail('a column is empty; write `*` where everything is meant')
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
