// Permission and pinning through the whole house: what policy says is what happens, and what it does not allow never goes up.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addCaller, shareEverything } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { send } from '../support/raw-client.ts'

let house: TestHouse
let viewer: Anthropic
let payments: Anthropic
let paymentsKey = ''
let agent: Anthropic.Beta.BetaManagedAgentsAgent
let environmentId = ''

beforeAll(async () => {
  house = await openTestHouse({ env: { TOLLGATE_STAMPING: 'off' } })
  const admin = house.client()
  environmentId = (await admin.beta.environments.create({ name: 'prod' })).id
  agent = await admin.beta.agents.create({ name: 'ledger-bot', model: 'claude-sonnet-5-5' })
  for (const system of ['two', 'three', 'four'])
    agent = await admin.beta.agents.update(agent.id, { version: agent.version, system })
  viewer = house.client({ apiKey: addCaller(house, 'reader', 'platform', 'viewer') })
  paymentsKey = addCaller(house, 'payer', 'payments', 'developer')
  shareEverything(house)
  payments = house.client({ apiKey: paymentsKey })
  await house.refreshPolicies()
})
afterAll(() => house.destroy())

const classes = `classes:
  forced: { explicit_version: force, approved_version: force, no_overrides: require }
  required: { explicit_version: require, approved_version: require, no_overrides: require }
`

const sessionBody = (reference: string): string =>
  `{ "metadata":{"note":"caf\\u00e9 12345678901234567890"},\n  "agent" : ${reference} ,"environment_id":"${environmentId}"}`

const createRaw = (body: string, key = paymentsKey) =>
  send(`${house.gatewayUrl}/v1/sessions`, {
    method: 'POST',
    headers: {
      'x-api-key': key,
      'content-type': 'application/json',
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'managed-agents-2026-04-01',
    },
    body,
  })

async function setPins(text: string): Promise<void> {
  writeFileSync(join(house.policiesDir, 'pins.yaml'), text)
  await house.refreshPolicies()
}

test('a viewer reads but cannot create, and the refused request never reaches the upstream', async () => {
  await viewer.beta.agents.list()
  const before = house.simulator.requests().length
  const denied = await viewer.beta.agents
    .create({ name: 'x', model: 'claude-sonnet-5-5' })
    .catch((error: unknown) => error)
  expect(denied).toBeInstanceOf(Anthropic.PermissionDeniedError)
  if (!(denied instanceof Anthropic.PermissionDeniedError)) return
  expect(denied.message).toMatch(/`agent\.create` on `agent\/\*`: no rule allows it/)
  expect(denied.message).toMatch(/reader.*platform.*viewer/)
  expect(denied.headers?.get('x-should-retry')).toBe('false')
  expect(house.simulator.requests()).toHaveLength(before)
})

test('a deny written for one team outweighs what its role allows, and names its line', async () => {
  const path = join(house.policiesDir, 'policy.csv')
  const original = readFileSync(path, 'utf8')
  writeFileSync(path, `${original}\np, *, payments, agent.create, agent/*, deny\n`)
  await house.refreshPolicies()
  const denied = await payments.beta.agents
    .create({ name: 'x', model: 'claude-sonnet-5-5' })
    .catch((error: unknown) => String(error))
  const line = `${original}\n`.split('\n').length
  expect(denied).toContain(`policy.csv:${line} denies it`)
  writeFileSync(path, original)
  await house.refreshPolicies()
  await payments.beta.agents.create({ name: 'x', model: 'claude-sonnet-5-5' })
})

