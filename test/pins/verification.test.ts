import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { deferred } from '../support/deferred.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { type JsonAnswer, type Lie, startLyingUpstream } from '../support/lying-upstream.ts'
import { until } from '../support/until.ts'

const truth: Lie = (_asked, answer) => answer
const other: { lie: Lie; house: TestHouse | null } = { lie: truth, house: null }
let upstream: Awaited<ReturnType<typeof startLyingUpstream>>
let house: TestHouse
let client: Anthropic
let agent: Anthropic.Beta.BetaManagedAgentsAgent
let environment: Anthropic.Beta.BetaEnvironment

beforeAll(async () => {
  upstream = await startLyingUpstream(
    () => other.house?.simulator.url ?? '',
    () => other.lie,
  )
  house = await openTestHouse({ upstreamUrl: upstream.url })
  other.house = house
  client = house.client()
  environment = await client.beta.environments.create({ name: 'e' })
  const member = await client.beta.agents.create({ name: 'member', model: 'claude-sonnet-5-5' })
  agent = await client.beta.agents.create({
    name: 'lead',
    model: 'claude-sonnet-5-5',
    system: 'be kind',
    tools: [{ type: 'agent_toolset_20260401' }],
    skills: [{ type: 'anthropic', skill_id: 'xlsx' }],
    multiagent: {
      type: 'multiagent_20261001',
      subagents: { type: 'enabled', predefined_agents: [member.id, { type: 'self' }] },
    },
  })
})

afterAll(async () => {
  await house.destroy()
  await upstream.close()
})

beforeEach(() => {
  other.lie = truth
  upstream.seen.length = 0
})

async function pin(text: string): Promise<void> {
  writeFileSync(join(house.policiesDir, 'pins.yaml'), text)
  await house.refreshPolicies()
  expect(house.policies.problem()).toBeNull()
}

const verifying = (mode: string): string =>
  `default: watched\nclasses: { watched: { verified_answer: ${mode} } }\n`

/** Says something else of the agent of every session that is made. */
const inAgent =
  (change: (snapshot: JsonAnswer) => object): Lie =>
  ({ method, path }, answer) =>
    method === 'POST' && path === '/v1/sessions' ? { ...answer, agent: change(agentOf(answer)) } : answer

function agentOf({ agent: snapshot }: JsonAnswer): JsonAnswer {
  if (typeof snapshot !== 'object' || snapshot === null) throw new Error('a session without an agent')
  return { ...snapshot }
}

const create = (reference: Anthropic.Beta.SessionCreateParams['agent']) =>
  client.beta.sessions.create({ agent: reference, environment_id: environment.id })

const pinned = () => ({ type: 'agent' as const, id: agent.id, version: agent.version })

type Verified = {
  readonly outcome: string
  readonly differences: readonly string[]
  readonly action: string
  readonly expected_hash: string
  readonly answered_hash: string
}

const verified = (sessionId: string): Promise<Verified> =>
  until(
    async () => {
      await house.writer.flush()
      const rows = await house.ledger.query<Verified>(
        'SELECT * FROM tollgate.session_verifications FINAL WHERE session_id = {id: String}',
        { id: sessionId },
      )
      return rows[0] ?? { outcome: '', differences: [], action: '', expected_hash: '', answered_hash: '' }
    },
    ({ outcome }) => outcome !== '',
  )

/** What we sent of ourselves about a session. */
const stops = (sessionId: string): readonly string[] =>
  upstream.seen
    .filter(({ method, url }) => method === 'POST' && url.includes(sessionId))
    .map(({ url, body }) => `${url.split(sessionId)[1]} ${body.toString()}`.trim())

const interrupt = '/events {"events":[{"type":"user.interrupt"}]}'

test('a session that runs what was pinned is the same in every field and member, by one hash', async () => {
  await pin(verifying('require'))
  const session = await create(pinned())
  const found = await verified(session.id)
  expect(found).toMatchObject({ outcome: 'same', differences: [], action: '' })
  expect(found.answered_hash).toMatch(/^sha256:/)
  expect(stops(session.id)).toEqual([])
})

test.each<[string, string[], (snapshot: JsonAnswer) => object]>([
  ['another version', ['version'], (snapshot) => ({ ...snapshot, version: 9 })],
  ['another agent', ['id'], (snapshot) => ({ ...snapshot, id: 'agent_other' })],
  ['another prompt', ['system'], (snapshot) => ({ ...snapshot, system: 'be cruel' })],
  [
    'another model',
    ['model.id'],
    (snapshot) => ({ ...snapshot, model: { ...Object(snapshot['model']), id: 'x' } }),
  ],
  ['no tools', ['tools'], (snapshot) => ({ ...snapshot, tools: [] })],
  [
    'an MCP server',
    ['mcp_servers'],
    (s) => ({ ...s, mcp_servers: [{ type: 'url', name: 'a', url: 'https://a.test' }] }),
  ],
  ['no roster', ['multiagent'], (snapshot) => ({ ...snapshot, multiagent: null })],
  [
    'another member',
    ['multiagent.subagents.predefined_agents[0].system'],
    (snapshot) => changeMember(snapshot, { system: 'obey' }),
  ],
])('a session that runs %s is told by its path and stopped', async (_case, paths, change) => {
  await pin(verifying('require'))
  other.lie = inAgent(change)
  const session = await create(pinned())
  expect(await verified(session.id)).toMatchObject({
    outcome: 'different',
    action: 'stopped',
    differences: paths,
  })
  expect(stops(session.id)).toEqual([interrupt, '/archive'])
  const now = await house.client().beta.sessions.retrieve(session.id)
  expect(now.archived_at).not.toBeNull()
  const metrics = await (await house.admin('/metrics')).text()
  expect(metrics).toContain('outcome="different",action="stopped"')
})

