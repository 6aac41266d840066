// The whole way through a real gateway and simulator: who made a version, who may approve it, and a canary gone wrong.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { createCanaryWatch } from '../../src/pin/canary-watch.ts'
import { addCaller, shareEverything } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

let house: TestHouse
let ada: string
let bob: string
const betas: [] = []

beforeEach(async () => {
  house = await openTestHouse()
  shareEverything(house)
  ada = addCaller(house, 'ada', 'red', 'admin')
  bob = addCaller(house, 'bob', 'red', 'admin')
  await house.refreshPolicies()
  expect(house.policies.problem()).toBeNull()
})
afterEach(() => house.destroy())

const pinsText = () => readFileSync(join(house.policiesDir, 'pins.yaml'), 'utf8')

async function pins(key: string, ...args: readonly string[]) {
  const said = { out: '', err: '' }
  const code = await runTollgate(['pins', ...args], {
    env: { TOLLGATE_POLICIES_DIR: house.policiesDir, TOLLGATE_ADMIN_URL: house.adminUrl, TOLLGATE_KEY: key },
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
    readFile: (path) => readFileSync(path, 'utf8'),
    untilStopped: () => Promise.resolve(),
  })
  return { code, ...said }
}

async function makeTwoVersions() {
  const client = house.client({ apiKey: ada })
  const agent = await client.beta.agents.create({
    ...{ name: 'helper', model: 'claude-sonnet-5-5', system: 'be kind', betas },
    tools: [
      { type: 'agent_toolset_20260401', default_config: { permission_policy: { type: 'always_ask' } } },
    ],
  })
  await client.beta.agents.update(agent.id, {
    ...{ version: 1, system: 'be quick', betas },
    tools: [{ type: 'agent_toolset_20260401' }],
  })
  await house.writer.flush()
  return { client, agent }
}

test('a version is approved by its content, by somebody who did not make it', async () => {
  const { agent } = await makeTwoVersions()
  const approve = ['approve', agent.id, '2', '--ticket', 'SEC-12', '--by']
  expect(await pins(ada, ...approve, 'carol')).toMatchObject({
    code: 3,
    err: expect.stringContaining('whose key this is'),
  })
  expect(await pins(bob, ...approve, 'ada')).toMatchObject({
    code: 3,
    err: expect.stringContaining('`ada` made this'),
  })
  expect(pinsText()).not.toContain(agent.id)

  const done = await pins(bob, ...approve, 'bob', '--expires', '2099-01-01')
  expect(done).toMatchObject({ code: 0, out: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) })
  expect(pinsText()).toContain(`config: ${done.out.trim()}, by: bob, ticket: SEC-12`)
  expect(pinsText()).toContain('# made by ada (red)')
  await house.refreshPolicies()
  expect((await pins(bob, 'list')).out).toContain('approved')
  expect((await pins(bob, 'status')).code).toBe(0)

  const change = `+ approval ${agent.id} 2 (${done.out.trim()}, by bob, SEC-12`
  await until(
    async () => {
      await house.writer.flush()
      const rows = await house.ledger.query<{ diff: string }>('SELECT diff FROM tollgate.policy_changes')
      return rows.map(({ diff }) => diff).join('\n')
    },
    (diffs) => diffs.includes(change),
  )
})

test('a version that nobody saw being made needs a word that is written down', async () => {
  const created = await fetch(`${house.simulator.url}/v1/agents`, {
    method: 'POST',
    headers: {
      ...{ 'x-api-key': house.simulator.apiKey, 'anthropic-version': '2026-10-21' },
      ...{ 'anthropic-beta': 'managed-agents-2026-04-01', 'content-type': 'application/json' },
    },
    body: JSON.stringify({ name: 'elsewhere', model: 'claude-sonnet-5-5' }),
  })
  const { id } = z.object({ id: z.string() }).parse(await created.json())
  const approve = ['approve', id, '1', '--by', 'bob', '--ticket', 'SEC-13']
  expect(await pins(bob, ...approve)).toMatchObject({
    code: 3,
    err: expect.stringContaining('--i-did-not-make-it'),
  })
  expect(await pins(bob, ...approve, '--i-did-not-make-it')).toMatchObject({ code: 0 })
  expect(pinsText()).toContain('# nobody saw who made it; bob says: not me')

  writeFileSync(join(house.policiesDir, 'pins.yaml'), 'four_eyes: strict\n')
  await house.refreshPolicies()
  expect(house.policies.problem()).toBeNull()
  expect(await pins(bob, ...approve, '--i-did-not-make-it')).toMatchObject({ code: 3 })
})

