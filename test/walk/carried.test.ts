// What an agent carries counts: a session may not have through a saved agent what its caller may not ask for itself.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expandAgent } from '../../src/authorize/capabilities.ts'
import { carriedActions } from '../../src/authorize/carried-agents.ts'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'

let house: TestHouse
let key = ''

beforeAll(async () => {
  house = await openTestHouse()
  key = addCaller(house, 'ci', 'platform', 'developer')
  const path = join(house.policiesDir, 'policy.csv')
  writeFileSync(
    path,
    `${readFileSync(path, 'utf8')}\np, caller:ci, platform, mcp.connect, mcp/https://evil.example*, deny\n`,
  )
  await house.refreshPolicies()
  expect(house.policies.problem()).toBeNull()
})
afterAll(() => house.destroy())

const evil = {
  mcp_servers: [{ type: 'url' as const, name: 'evil', url: 'https://evil.example/mcp' }],
  tools: [{ type: 'mcp_toolset' as const, mcp_server_name: 'evil' }],
}
const agentReads = (): readonly string[] =>
  house.simulator
    .requests()
    .filter(({ method, path }) => method === 'GET' && path.startsWith('/v1/agents/'))
    .map(({ path }) => path)

test('an agent that somebody else saved with a denied server does not run for this caller, pinned or not', async () => {
  const admin = house.client()
  const environment = await admin.beta.environments.create({ name: 'e' })
  const plain = await admin.beta.agents.create({ name: 'plain', model: 'claude-sonnet-5-5' })
  await admin.beta.agents.update(plain.id, { version: 1, ...evil })
  const client = house.client({ apiKey: key })
  const run = (agent: string | { type: 'agent'; id: string; version: number }) =>
    client.beta.sessions.create({ agent, environment_id: environment.id })

  expect((await run({ type: 'agent', id: plain.id, version: 1 })).agent.version).toBe(1)
  for (const agent of [plain.id, { type: 'agent' as const, id: plain.id, version: 2 }]) {
    await expect(run(agent)).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining(
        `agent \`${plain.id}\` version 2 carries \`mcp.connect\` on \`mcp/https://evil.example/mcp\``,
      ),
    })
  }
  // Whoever may hand out everything is asked nothing.
  const before = agentReads().length
  await admin.beta.sessions.create({ agent: plain.id, environment_id: environment.id })
  expect(agentReads().length).toBe(before)
})

test('a roster member counts like its coordinator', async () => {
  const admin = house.client()
  const environment = await admin.beta.environments.create({ name: 'e' })
  const member = await admin.beta.agents.create({ name: 'member', model: 'claude-sonnet-5-5', ...evil })
  const lead = await admin.beta.agents.create({
    name: 'lead',
    model: 'claude-sonnet-5-5',
    multiagent: { type: 'coordinator', agents: [{ type: 'agent', id: member.id, version: 1 }] },
  })
  await expect(
    house.client({ apiKey: key }).beta.sessions.create({ agent: lead.id, environment_id: environment.id }),
  ).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining(`agent \`${member.id}\` version 1 carries`),
  })
})

test('a version is read once, the latest each time', async () => {
  const admin = house.client()
  const environment = await admin.beta.environments.create({ name: 'e' })
  const agent = await admin.beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  const client = house.client({ apiKey: key })
  const readsOf = () => agentReads().filter((path) => path.includes(agent.id)).length
  const before = readsOf()
  for (let run = 0; run < 3; run += 1) {
    await client.beta.sessions.create({
      agent: { type: 'agent', id: agent.id, version: 1 },
      environment_id: environment.id,
    })
  }
  const pinned = readsOf() - before
  await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  expect(pinned).toBeLessThanOrEqual(1)
  expect(readsOf() - before - pinned).toBe(2)
})

test('every word an agent can bring along is known to the shortcut for callers who may carry everything', () => {
  const held = expandAgent({
    model: { id: 'claude-opus-5-5', speed: 'fast', effort: 'max', inference_geo: 'us' },
    ...evil,
    skills: [{ type: 'anthropic', skill_id: 'xlsx' }],
    execution_identity: { type: 'aws_role', role_arn: 'arn:aws:iam::1:role/x' },
    multiagent: { type: 'coordinator', agents: [{ type: 'agent', id: 'agent_1' }, { type: 'self' }] },
  })
  expect('kind' in held ? held.message : held.map(({ action }) => action)).toEqual(expect.any(Array))
  for (const { action } of 'kind' in held ? [] : held) expect(carriedActions).toContain(action)
})
