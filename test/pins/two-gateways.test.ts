// Two gateways over one folder of policies and one upstream: what people and others do while sessions are being created
// leaves no session with a version that nobody chose, whichever gateway it came through.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { House } from '../../src/main.ts'
import { openHouseOn, openTestHouse, type TestHouse } from '../support/house.ts'

let one: TestHouse
let two: House
let folder = ''
let clients: readonly Anthropic[] = []
let environmentId = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-two-'))
  one = await openTestHouse()
  mkdirSync(join(folder, 'data'))
  copyFileSync(join(one.folder, 'data', 'pepper'), join(folder, 'data', 'pepper'))
  two = await openHouseOn(folder, {
    TOLLGATE_POLICIES_DIR: one.policiesDir,
    TOLLGATE_UPSTREAM_URL: one.simulator.url,
    ANTHROPIC_API_KEY: one.simulator.apiKey,
  })
  clients = [one.gatewayUrl, two.gatewayUrl].map(
    (baseURL) => new Anthropic({ baseURL, apiKey: one.key, maxRetries: 0 }),
  )
  environmentId = (await clientAt(0).beta.environments.create({ name: 'prod' })).id
}, 60_000)
afterAll(async () => {
  await two.close()
  await one.destroy()
  rmSync(folder, { recursive: true, force: true })
})

function clientAt(at: number): Anthropic {
  const client = clients[at % clients.length]
  if (client === undefined) throw new Error('no gateway is open')
  return client
}

/** Writes the file; each gateway takes it when it does, the second a little after the first. */
async function setPins(text: string): Promise<void> {
  writeFileSync(join(one.policiesDir, 'pins.yaml'), text)
  await one.policies.reload()
  await two.policies.reload()
  expect([one.policies.problem(), two.policies.problem()]).toEqual([null, null])
}

async function makeAgent(versions: number): Promise<string> {
  const agent = await clientAt(0).beta.agents.create({ name: 'bot', model: 'claude-sonnet-5-5' })
  for (let version = 1; version < versions; version++)
    await clientAt(version).beta.agents.update(agent.id, { version, system: `version ${version + 1}` })
  return agent.id
}

/** Creates sessions through both in turn, all at once; the version of each, and what the answer's header says of it. */
const createMany = (count: number, agent: string, metadata: { [key: string]: string } = {}) =>
  Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const { data, response } = await clientAt(at)
        .beta.sessions.create({ agent, environment_id: environmentId, metadata })
        .withResponse()
      return { version: data.agent.version, said: response.headers.get('x-tollgate-pin') ?? '' }
    }),
  )

async function readApprovers(house: House, agent: string) {
  await house.writer.flush()
  return house.ledger.query<{ agent_version: number; approved_by: string; n: string }>(
    `SELECT agent_version, approved_by, count() AS n FROM tollgate.exchanges FINAL
     WHERE operation = 'sessions.create' AND agent_id = {agent: String}
     GROUP BY agent_version, approved_by`,
    { agent },
  )
}

const versionsOf = (made: readonly { readonly version: number }[]) =>
  [...new Set(made.map(({ version }) => version))].sort()

test('approved while sessions are created: each runs what somebody had approved, and is recorded with who that was', async () => {
  const agent = await makeAgent(3)
  const head = 'classes: { c: { explicit_version: force, approved_version: force } }\ndefault: c\n'
  await setPins(`${head}approved: { ${agent}: [{ version: 1, by: ada }] }\n`)
  const creating = createMany(40, agent)
  await setPins(
    `${head}approved: { ${agent}: [{ version: 1, by: ada }, { version: 2, by: bob, ticket: T-2 }] }\n`,
  )
  for (const { version, said } of await creating) {
    // The latest is 3, which nobody approved.
    expect([1, 2]).toContain(version)
    expect(said).toContain(`resolved=${version};`)
  }
  expect(versionsOf(await createMany(6, agent))).toEqual([2])
  const rows = (await Promise.all([one, two].map((house) => readApprovers(house, agent)))).flat()
  expect(rows.reduce((sum, { n }) => sum + Number(n), 0)).toBe(46)
  for (const { agent_version, approved_by } of rows)
    expect(approved_by).toBe(agent_version === 1 ? 'ada' : 'bob')
})

test('saved through one gateway while the other resolves the latest: what was judged is what runs', async () => {
  const agent = await makeAgent(1)
  await setPins('classes: { c: { explicit_version: force } }\ndefault: c\n')
  const [made] = await Promise.all([
    createMany(30, agent),
    (async () => {
      for (let version = 1; version <= 15; version++)
        await clientAt(version).beta.agents.update(agent, { version, system: `text ${version}` })
    })(),
  ])
  for (const { version, said } of made) expect(said).toContain(`requested=latest; resolved=${version};`)
})

test('a canary is the same share at both gateways, and a hold takes it from everybody at both', async () => {
  const agent = await makeAgent(2)
  const rollout = (more: string) =>
    setPins(`rollouts:\n  ${agent}: { stable: 1, canary: 2, by: metadata.user, ${more} }\n`)
  await rollout('percent: 50')
  const given: number[] = []
  for (let user = 0; user < 12; user++) {
    const versions = versionsOf(await createMany(2, agent, { user: `user ${user}` }))
    expect(versions).toHaveLength(1)
    given.push(...versions)
  }
  expect([...new Set(given)].sort()).toEqual([1, 2])
  await rollout('percent: 100')
  const creating = createMany(20, agent, { tollgate_channel: 'canary' })
  await rollout('percent: 100, hold: true')
  for (const { version, said } of await creating) expect(said).toContain(`resolved=${version};`)
  expect(versionsOf(await createMany(10, agent, { tollgate_channel: 'canary' }))).toEqual([1])
})

test('rejected while sessions are created: after it no gateway starts that version, not even by its number', async () => {
  const agent = await makeAgent(2)
  const head = 'classes: { c: { explicit_version: require } }\ndefault: c\n'
  await setPins(head)
  const start = (at: number) =>
    clientAt(at)
      .beta.sessions.create({
        agent: { type: 'agent', id: agent, version: 2 },
        environment_id: environmentId,
      })
      .then(
        () => 'started',
        (error: unknown) => (error instanceof Anthropic.PermissionDeniedError ? 'refused' : String(error)),
      )
  expect(await Promise.all([start(0), start(1)])).toEqual(['started', 'started'])
  const racing = Promise.all(Array.from({ length: 20 }, (_, at) => start(at)))
  await setPins(`${head}rejected: { ${agent}: [2] }\n`)
  for (const outcome of await racing) expect(['started', 'refused']).toContain(outcome)
  expect(await Promise.all([start(0), start(1)])).toEqual(['refused', 'refused'])
})