function changeMember(snapshot: JsonAnswer, change: object): object {
  const text = JSON.stringify(snapshot, (key, value: unknown) =>
    key === 'predefined_agents' && Array.isArray(value)
      ? value.map((item: object, at) => (at === 0 ? { ...item, ...change } : item))
      : value,
  )
  const changed: object = JSON.parse(text)
  return changed
}

test('where it is only watched, a difference is recorded and the session goes on', async () => {
  await pin(verifying('observe'))
  other.lie = inAgent((snapshot) => ({ ...snapshot, system: 'be cruel' }))
  const session = await create(pinned())
  expect(await verified(session.id)).toMatchObject({
    outcome: 'different',
    action: '',
    differences: ['system'],
  })
  expect(stops(session.id)).toEqual([])
})

test('what an allowed override replaced is expected, and nothing beside it', async () => {
  await pin(verifying('require'))
  const override = {
    ...{ type: 'agent_with_overrides' as const, id: agent.id, version: agent.version },
    ...{ system: 'be brief', model: 'claude-opus-4-8', tools: [] },
  }
  expect(await verified((await create(override)).id)).toMatchObject({ outcome: 'same', differences: [] })
  other.lie = inAgent((snapshot) => ({ ...snapshot, system: 'be long', name: 'somebody' }))
  const found = await verified((await create(override)).id)
  expect([...found.differences].sort()).toEqual(['name', 'system'])
})

test('a version whose content is not what was approved is found, though the session runs it', async () => {
  await pin(
    `${verifying('require')}approved: { ${agent.id}: [{ version: 1, config: "sha256:${'0'.repeat(64)}" }] }\n`,
  )
  expect(await verified((await create(pinned())).id)).toMatchObject({
    ...{ outcome: 'different', differences: ['config_hash'], action: 'stopped' },
    expected_hash: `sha256:${'0'.repeat(64)}`,
  })
})

test('a field that nobody knows is news and not a difference', async () => {
  await pin(verifying('require'))
  other.lie = inAgent((snapshot) => ({ ...snapshot, brand_new: { a: 1 } }))
  expect(await verified((await create(pinned())).id)).toMatchObject({
    ...{ outcome: 'unknown', differences: ['brand_new'], action: '' },
  })
})

test('a session that does not say what it runs is stopped where its answer must be verified', async () => {
  await pin(verifying('require'))
  other.lie = inAgent(() => ({}))
  expect(await verified((await create(pinned())).id)).toMatchObject({
    outcome: 'unverified',
    action: 'stopped',
  })
})

test('a session that a run of a deployment makes is verified too', async () => {
  await pin(verifying('require'))
  const deployment = await client.beta.deployments.create({
    ...{ name: 'd', agent: pinned(), environment_id: environment.id },
    initial_events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
  })
  const run = await client.beta.deployments.run(deployment.id)
  expect(await verified(run.session_id ?? '')).toMatchObject({ outcome: 'same' })
})

test('a session that runs already is interrupted until it can be archived', async () => {
  await pin(verifying('require'))
  other.lie = inAgent((snapshot) => ({ ...snapshot, system: 'be cruel' }))
  const session = await client.beta.sessions.create({
    ...{ agent: pinned(), environment_id: environment.id, metadata: { simulator_scenario: 'long' } },
    initial_events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
  })
  expect(await verified(session.id)).toMatchObject({ outcome: 'different', action: 'stopped' })
  expect(stops(session.id)[0]).toBe(interrupt)
  const now = await client.beta.sessions.retrieve(session.id)
  expect([now.status, now.archived_at === null]).toEqual(['terminated', false])
})

test('the client has its answer, every byte of it, before anything is compared', async () => {
  await pin(verifying('require'))
  const slow = await client.beta.agents.create({ name: 'slow', model: 'claude-sonnet-5-5' })
  const asked = deferred<void>()
  const released = deferred<void>()
  other.lie = async ({ method, path }, answer) => {
    if (method === 'GET' && path.startsWith(`/v1/agents/${slow.id}`)) {
      asked.resolve()
      await released.promise
    }
    return answer
  }
  const session = await create({ type: 'agent', id: slow.id, version: 1 })
  expect(session.agent.id).toBe(slow.id)
  await asked.promise
  released.resolve()
  expect(await verified(session.id)).toMatchObject({ outcome: 'same' })
})

test('a stop that the upstream refuses is told as one that failed', async () => {
  await pin(verifying('require'))
  other.lie = inAgent((snapshot) => ({ ...snapshot, system: 'be cruel' }))
  house.simulator.faults.add({ method: 'POST', path: '/v1/sessions/*/archive', status: 403, times: null })
  const session = await create(pinned())
  expect(await verified(session.id)).toMatchObject({ outcome: 'different', action: 'stop_failed' })
  house.simulator.faults.clear()
})

test('without a class that asks for it nothing is compared', async () => {
  await pin('default: open\nclasses: { open: {} }\n')
  other.lie = inAgent((snapshot) => ({ ...snapshot, system: 'be cruel' }))
  const session = await create(pinned())
  await house.writer.flush()
  const rows = await house.ledger.query(
    'SELECT 1 FROM tollgate.session_verifications WHERE session_id = {id: String}',
    {
      id: session.id,
    },
  )
  expect(rows).toEqual([])
})
