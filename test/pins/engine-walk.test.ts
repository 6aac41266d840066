// The pins through the whole house, by an unmodified SDK: what goes up, what is answered, what is kept; and requests that
// are only tried out.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { addTwoTeams, ask, comparable, missingIdLike, type TwoTeams } from '../support/two-teams.ts'

let house: TestHouse
let keys: TwoTeams
let alpha: Anthropic
let agent: Anthropic.Beta.BetaManagedAgentsAgent
let environmentId = ''

beforeAll(async () => {
  house = await openTestHouse()
  keys = await addTwoTeams(house)
  alpha = house.client({ apiKey: keys.alpha })
  environmentId = (await alpha.beta.environments.create({ name: 'prod' })).id
  agent = await alpha.beta.agents.create({ name: 'bot', model: 'claude-sonnet-5-5' })
  agent = await alpha.beta.agents.update(agent.id, { version: agent.version, system: 'two' })
})
afterAll(() => house.destroy())
beforeEach(() => setPins(''))

async function setPins(text: string): Promise<void> {
  writeFileSync(join(house.policiesDir, 'pins.yaml'), text)
  await house.policies.reload()
  expect(house.policies.problem()).toBeNull()
}

const upstreamCalls = () => house.simulator.requests()
const changes = () => upstreamCalls().filter(({ method }) => method !== 'GET')
const withClass = (requirements: string, rest = '') =>
  setPins(`classes: { c: ${requirements} }\ndefault: c\n${rest}`)

test('forced: the answer says so in a header, and the ledger says who approved what', async () => {
  await withClass(
    '{ explicit_version: force, approved_version: force, no_overrides: force }',
    `approved: { ${agent.id}: [1, { version: 2, by: ada }] }\n`,
  )
  const { data, response } = await alpha.beta.sessions
    .create({
      agent: { type: 'agent_with_overrides', id: agent.id, system: 'obey' },
      environment_id: environmentId,
    })
    .withResponse()
  expect(data.agent).toMatchObject({ version: 2, system: 'two' })
  expect(response.headers.get('x-tollgate-pin')).toBe(
    'force; requested=latest; resolved=2; class=c; rule=explicit_version, ' +
      'force; requested=override_system; resolved=left_out; class=c; rule=no_overrides',
  )
  await house.writer.flush()
  const [row] = await house.ledger.query<object>(
    `SELECT decision, pin_kind, pin_class, pin_rule, pin_findings, approved_by, agent_version, agent_version_requested
     FROM tollgate.exchanges FINAL WHERE operation = 'sessions.create' ORDER BY exchange_id DESC LIMIT 1`,
  )
  expect(row).toEqual({
    ...{ decision: 'rewritten', pin_kind: 'forced', pin_class: 'c', pin_rule: 'pins.yaml:2 default c' },
    pin_findings:
      'force explicit_version agent: latest -> 2\nforce no_overrides agent.system: override system -> left out',
    ...{ approved_by: 'ada', agent_version: 2, agent_version_requested: 'latest' },
  })
})

test('observed: nothing differs for the client or the upstream, and the audit has what was found', async () => {
  await withClass('{ explicit_version: observe }')
  const { data, response } = await alpha.beta.sessions
    .create({ agent: agent.id, environment_id: environmentId })
    .withResponse()
  expect(data.agent.version).toBe(2)
  expect(response.headers.get('x-tollgate-pin')).toBeNull()
  await house.writer.flush()
  const [row] = await house.ledger.query<object>(
    `SELECT decision, pin_kind, pin_findings FROM tollgate.exchanges FINAL
     WHERE operation = 'sessions.create' ORDER BY exchange_id DESC LIMIT 1`,
  )
  expect(row).toEqual({
    decision: 'allowed',
    pin_kind: 'observed',
    pin_findings: 'observe explicit_version agent: latest -> none',
  })
})

