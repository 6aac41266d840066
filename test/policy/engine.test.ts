// The engine as a whole: a snapshot proves itself before it decides, and changing it under load is never felt.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createJudge } from '../../src/authorize/judge.ts'
import { findPolicyFaults, parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'
import { createPolicyLoader, openPolicyStore } from '../../src/policies.ts'
import { narrowModel, shippedModel } from '../support/policy-pairs.ts'

let folder: string
const put = (name: string, text: string): void => {
  writeFileSync(join(folder, 'draft'), text)
  renameSync(join(folder, 'draft'), join(folder, name))
}
const directory = (role: string) =>
  `teams: [{ name: t, cost_centre: c }]\ncallers: [{ id: x, team: t, roles: [${role}] }]\n`
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-engine-'))
  put('model.conf', shippedModel)
  put('pins.yaml', '')
  put('directory.yaml', directory('a'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Role a may read these sessions and no others; the rest is there to make loading take many turns. */
const policyOf = (allowed: string, denied: string): string =>
  [
    ...Array.from(
      { length: 1_500 },
      (_, at) => `p, role:other, *, vault.read, vault/${allowed}_${at}, allow`,
    ),
    `p, role:a, *, session.read, session/${allowed}*, allow`,
    `p, role:a, *, session.read, session/${denied}*, deny`,
  ].join('\n')

test('no decision is wrong while the policy changes a hundred times', async () => {
  put('policy.csv', policyOf('odd', 'even'))
  const problems: string[] = []
  const onProblem = (problem: string): void => void problems.push(problem)
  const store = await openPolicyStore({ folder, intervalMs: 3_600_000, onReload: () => {}, onProblem })
  const oddHash = store.current().snapshot.hash
  let isOver = false
  let asked = 0
  let wrong = 0
  const load = async (): Promise<void> => {
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve))
      const { decide, hash } = store.current().snapshot
      const ask = (object: string) => decide('caller:x', 't', 'session.read', `session/${object}_${asked++}`)
      const isOdd = hash === oddHash
      if (ask('odd').allowed !== isOdd || ask('even').allowed === isOdd) wrong += 1
    }
  }
  const underLoad = load()
  for (let at = 0; at < 100; at++) {
    put('policy.csv', at % 2 === 0 ? policyOf('even', 'odd') : policyOf('odd', 'even'))
    await store.refresh()
    expect(store.current().snapshot.hash === oddHash).toBe(at % 2 === 1)
  }
  isOver = true
  await underLoad
  store.close()
  expect(problems).toEqual([])
  // Two questions at each turn of the loop, and a reload takes several turns.
  expect(asked).toBeGreaterThan(1_000)
  expect(wrong).toBe(0)
})

test('a reload that fails keeps the policy that was in force, to the last decision', async () => {
  put('policy.csv', policyOf('odd', 'even'))
  const problems: string[] = []
  const onProblem = (problem: string): void => void problems.push(problem)
  const store = await openPolicyStore({ folder, intervalMs: 3_600_000, onReload: () => {}, onProblem })
  const before = store.current().snapshot
  put('policy.csv', `${policyOf('even', 'odd')}\np, role:a, *, session.read, session/*, denny`)
  await store.refresh()
  expect(problems).toEqual([expect.stringContaining('policy.csv:1503')])
  expect(store.current().snapshot).toBe(before)
  store.close()
})

test('an unchanged directory is held against the roles of the changed policy', async () => {
  const load = createPolicyLoader()
  put('policy.csv', 'p, role:a, *, session.read, session/*, allow')
  const { directory: first } = await load(folder)
  put('policy.csv', 'p, role:a, *, session.read, session/1, allow')
  expect((await load(folder)).directory).toBe(first)
  put('policy.csv', 'p, role:b, *, session.read, session/*, allow')
  await expect(load(folder)).rejects.toThrow('is no role: `a`')
  put('directory.yaml', directory('b'))
  await expect(load(folder)).resolves.toBeDefined()
})

const source = (policyText: string, modelText = shippedModel) => ({
  modelText,
  policyText,
  policy: parsePolicy(policyText, 'policy.csv'),
  grants: [{ caller: 'x', role: 'a', team: 't' }],
  teams: new Set(['t']),
})
const oneRule = 'p, role:a, *, session.read, session/*, allow'

test('a snapshot that would allow without a rule, or allow a stranger, is never finished', async () => {
  const always = async () => () => [true, undefined] as const
  await expect(createSnapshot(source(oneRule), always)).rejects.toThrow('allowed without a rule')
  const whenEmpty: typeof createJudge = async (...parts) => {
    const judge = await createJudge(...parts)
    return (rows, ...question) => (rows.length === 0 ? [true, undefined] : judge(rows, ...question))
  }
  await expect(createSnapshot(source(oneRule), whenEmpty)).rejects.toThrow('a stranger is allowed')
  const openToAll = source('p, *, *, *, *, allow')
  await expect(createSnapshot(openToAll, whenEmpty)).rejects.toThrow('without any rule')
  await expect(createSnapshot(openToAll)).resolves.toBeDefined()
})

test('every fault of a policy is found in one go, each at its line', () => {
  const text = [
    oneRule,
    'P, x',
    oneRule,
    'p, role:a, *, session.red, session/*, deny',
    'g, role:a, role:a, *',
  ]
  expect(findPolicyFaults(text.join('\n'), 'policy.csv').map(({ line }) => line)).toEqual([2, 3, 4, 5])
  expect(findPolicyFaults(oneRule, 'policy.csv')).toEqual([])
})

test('everything of a kind is allowed only by a rule for all of it, without a denial and without a condition', async () => {
  const deny = 'p, role:a, *, session.read, session/secret, deny'
  const allows = async (policyText: string, modelText?: string): Promise<boolean> =>
    (await createSnapshot(source(policyText, modelText))).allowsAll(
      'caller:x',
      't',
      'session.read',
      'session',
    )
  expect(await allows(oneRule)).toBe(true)
  expect(await allows('p, role:a, *, session.read, session/a*, allow')).toBe(false)
  expect(await allows(`${oneRule}\n${deny}`)).toBe(false)
  expect(await allows(`${oneRule}\n${deny.replace('role:a', 'role:b')}`)).toBe(true)
  expect(await allows(oneRule, narrowModel('r.obj != "session/secret"'))).toBe(false)
})
