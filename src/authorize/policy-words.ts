// What may stand in each column of a rule. A word that could never match is refused: a deny rule with a typo
// would look like protection and be none.
import { actionGroups, groupOf, objectKindOf, objectKinds } from './vocabulary.ts'

/** Ends the reading of one line with the reason. */
export type Fail = (reason: string) => never

/** `role:developer` */
export const rolePattern = /^role:[a-z0-9][a-z0-9._-]{0,63}$/
/** `*`, or a team's name. */
export const domainPattern = /^(?:\*|[a-z0-9][a-z0-9._-]{0,63})$/

const subjectPattern = /^(?:\*|(?:role|caller):[a-z0-9][a-z0-9._-]{0,63})$/

type Words = { readonly sub: string; readonly dom: string; readonly act: string; readonly obj: string }

/** Checks the four words of a `p` line; ends in `fail` when one of them cannot mean anything. */
export function checkRuleWords({ sub, dom, act, obj }: Words, fail: Fail): void {
  if (!subjectPattern.test(sub)) fail(`\`${sub}\` is no subject; write \`role:name\`, \`caller:id\` or \`*\``)
  if (!domainPattern.test(dom)) fail(`\`${dom}\` is no team name; write \`*\` for all teams`)
  checkAction(act, fail)
  checkObject(obj, act, fail)
}

function checkAction(act: string, fail: Fail): void {
  if (act === '*' || objectKindOf.has(act)) return
  const group = groupOf(act)
  if (act === `${group}.*` && actionGroups.has(group)) return
  if (/^\/|^(?:GET|POST|DELETE|PUT)$/.test(act)) fail(`\`${act}\` is a path or a method; rules name actions`)
  const near = [...objectKindOf.keys()].filter((known) => groupOf(known) === group)
  const known = near.length > 0 ? near.join(', ') : `${[...actionGroups].join('.*, ')}.*`
  fail(`\`${act}\` is no action Tollgate asks about; known here: ${known}`)
}

function checkObject(obj: string, act: string, fail: Fail): void {
  if (obj === '*') return
  if (obj.slice(0, -1).includes('*')) fail(`\`${obj}\`: a \`*\` stands only at the end`)
  if (/[()[\]{}^$|<>;]/.test(obj))
    fail(`\`${obj}\` is not a pattern Tollgate knows; only a final \`*\` is one`)
  // The two switches of networking are asked with a colon; anywhere else it is another tool's placeholder.
  if (/\/:[A-Za-z_]/.test(obj) && !obj.startsWith('host/:')) {
    fail(`\`${obj}\`: \`:name\` stands for nothing here; write a final \`*\` for any rest`)
  }
  const kind = obj.slice(0, obj.indexOf('/'))
  if (!obj.includes('/') || !objectKinds.has(kind)) {
    fail(
      `\`${obj}\` is no object; write \`kind/id\`, \`kind/*\` or \`*\`, kinds: ${[...objectKinds].join(', ')}`,
    )
  }
  if (obj.endsWith('/')) fail(`\`${obj}\` names nothing; write \`${obj}*\` for all of them`)
  const asked = objectKindOf.get(act)
  if (asked !== undefined && asked !== kind) {
    fail(`\`${act}\` is asked on \`${asked}/…\`, so a rule on \`${obj}\` would never match`)
  }
}
