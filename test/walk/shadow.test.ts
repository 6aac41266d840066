// A policy that is not decided yet, beside the one in force: it is heard, it is counted, and it decides nothing.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'

let house: TestHouse
let viewer: string
const candidate = (name: string) => join(house.policiesDir, 'candidate', name)
const livePolicy = () => readFileSync(join(house.policiesDir, 'policy.csv'), 'utf8')

beforeAll(async () => {
  house = await openTestHouse()
  viewer = addCaller(house, 'looker', 'platform', 'viewer')
  await house.refreshPolicies()
  mkdirSync(candidate(''))
})
afterAll(() => house.destroy())

async function propose(...rules: readonly string[]): Promise<void> {
  writeFileSync(candidate('policy.csv'), `${livePolicy()}${rules.join('\n')}\n`)
  await house.refreshPolicies()
}

const createAgent = (apiKey?: string) =>
  house.client(apiKey === undefined ? {} : { apiKey }).beta.agents.create({
    name: 'a',
    model: 'claude-sonnet-5-5',
  })

async function metric(name: string): Promise<string | undefined> {
  const text = await (await house.admin('/metrics')).text()
  return text
    .split('\n')
    .find((line) => line.startsWith(name))
    ?.split(' ')
    .at(-1)
}

async function shadows(): Promise<readonly string[]> {
  await house.writer.flush()
  const rows = await house.ledger.query<{ shadow: string }>(
    "SELECT shadow FROM tollgate.exchanges FINAL WHERE shadow != '' ORDER BY exchange_id",
  )
  return rows.map(({ shadow }) => shadow)
}

async function tollgate(...args: readonly string[]) {
  const said = { out: '', err: '' }
  const code = await runTollgate([...args, '--url', house.adminUrl], {
    env: { TOLLGATE_KEY: house.key, TOLLGATE_POLICIES_DIR: house.policiesDir },
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
    readFile: (path) => readFileSync(path, 'utf8'),
    untilStopped: async () => {},
  })
  return { code, ...said }
}

test('without a candidate nothing is said', async () => {
  expect((await createAgent()).id).toMatch(/^agent_/)
  expect(await shadows()).toEqual([])
})

test('a candidate that denies more, or allows more, is counted and recorded, and changes no answer', async () => {
  await propose(
    'p, *, platform, agent.create, agent/*, deny',
    'p, role:viewer, platform, vault.create, vault/*, allow',
  )
  expect(house.policies.candidateProblem()).toBeNull()
  expect((await createAgent()).id).toMatch(/^agent_/)
  await expect(
    house.client({ apiKey: viewer }).beta.vaults.create({ display_name: 'v' }),
  ).rejects.toMatchObject({ status: 403 })
  // Both say no, each for its own reason.
  await expect(createAgent(viewer)).rejects.toMatchObject({ status: 403 })

  const lines = readFileSync(candidate('policy.csv'), 'utf8').trimEnd().split('\n').length
  expect(await shadows()).toEqual([
    `would_deny: policy.csv:${lines - 1} agent.create`,
    `would_allow: policy.csv:${lines} vault.create`,
  ])
  const count = (direction: string) => metric(`tollgate_shadow_disagreements_total{direction="${direction}"}`)
  expect([await count('would_deny'), await count('would_allow')]).toEqual(['1', '1'])
})

test('`tollgate policy shadow` prints what differed, and refuses whoever may not read it', async () => {
  const { code, out, err } = await tollgate('policy', 'shadow', '--since', '7d')
  expect(code).toBe(0)
  expect(out).toMatch(/^1 × agents\.create by first-admin \(platform\): would_deny: policy\.csv:\d+ /m)
  expect(out).toMatch(/^1 × vaults\.create by looker \(platform\): would_allow: /m)
  expect(err).toMatch(/^2 disagreements in 4 decisions since /)
  expect((await house.admin('/api/v1/policy/shadow', viewer)).status).toBe(403)
  expect((await house.admin('/api/v1/policy/shadow?days=0')).status).toBe(400)
})

test('`tollgate policy replay` judges what was recorded by the candidate, also what happened before it', async () => {
  const { code, out, err } = await tollgate('policy', 'replay', '--since', '7d')
  expect({ code, err }).toEqual({
    code: 0,
    err: expect.stringMatching(/^3 of 4 decisions since .* would change\n$/),
  })
  expect(out).toMatch(/^2 × agents\.create by first-admin \(platform\) would be denied: policy\.csv:\d+: /m)
  expect(out).toMatch(/^1 × vaults\.create by looker \(platform\) would be allowed: policy\.csv:\d+$/m)
})

test('`tollgate policy replay` judges by a preset too, with the directory and the model in force', async () => {
  const preset = join(house.policiesDir, 'presets', 'strict')
  const { code, out, err } = await tollgate('policy', 'replay', '--since', '7d', '--candidate', preset)
  expect({ code, err }).toEqual({
    code: 0,
    err: expect.stringMatching(/ of 4 decisions since .* would change\n$/),
  })
  expect(out).not.toContain('vaults.create')
  // Not a folder without rules, though: that would be those in force, judged by themselves.
  const empty = join(house.folder, 'empty')
  mkdirSync(empty)
  const refused = await tollgate('policy', 'replay', '--since', '7d', '--candidate', empty)
  expect(refused.code).not.toBe(0)
  expect(refused.err).toContain('policy.csv')
})

test('`tollgate policy diff --since` judges what was recorded by both folders', async () => {
  const both = [house.policiesDir, join(house.policiesDir, 'candidate')]
  const { code, out } = await tollgate('policy', 'diff', ...both, '--since', '7d', '--exit-code')
  expect(code).toBe(1)
  expect(out).toMatch(/^of 4 decisions recorded since .*, 3 would come out otherwise$/m)
  expect(out).toMatch(
    /^ {2}2 × agents\.create by first-admin \(platform\) would be denied: policy\.csv:\d+: /m,
  )
  const back = await tollgate('policy', 'diff', ...both.toReversed(), '--since', '7d', '--json')
  expect(JSON.parse(back.out)).toMatchObject({ recorded: { changed: 3, same: 1, skipped: 0 } })
  const same = await tollgate('policy', 'diff', house.policiesDir, house.policiesDir, '--since', '7d')
  expect(same.out).toMatch(/, 0 would come out otherwise$/m)
})

test('a broken candidate is told like a broken policy, and never turns readiness red', async () => {
  await propose('p, role:nobody')
  expect(house.policies.candidateProblem()).toMatch(/^candidate\/policy\.csv:\d+: /)
  expect(house.policies.candidate()).toBeNull()
  expect((await fetch(`${house.adminUrl}/ready`)).status).toBe(200)
  expect(await metric('tollgate_policies_candidate_invalid')).toBe('1')
  expect(await metric('tollgate_policies_invalid')).toBe('0')
  expect((await createAgent()).id).toMatch(/^agent_/)
  expect(await shadows()).toHaveLength(2)
})

test('a candidate that is taken away is asked no more', async () => {
  rmSync(candidate(''), { recursive: true })
  await house.refreshPolicies()
  expect([house.policies.candidate(), house.policies.candidateProblem()]).toEqual([null, null])
  expect(await metric('tollgate_policies_candidate_invalid')).toBe('0')
})