test('force: a floating reference runs the approved version, and only the bytes of `agent` change', async () => {
  await setPins(
    `${classes}approved:\n  ${agent.id}: [2, 3]\nsensitivity:\n  - { agent: ${agent.id}, class: forced }\n`,
  )
  for (const [reference, requested, rule, sent] of [
    [`"${agent.id}"`, 'latest', 'explicit_version', `{"type":"agent","id":"${agent.id}","version":3}`],
    [`{"type":"agent", "id":"${agent.id}"}`, 'latest', 'explicit_version', undefined],
    [
      `{"type":"agent","id":"${agent.id}","version":4}`,
      '4',
      'approved_version',
      `{"type":"agent","id":"${agent.id}","version":3}`,
    ],
  ] as const) {
    const answer = await createRaw(sessionBody(reference))
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body.toString()).agent.version).toBe(3)
    expect(answer.headers['x-tollgate-pin']).toBe(
      `force; requested=${requested}; resolved=3; class=forced; rule=${rule}`,
    )
    const seen = house.simulator.requests().at(-1)?.bodyText ?? ''
    const [before, after] = sessionBody('@@').split('@@')
    expect(seen.startsWith(before ?? '')).toBe(true)
    expect(seen.endsWith(after ?? '')).toBe(true)
    if (sent !== undefined) expect(seen).toBe(sessionBody(sent))
  }
})

test('an approved version passes untouched', async () => {
  const body = sessionBody(`{"version":2,"type":"agent","id":"${agent.id}"}`)
  const answer = await createRaw(body)
  expect(JSON.parse(answer.body.toString()).agent.version).toBe(2)
  expect(answer.headers['x-tollgate-pin']).toBeUndefined()
  expect(house.simulator.requests().at(-1)?.bodyText).toBe(body)
})

test('require: refused with what to send instead, and nothing goes up', async () => {
  await setPins(
    `${classes}approved:\n  ${agent.id}: [3]\nsensitivity:\n  - { team: payments, class: required }\n`,
  )
  const before = house.simulator.requests().length
  const answer = await createRaw(sessionBody(`"${agent.id}"`))
  const { error } = JSON.parse(answer.body.toString())
  expect([answer.status, error.type, error.details.error_code]).toEqual([
    403,
    'permission_error',
    'pin.version_required',
  ])
  expect(error.message).toContain(`"agent": {"type":"agent","id":"${agent.id}","version":3}`)
  expect(house.simulator.requests()).toHaveLength(before)
  // The same agent is not sensitive for another team.
  expect((await createRaw(sessionBody(`"${agent.id}"`), house.key)).status).toBe(200)
})

test('a sensitive environment pins every agent that runs in it, and overrides do not get around it', async () => {
  await setPins(
    `${classes}approved:\n  ${agent.id}: [3]\nsensitivity:\n  - { environment: ${environmentId}, class: forced }\n`,
  )
  const forced = await createRaw(sessionBody(`"${agent.id}"`), house.key)
  expect(JSON.parse(forced.body.toString()).agent.version).toBe(3)
  const hollow = await createRaw(
    sessionBody(`{"type":"agent_with_overrides","id":"${agent.id}","version":3,"system":"obey"}`),
    house.key,
  )
  expect(JSON.parse(hollow.body.toString()).error.details.error_code).toBe('pin.overrides_refused')
})

test('an invalid file keeps the last good policies, and readiness says file, line and reason', async () => {
  await setPins('approved: {}\nclasses:\n  odd:\n    explicit_version: froce\n')
  const ready = await house.admin('/ready')
  expect(ready.status).toBe(503)
  expect(await ready.text()).toMatch(/pins\.yaml:4: .*force/)
  const still = await createRaw(sessionBody(`"${agent.id}"`), house.key)
  expect(JSON.parse(still.body.toString()).agent.version).toBe(3)
  await setPins('approved: {}\nsensitivity: []\n')
  expect((await house.admin('/ready')).status).toBe(200)
})

test('audit says who asked for what version, what ran, and by which rule', async () => {
  await house.writer.flush()
  const rows = await house.ledger.query<{
    decision: string
    team: string
    caller: string
    agent_version: string
    agent_version_requested: string
    pin_kind: string
    rules: string
  }>(
    "SELECT decision, team, caller, agent_version, agent_version_requested, pin_kind, rules FROM tollgate.exchanges FINAL WHERE operation = 'sessions.create' ORDER BY started_at",
  )
  expect(rows[0]).toMatchObject({
    decision: 'rewritten',
    team: 'payments',
    caller: 'payer',
    agent_version_requested: 'latest',
    pin_kind: 'forced',
  })
  expect(Number(rows[0]?.agent_version)).toBe(3)
  expect(rows[0]?.rules).toContain('policy.csv:')
  expect(rows.map((row) => row.decision)).toContain('denied')
})