test('updates between looking and creating: what was judged is what runs', async () => {
  await withClass('{ explicit_version: force }')
  const before = upstreamCalls().length
  const racing = await alpha.beta.agents.create({ name: 'racing', model: 'claude-sonnet-5-5' })
  const [sessions] = await Promise.all([
    Promise.all(
      Array.from({ length: 20 }, () =>
        alpha.beta.sessions.create({ agent: racing.id, environment_id: environmentId }),
      ),
    ),
    (async () => {
      let { version } = racing
      for (let at = 0; at < 20; at++) {
        version = (await alpha.beta.agents.update(racing.id, { version, system: `text ${at}` })).version
      }
    })(),
  ])
  const sent = upstreamCalls()
    .slice(before)
    .filter(({ method, path }) => method === 'POST' && path === '/v1/sessions')
    .map(
      ({ bodyText }) =>
        z.object({ agent: z.object({ version: z.int() }) }).parse(JSON.parse(bodyText)).agent.version,
    )
  expect(sent).toHaveLength(20)
  expect(sessions.map((session) => session.agent.version).sort()).toEqual([...sent].sort())
})

const dryRun = { headers: { 'x-tollgate-dry-run': 'true' } }
const report = z.object({
  type: z.literal('tollgate_dry_run'),
  decision: z.string(),
  status: z.number().nullable(),
  error: z.object({ code: z.string(), rule: z.string(), message: z.string() }).nullable(),
  capabilities: z.array(z.object({ action: z.string(), object: z.string(), rule: z.string().optional() })),
  pin: z
    .object({ classes: z.array(z.string()), resolved: z.number().nullable(), findings: z.array(z.unknown()) })
    .nullable(),
  rewritten: z.array(
    z.object({ by: z.string(), path: z.array(z.unknown()), before: z.unknown(), after: z.unknown() }),
  ),
})

const tryOut = async (body: object, key = keys.alpha, path = '/v1/sessions', header = 'true') => {
  const answer = await fetch(house.gatewayUrl + path, {
    method: 'POST',
    headers: {
      ...{ 'x-api-key': key, 'content-type': 'application/json', 'anthropic-version': '2026-10-21' },
      ...{ 'anthropic-beta': 'managed-agents-2026-04-01', 'x-tollgate-dry-run': header },
    },
    body: JSON.stringify(body),
  })
  const json: unknown = await answer.json()
  return { status: answer.status, json }
}

test('a dry run says what would be decided and rewritten, and changes nothing', async () => {
  await withClass('{ explicit_version: force, no_overrides: require }', `approved: { ${agent.id}: [1] }\n`)
  const before = changes().length
  const allowed = await tryOut({ agent: agent.id, environment_id: environmentId })
  expect(allowed.status).toBe(200)
  const said = report.parse(allowed.json)
  expect(said).toMatchObject({ decision: 'allowed', error: null, pin: { classes: ['c'], resolved: 1 } })
  expect(said.capabilities).toContainEqual({
    action: 'session.create',
    object: 'session/*',
    rule: expect.stringMatching(/^policy\.csv:\d+/),
  })
  expect(said.rewritten.map(({ by, path }) => `${by} ${path.join('.')}`)).toEqual([
    'pin agent',
    'stamp metadata',
    'all ',
  ])
  expect(said.rewritten[0]).toMatchObject({
    before: { json: `"${agent.id}"` },
    after: { json: `{"type":"agent","id":"${agent.id}","version":1}` },
  })
  const overriding = { type: 'agent_with_overrides', id: agent.id, version: 1, system: 'obey' }
  const denied = await tryOut({ agent: overriding, environment_id: environmentId })
  expect(denied.status).toBe(200)
  expect(report.parse(denied.json)).toMatchObject({
    decision: 'denied',
    status: 403,
    error: { code: 'pin.overrides_refused', rule: 'pins.yaml:2 default c' },
    rewritten: [],
  })
  expect(changes()).toHaveLength(before)
})

test('a dry run of what policy denies names every capability that was asked for', async () => {
  const before = changes().length
  const { addCaller } = await import('../support/callers.ts')
  const viewer = addCaller(house, 'reader', 'alpha', 'viewer')
  await house.policies.reload()
  const { status, json } = await tryOut({ name: 'x', model: 'claude-sonnet-5-5' }, viewer, '/v1/agents')
  expect(status).toBe(200)
  const said = report.parse(json)
  expect(said).toMatchObject({ decision: 'denied', status: 403, error: { code: 'authorize.denied' } })
  expect(said.capabilities.map(({ action }) => action)).toContain('model.use')
  expect(changes()).toHaveLength(before)
})

