// Random policies with random requests, and Casbin as it comes to judge them: what our engine must agree with.
import { readFileSync } from 'node:fs'
import { newEnforcer, newModelFromString } from 'casbin'
import fc from 'fast-check'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'

/** The model as shipped. */
export const shippedModel = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8')

/** The shipped model with one more condition. */
export const narrowModel = (condition: string): string =>
  shippedModel.replace('m = (p.dom', `m = ${condition} && (p.dom`)

const team = fc.constantFrom('t1', 't2', '*')
const role = fc.constantFrom('role:a', 'role:b', 'role:c', 'role:d')
const subject = fc.oneof({ arbitrary: role, weight: 6 }, fc.constantFrom('*', 'caller:u0', 'caller:u1'))
const word = fc.constantFrom(
  ['session.read', 'session/'],
  ['session.create', 'session/'],
  ['session.*', 'session/'],
  ['session_resource.read', 'session_resource/'],
  ['event.send', 'event/'],
  ['*', 'session/'],
  ['*', ''],
) satisfies fc.Arbitrary<string[]>
const rest = fc.constantFrom('*', 'a*', 'ab*', 'a', 'ab', 'abc')
const rule = fc
  .record({ subject, team, word, rest, eft: fc.constantFrom('allow', 'allow', 'allow', 'allow', 'deny') })
  .map(({ subject, team, word: [act, kind], rest, eft }) => {
    const obj = kind === '' ? '*' : `${kind}${rest}`
    return `p, ${subject}, ${team}, ${act}, ${obj}, ${eft}`
  })
// Later roles only include earlier ones, so there are no circles.
const link = fc
  .tuple(fc.constantFrom([1, 0], [2, 1], [3, 1], [3, 2], [2, 0]), team)
  .map(([[from = 0, to = 0], dom]) => `g, role:${'abcd'[from]}, role:${'abcd'[to]}, ${dom}`)
const grant = fc.record({
  caller: fc.constantFrom('u0', 'u1', 'u2'),
  role: fc.constantFrom('a', 'b', 'c', 'd'),
  team: fc.constantFrom('t1', 't2'),
})
const request = fc
  .tuple(
    fc.constantFrom(
      'caller:u0',
      'caller:u0',
      'caller:u1',
      'caller:u1',
      'caller:u2',
      'caller:ghost',
      'role:b',
    ),
    fc.constantFrom('t1', 't1', 't2', 't2', 'nowhere', '*'),
    fc.constantFrom(
      ['session.read', 'session/'],
      ['session.create', 'session/'],
      ['session_resource.read', 'session_resource/'],
      ['event.send', 'event/'],
    ),
    fc.constantFrom('*', 'a', 'ab', 'abc', 'abcd', 'x', 'a\nb', ''),
  )
  .map(([sub, dom, [act = '', kind = ''], tail]) => [sub, dom, act, `${kind}${tail}`] as const)
const modelText = fc.constantFrom(
  shippedModel,
  shippedModel,
  narrowModel('r.act != "session.create"'),
  narrowModel('r.obj != "session/ab"'),
  narrowModel('p.obj != "session/a*"'),
)

/** One policy with twenty requests to it. */
export const policyPairs = fc.record({
  modelText,
  rules: fc.uniqueArray(rule, { minLength: 1, maxLength: 40 }),
  links: fc.uniqueArray(link, { maxLength: 5 }),
  grants: fc.uniqueArray(grant, { minLength: 3, maxLength: 6, selector: (each) => JSON.stringify(each) }),
  requests: fc.array(request, { minLength: 20, maxLength: 20 }),
})

export type PolicyPairs = typeof policyPairs extends fc.Arbitrary<infer Pairs> ? Pairs : never

/** Casbin as it comes: every rule, its own functions' place taken by plain ones, teams matched by itself. */
export async function plainCasbin(
  model: string,
  rules: readonly (readonly string[])[],
  roles: readonly (readonly string[])[],
) {
  const enforcer = await newEnforcer(newModelFromString(model))
  const matches = (text: string, pattern: string) =>
    pattern === text || (pattern.at(-1) === '*' && text.indexOf(pattern.slice(0, -1)) === 0)
  await enforcer.addFunction('matchesAction', matches)
  await enforcer.addFunction('matchesObject', matches)
  await enforcer.addNamedDomainMatchingFunc('g', (dom: string, of: string) => of === '*' || of === dom)
  await enforcer.addPolicies(rules.map((row) => [...row]))
  if (roles.length > 0) await enforcer.addGroupingPolicies(roles.map((row) => [...row]))
  return enforcer
}

export type PairAnswers = {
  readonly request: readonly string[]
  /** What plain Casbin says, and by which line. */
  readonly expected: { readonly allowed: boolean; readonly rule: string }
  /** What the snapshot says, asked twice: the second answer comes from the memory of decisions. */
  readonly answers: readonly { readonly allowed: boolean; readonly rule: string }[]
}

/** Both judges on every request of one policy. */
export async function answerPairs(pairs: PolicyPairs): Promise<readonly PairAnswers[]> {
  const { modelText, rules, links, grants, requests } = pairs
  const policyText = [...rules, ...links].join('\n')
  const policy = parsePolicy(policyText, 'policy.csv')
  const teams = new Set(['t1', 't2'])
  const snapshot = await createSnapshot({ modelText, policyText, policy, grants, teams })
  const rows = policy.rules.map(({ sub, dom, act, obj, eft }) => [sub, dom, act, obj, eft])
  const plain = await plainCasbin(modelText, rows, [
    ...grants.map(({ caller, role, team }) => [`caller:${caller}`, `role:${role}`, team]),
    ...policy.links.map(({ sub, role, dom }) => [sub, role, dom]),
  ])
  return requests.map((request) => {
    const [allowed, reason] = plain.enforceExSync(...request)
    const at = rows.findIndex((row) => row.join() === reason.join())
    const expected = { allowed, rule: at === -1 ? '' : `policy.csv:${policy.rules[at]?.line}` }
    return { request, expected, answers: [snapshot.decide(...request), snapshot.decide(...request)] }
  })
}
