// The index in front of Casbin changes nothing but time, and a snapshot cannot be filled or fooled from outside.
import { readFileSync } from 'node:fs'
import { newEnforcer, newModelFromString } from 'casbin'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createJudge } from '../../src/authorize/judge.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'

const modelText = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8')

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
const request = fc.tuple(
  fc.constantFrom('caller:u0', 'caller:u0', 'caller:u1', 'caller:u1', 'caller:u2', 'caller:ghost', 'role:b'),
  fc.constantFrom('t1', 't1', 't2', 't2', 'nowhere', '*'),
  fc.constantFrom(
    ['session.read', 'session/'],
    ['session.create', 'session/'],
    ['session_resource.read', 'session_resource/'],
    ['event.send', 'event/'],
  ),
  fc.constantFrom('*', 'a', 'ab', 'abc', 'abcd', 'x', 'a\nb', ''),
)

/** Casbin as it comes: every rule, its own functions' place taken by plain ones, teams matched by itself. */
async function plainCasbin(rules: readonly string[][], roles: readonly string[][]) {
  const enforcer = await newEnforcer(newModelFromString(modelText))
  const matches = (text: string, pattern: string) =>
    pattern === text || (pattern.at(-1) === '*' && text.indexOf(pattern.slice(0, -1)) === 0)
  await enforcer.addFunction('matchesAction', matches)
  await enforcer.addFunction('matchesObject', matches)
  await enforcer.addNamedDomainMatchingFunc('g', (dom: string, of: string) => of === '*' || of === dom)
  await enforcer.addPolicies(rules.map((row) => [...row]))
  if (roles.length > 0) await enforcer.addGroupingPolicies(roles.map((row) => [...row]))
  return enforcer
}

test('indexed decisions and their reasons are those of plain Casbin over the whole list', async () => {
  let decisions = 0
  let allowances = 0
  const property = fc.asyncProperty(
    fc.uniqueArray(rule, { minLength: 1, maxLength: 40 }),
    fc.uniqueArray(link, { maxLength: 5 }),
    fc.uniqueArray(grant, { minLength: 3, maxLength: 6, selector: (each) => JSON.stringify(each) }),
    fc.array(request, { minLength: 20, maxLength: 20 }),
    async (rules, links, grants, requests) => {
      const policyText = [...rules, ...links].join('\n')
      const policy = parsePolicy(policyText, 'policy.csv')
      const teams = new Set(['t1', 't2'])
      const snapshot = await createSnapshot({ modelText, policyText, policy, grants, teams })
      const rows = policy.rules.map(({ sub, dom, act, obj, eft }) => [sub, dom, act, obj, eft])
      const plain = await plainCasbin(rows, [
        ...grants.map(({ caller, role, team }) => [`caller:${caller}`, `role:${role}`, team]),
        ...policy.links.map(({ sub, role, dom }) => [sub, role, dom]),
      ])
      for (const [sub, dom, [act = '', kind], tail] of requests) {
        const [allowed, reason] = plain.enforceExSync(sub, dom, act, `${kind}${tail}`)
        const at = rows.findIndex((row) => row.join() === reason.join())
        const expected = { allowed, rule: at === -1 ? '' : `policy.csv:${policy.rules[at]?.line}` }
        // Twice: the second answer comes from the memory of decisions.
        for (let round = 0; round < 2; round++) {
          expect(snapshot.decide(sub, dom, act, `${kind}${tail}`)).toEqual(expected)
        }
        decisions += 1
        if (allowed) allowances += 1
      }
    },
  )
  await fc.assert(property, { numRuns: 150 })
  // A test in which nothing is ever allowed would prove nothing.
  expect(decisions).toBeGreaterThanOrEqual(3_000)
  expect(allowances / decisions).toBeGreaterThan(0.1)
})

test('an empty list of candidates is a denial, never an allowance without a reason', async () => {
  const judge = await createJudge(modelText, [])
  expect(judge([], '', '', '', '')).toEqual([false, undefined])
  expect(judge([], 'caller:x', 'team', 'session.read', 'session/*')).toEqual([false, undefined])
})

test('Casbin never hears of a team that nobody knows, so strangers cannot fill its memory', async () => {
  const policyText = 'p, role:a, *, *, *, allow\ng, role:a, role:b, *'
  const policy = parsePolicy(policyText, 'policy.csv')
  const grants = [{ caller: 'x', role: 'a', team: 't1' }]
  const heard = new Set<string>()
  const snapshot = await createSnapshot(
    { modelText, policyText, policy, grants, teams: new Set(['t1']) },
    async (...source) => {
      const judge = await createJudge(...source)
      return (candidates, sub, dom, act, obj) => {
        heard.add(dom)
        return judge(candidates, sub, dom, act, obj)
      }
    },
  )
  for (let at = 0; at < 200; at++) {
    expect(snapshot.decide('caller:x', `evil${at}`, 'session.read', 'session/a').allowed).toBe(false)
  }
  expect(snapshot.decide('caller:x', 't1', 'session.read', 'session/a').allowed).toBe(true)
  expect(heard.size).toBe(2)
})

test('the hash changes with the model, the policy and the grants, and with nothing else', async () => {
  const make = async (policyText: string, role: string) => {
    const policy = parsePolicy(policyText, 'policy.csv')
    const grants = [{ caller: 'x', role, team: 't' }]
    return (await createSnapshot({ modelText, policyText, policy, grants, teams: new Set(['t']) })).hash
  }
  const base = await make('p, role:a, *, *, *, allow', 'a')
  expect(await make('p, role:a, *, *, *, allow', 'a')).toBe(base)
  expect(await make('p, role:a, *, *, *, deny', 'a')).not.toBe(base)
  expect(await make('p, role:a, *, *, *, allow', 'b')).not.toBe(base)
})

test('the nearest rules are named: who else may, and what else this caller may', async () => {
  const policyText = 'p, role:a, *, agent.use, agent/one, allow\np, role:b, *, session.read, session/*, allow'
  const policy = parsePolicy(policyText, 'policies/policy.csv')
  const grants = [{ caller: 'x', role: 'a', team: 't' }]
  const snapshot = await createSnapshot({ modelText, policyText, policy, grants, teams: new Set(['t']) })
  expect(snapshot.nearest('caller:x', 't', 'session.read', 'session/s')).toBe('policy.csv:2 for role:b')
  expect(snapshot.nearest('caller:x', 't', 'agent.use', 'agent/two')).toBe('policy.csv:1 on agent/one')
  expect(snapshot.nearest('caller:x', 't', 'vault.use', 'vault/v')).toBe('')
})