test('the difference of two versions says what widens', async () => {
  const { agent } = await makeTwoVersions()
  const { out, err } = await pins(bob, 'diff', agent.id, '1', '2')
  expect(out).toContain('~ tool bash: always_ask -> always_allow  [widens]')
  expect(out).toContain('- system prompt: be kind\n+ system prompt: be quick')
  expect(err).toContain('widening what the agent may do: 8')
  expect((await pins(bob, 'diff', agent.id, '1', '9')).err).toContain('no version 9')
})

test('a canary that fails where stable does not is held, by every gateway and after a restart, until released', async () => {
  const { client, agent } = await makeTwoVersions()
  const environment = await client.beta.environments.create({ name: 'e', betas })
  await pins(bob, 'canary', agent.id, '2', '--percent', '50', '--stable', '1')
  writeFileSync(
    join(house.policiesDir, 'pins.yaml'),
    pinsText().replace(/^( *)percent: 50$/m, '$&\n$1bounds: { sessions: 2, window: 24h, error_rate: 0.2 }'),
  )
  await house.refreshPolicies()
  expect(house.policies.problem()).toBeNull()
  const play = async (channel: 'stable' | 'canary', scenario: string) => {
    const session = await client.beta.sessions.create({
      ...{ agent: agent.id, environment_id: environment.id, betas },
      metadata: { tollgate_channel: channel, simulator_scenario: scenario },
    })
    const stream = await client.beta.sessions.events.stream(session.id, { betas })
    await client.beta.sessions.events.send(session.id, {
      betas,
      events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
    })
    for await (const event of stream) {
      if (event.type === 'session.status_idle' || event.type === 'session.status_terminated') break
      if (event.type === 'span.model_request_end' && event.is_error === true) break
    }
    return session.agent.version
  }
  for (const at of [1, 2]) {
    expect([at, await play('stable', 'default')]).toEqual([at, 1])
    expect([at, await play('canary', 'crash_and_reschedule')]).toEqual([at, 2])
  }
  await house.writer.flush()

  const held: string[] = []
  const watch = createCanaryWatch({
    pins: () => house.policies.current().pins,
    ledger: house.ledger,
    clock: { nowMs: () => Date.now() },
    onHeld: (_id, { reasons }) => void held.push(...reasons),
    onProblem: (error) => {
      throw error
    },
  })
  expect(watch.isHeld(agent.id)).toBe(true)
  await watch.look()
  expect(held).toEqual(['error rate 100% where stable has 0%; the bound is 20% more'])
  expect([watch.isHeld(agent.id), watch.countHeld()]).toEqual([true, 1])

  house = await house.reopen()
  await until(
    async () => (await pins(bob, 'status')).out,
    (out) => out.includes('HELD by itself'),
  )
  const after = house.client({ apiKey: ada })
  const session = await after.beta.sessions.create({
    ...{ agent: agent.id, environment_id: environment.id, betas },
    metadata: { tollgate_channel: 'canary' },
  })
  expect(session.agent.version).toBe(1)
  expect(await pins(bob, 'promote', agent.id)).toMatchObject({
    code: 1,
    err: expect.stringContaining('is held by itself'),
  })

  await pins(bob, 'release', agent.id)
  await house.refreshPolicies()
  expect((await pins(bob, 'status')).out).not.toContain('HELD')
  expect(await pins(bob, 'promote', agent.id)).toMatchObject({ code: 0 })
  expect(pinsText()).toContain('stable: 2')
}, 60_000)
