// A comparison of two policies misses nothing: whatever they answer differently is told, and nothing else is.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Change, comparePolicies, type Side } from '../../src/authorize/compare.ts'
import { grantsOf } from '../../src/authorize/load-policies.ts'
import { matchesObject } from '../../src/authorize/pattern.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createClosure, expandRoles } from '../../src/authorize/roles.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'
import { parseDirectory } from '../../src/identify/directory.ts'
import { narrowModel, policyPairs, shippedModel } from '../support/policy-pairs.ts'

const teams = new Set(['t1', 't2'])
const everyRole = new Set(['a', 'b', 'c', 'd'])

/** Caller -> team and roles. */
type Callers = { readonly [id: string]: readonly [team: string, ...roles: string[]] }

async function sideOf(
  policyText: string,
  callers: Callers = { u0: ['t1', 'a'] },
  modelText = shippedModel,
): Promise<Side> {
  const policy = parsePolicy(policyText, 'policy.csv')
  const lines = Object.entries(callers).map(
    ([id, [team, ...roles]]) => `  - { id: ${id}, team: ${team}, roles: [${roles.join(', ')}] }`,
  )
  const names = [...teams].map((team) => `  - { name: ${team}, cost_centre: c }`)
  const text = `teams:\n${names.join('\n')}\ncallers:\n${lines.join('\n')}\n`
  const directory = parseDirectory(text, 'directory.yaml', everyRole)
  const grants = grantsOf(directory)
  return {
    policy,
    modelText,
    directory,
    snapshot: await createSnapshot({ modelText, policyText, policy, grants, teams }),
    closureOf: createClosure(expandRoles(policy.links, grants, teams)),
    unlisted: new Map(),
  }
}

const covers = (change: Change, id: string, action: string, object: string, now: Change['now']): boolean =>
  change.now === now &&
  change.action === action &&
  change.subjects.includes(id) &&
  matchesObject(object, change.object)

const callers = fc.record({
  u0: fc.constantFrom<Callers[string][]>(['t1', 'a'], ['t2', 'b'], ['t1', 'c', 'd']),
  u1: fc.constantFrom<Callers[string][]>(['t1', 'b'], ['t2', 'd']),
})

test('whatever two policies answer differently is among the changes, for every caller and any object', async () => {
  let differing = 0
  const property = fc.asyncProperty(
    policyPairs,
    policyPairs,
    callers,
    callers,
    async (one, other, then, now) => {
      const before = await sideOf([...one.rules, ...one.links].join('\n'), then, one.modelText)
      const after = await sideOf([...other.rules, ...other.links].join('\n'), now, other.modelText)
      const { changes } = comparePolicies(before, after)
      for (const id of ['u0', 'u1'] as const) {
        for (const [, , action, object] of one.requests) {
          const was = before.snapshot.decide(`caller:${id}`, then[id][0], action, object).allowed
          const is = after.snapshot.decide(`caller:${id}`, now[id][0], action, object).allowed
          if (was === is) continue
          differing += 1
          const found = changes.some((each) => covers(each, id, action, object, is ? 'allowed' : 'denied'))
          expect({ id, action, object, found }).toEqual({ id, action, object, found: true })
        }
      }
      // Each change names an object that shows it, where no other rule is more exact.
      for (const { now: verdict, before: was, after: is } of changes) {
        expect([was.allowed, is.allowed]).toEqual([verdict === 'denied', verdict === 'allowed'])
      }
    },
  )
  await fc.assert(property, { numRuns: 60 })
  expect(differing).toBeGreaterThan(100)
})

test('a policy does not differ from itself, nor from one that says the same in other words', async () => {
  const one = await sideOf('p, role:a, *, session.read, session/*, allow')
  const same =
    'p, role:b, *, session.read, session/*, allow\ng, role:a, role:b, *\np, role:b, *, session.read, session/x, allow'
  const other = await sideOf(same)
  expect(comparePolicies(one, one).changes).toEqual([])
  const forCallers = comparePolicies(one, other).changes.filter(({ subjects }) => subjects.includes('u0'))
  expect(forCallers).toEqual([])
})

test('what changes for all of a kind is told once, by both rules; an exception within it by itself', async () => {
  const before = await sideOf(
    'p, role:a, *, session.read, session/*, allow\np, role:a, *, vault.use, vault/x, allow',
  )
  const after = await sideOf(
    'p, role:a, *, vault.use, vault/*, allow\np, role:a, *, vault.use, vault/x, deny',
  )
  const { changes } = comparePolicies(before, after)
  expect(changes.map(({ now, action, object }) => `${now} ${action} ${object}`).sort()).toEqual([
    'allowed vault.use vault/*',
    'denied session.read session/*',
    'denied vault.use vault/x',
  ])
  expect(changes.find(({ object }) => object === 'vault/x')).toMatchObject({
    subjects: ['role:a', 'u0'],
    before: { rule: 'policy.csv:2' },
    after: { rule: 'policy.csv:2' },
  })
})

test('a change in one team is told for that team, and for its callers', async () => {
  const everywhere = 'p, role:a, *, session.read, session/*, allow'
  const before = await sideOf(everywhere, { u0: ['t1', 'a'], u1: ['t2', 'a'] })
  const after = await sideOf(`${everywhere}\np, *, t2, session.read, session/*, deny`, {
    u0: ['t1', 'a'],
    u1: ['t2', 'a'],
  })
  expect(comparePolicies(before, after).changes.map(({ subjects }) => subjects)).toEqual([
    ['role:a in t2', 'u1'],
  ])
})

test('a caller that is gone or new, and a condition of the model, are changes too', async () => {
  const policy = 'p, role:a, *, session.read, session/*, allow'
  const before = await sideOf(policy, { u0: ['t1', 'a'] })
  const gone = comparePolicies(before, await sideOf(policy, { u1: ['t1', 'a'] })).changes
  expect(gone.map(({ now, subjects }) => [now, ...subjects])).toEqual([
    ['denied', 'u0'],
    ['allowed', 'u1'],
  ])
  const narrowed = await sideOf(policy, { u0: ['t1', 'a'] }, narrowModel('r.obj != "session/secret"'))
  expect(comparePolicies(before, narrowed).changes.map(({ object }) => object)).toEqual(['session/secret'])
})