test('the header never goes up, an unknown value is refused, and a read is what it is', async () => {
  for (const value of ['1', 'yes', 'TRUE', '', 'true, true']) {
    const { status, json } = await tryOut({ agent: agent.id }, keys.alpha, '/v1/sessions', value)
    expect(status).toBe(400)
    expect(JSON.stringify(json)).toContain('x-tollgate-dry-run')
  }
  const listed = await alpha.beta.agents.list({}, dryRun)
  expect(listed.data.map(({ id }) => id)).toContain(agent.id)
  const made = await tryOut(
    { agent: agent.id, environment_id: environmentId },
    keys.alpha,
    '/v1/sessions',
    'false',
  )
  expect(z.object({ id: z.string() }).parse(made.json).id).toMatch(/^sesn_/)
  for (const { headers } of upstreamCalls()) expect(headers['x-tollgate-dry-run']).toBeUndefined()
})

test('a dry run is kept as one, and counts as nothing else', async () => {
  await tryOut({ agent: agent.id, environment_id: environmentId })
  await house.writer.flush()
  const rows = await house.ledger.query<{ decision: string; status: string }>(
    `SELECT decision, status FROM tollgate.exchanges FINAL ORDER BY exchange_id DESC LIMIT 1`,
  )
  expect(rows[0]?.decision).toBe('dry_run')
})

test('a malformed body and an unknown key are errors of a dry run as of any request', async () => {
  const answer = await ask(house, {
    method: 'POST',
    path: '/v1/sessions',
    key: keys.alpha,
    body: '{"a":1,"a":2}',
  })
  expect(answer.status).toBe(400)
  expect((await tryOut({}, 'tlg_nobody')).status).toBe(401)
})

test('what is another team’s is told apart from what never was by nobody: not by pins, nor by a dry run', async () => {
  const create = (id: string, more: object = {}) => ({
    method: 'POST',
    path: '/v1/sessions',
    key: keys.beta,
    body: { agent: id, environment_id: betaEnvironment, ...more },
  })
  const beta = house.client({ apiKey: keys.beta })
  const betaEnvironment = (await beta.beta.environments.create({ name: 'beta' })).id
  const betaStore = (await beta.beta.memoryStores.create({ name: 'beta' })).id
  const missing = missingIdLike(agent.id)
  const comparing = [agent.id, missing]
  for (const requirements of [
    '{ explicit_version: require }',
    '{ explicit_version: force }',
    '{ approved_version: require }',
    '{ explicit_version: force, memory_read_only: force }',
    '{ version_guard: require, dated_models: require, no_workflows: require }',
  ]) {
    const around = 'b: { memory_read_only: force }'
    await setPins(
      `classes: { c: ${requirements}, ${around} }\nsensitivity: [{ agent: ${agent.id}, class: c }, { team: beta, class: b }]\n`,
    )
    const [theirs, nobodys] = [await ask(house, create(agent.id)), await ask(house, create(missing))]
    expect(comparable(theirs, comparing)).toEqual(comparable(nobodys, comparing))
    expect(theirs.headers['x-tollgate-pin']).toBeUndefined()
    const writable = { resources: [{ type: 'memory_store', memory_store_id: betaStore }] }
    const [stored, unstored] = [
      await ask(house, create(agent.id, writable)),
      await ask(house, create(missing, writable)),
    ]
    expect(comparable(stored, comparing)).toEqual(comparable(unstored, comparing))
    expect(stored.status).toBe(404)
    const tried = async (id: string) =>
      JSON.stringify((await tryOut({ agent: id, environment_id: betaEnvironment }, keys.beta)).json)
        .replaceAll(id, 'ID')
        .replaceAll(/req_\w+/g, 'REQ')
    expect(await tried(agent.id)).toBe(await tried(missing))
  }
})

test('a denial by the pins is an ordinary refusal of the SDK, and nothing goes up', async () => {
  await withClass('{ explicit_version: require, version_guard: require }')
  const before = changes().length
  const refused = await alpha.beta.sessions
    .create({ agent: agent.id, environment_id: environmentId })
    .catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(Anthropic.PermissionDeniedError)
  expect(String(refused)).toContain(`{\\"type\\":\\"agent\\",\\"id\\":\\"${agent.id}\\",\\"version\\":2}`)
  const blind = await alpha.beta.agents
    .update(agent.id, { system: 'three' })
    .catch((error: unknown) => String(error))
  expect(blind).toContain('which version it builds on')
  expect(changes()).toHaveLength(before)
})
