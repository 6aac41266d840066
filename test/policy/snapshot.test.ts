// The index in front of Casbin changes nothing but time, and a snapshot cannot be filled or fooled from outside.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createJudge } from '../../src/authorize/judge.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'
import { answerPairs, shippedModel as modelText, policyPairs } from '../support/policy-pairs.ts'

test('indexed decisions and their reasons are those of plain Casbin over the whole list', async () => {
  let decisions = 0
  let allowances = 0
  const property = fc.asyncProperty(policyPairs, async (pairs) => {
    for (const { request, expected, answers } of await answerPairs(pairs)) {
      for (const answer of answers) expect({ request, ...answer }).toEqual({ request, ...expected })
      decisions += 1
      if (expected.allowed) allowances += 1
    }
  })
  await fc.assert(property, { numRuns: 150 })
  // A test in which nothing is ever allowed would prove nothing.
  expect(decisions).toBeGreaterThanOrEqual(3_000)
  expect(allowances / decisions).toBeGreaterThan(0.05)
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
