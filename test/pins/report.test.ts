import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { ExposureReport } from '../../src/audit/exposure/report.ts'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { hashEnvironment } from '../../src/pin/config-hash.ts'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { everyOperation } from '../support/two-teams.ts'

let house: TestHouse
/** Through the gateway, as team `red`. */
let red: Anthropic
/** At the simulator itself, with a key of its own: the console, or another program. */
let outside: Anthropic

beforeAll(async () => {
  house = await openTestHouse()
  const key = addCaller(house, 'robot', 'red', 'service')
  appendFileSync(join(house.policiesDir, 'policy.csv'), `\n${everyOperation.join('\n')}\n`)
  writeFileSync(join(house.policiesDir, 'cases.csv'), 'team,roles,action,object,expected\n')
  await pin('default: open\nclasses: { open: {} }\n')
  red = house.client({ apiKey: key })
  outside = new Anthropic({ baseURL: house.simulator.url, apiKey: house.simulator.apiKey, maxRetries: 0 })
})

afterAll(() => house.destroy())

async function pin(text: string): Promise<void> {
  writeFileSync(join(house.policiesDir, 'pins.yaml'), text)
  await house.refreshPolicies()
  expect(house.policies.problem()).toBeNull()
}

const looseReport = z.custom<ExposureReport>((value) => typeof value === 'object' && value !== null)

async function report(query = ''): Promise<ExposureReport> {
  const answer = await house.admin(`/api/v1/pins/report${query}`)
  expect(answer.status).toBe(200)
  return looseReport.parse(await answer.json())
}

/** `finding session-or-object`, sorted, of what concerns these ids. */
const linesOf = ({ findings }: ExposureReport, ids: readonly string[]): readonly string[] =>
  findings
    .filter(({ object, session_id }) => ids.includes(object) || ids.includes(session_id))
    .map(({ finding, object }) => `${finding} ${object}`)
    .sort()

async function tollgate(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await runTollgate(['pins', 'report', '--url', house.adminUrl, ...args], {
    env: { TOLLGATE_KEY: house.key },
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    readFile: () => '',
    untilStopped: async () => {},
  })
  return { code, out: out.join(''), err: err.join('') }
}

const go = [{ type: 'user.message' as const, content: [{ type: 'text' as const, text: 'go' }] }]

test('in a house where nothing ran there is nothing to find, and CI hears 0', async () => {
  expect(await report()).toMatchObject({ complete: true, problems: [], sessions: 0, findings: [] })
  const { code, out } = await tollgate()
  expect(code).toBe(0)
  expect(out).toContain('nothing was found')
})

test('the report is the history of the simulator: every session of every kind, and no other', async () => {
  const agent = await red.beta.agents.create({ name: 'helper', model: 'claude-sonnet-5-5', system: 'one' })
  const environment = await red.beta.environments.create({ name: 'e', config: { type: 'cloud' } })
  const changed = await red.beta.environments.create({ name: 'c', config: { type: 'cloud' } })
  await pin(`default: open\nclasses: { open: {} }\napproved: { ${agent.id}: [1] }\n`)
  const expected: string[] = []
  const ids: string[] = []
  const create = async (
    reference: Anthropic.Beta.SessionCreateParams['agent'],
    findings: readonly string[],
    { client = red, env = environment.id } = {},
  ) => {
    const session = await client.beta.sessions.create({ agent: reference, environment_id: env })
    ids.push(session.id)
    expected.push(...findings.map((finding) => `${finding} ${session.id}`))
    return session
  }
  const named = (version: number) => ({ type: 'agent' as const, id: agent.id, version })

  await create(named(1), [])
  await create(agent.id, ['explicit_version'])
  await create({ type: 'agent', id: agent.id }, ['explicit_version'])
  await create({ ...named(1), type: 'agent_with_overrides', system: 'two' }, ['no_overrides'])
  await create({ type: 'agent_with_overrides', id: agent.id, model: 'claude-opus-4-8' }, [
    'explicit_version',
    'no_overrides',
  ])
  const tools = await create(named(1), ['session_tools'])
  await red.beta.sessions.update(tools.id, { agent: { tools: [{ type: 'agent_toolset_20260401' }] } })

  const deployment = await red.beta.deployments.create({
    ...{ name: 'd', agent: named(1), environment_id: environment.id, initial_events: go },
  })
  const ran = async (findings: readonly string[]) => {
    const { session_id } = await red.beta.deployments.run(deployment.id)
    ids.push(session_id ?? '')
    expected.push(...findings.map((finding) => `${finding} ${session_id}`))
  }
  await ran([])
  await red.beta.agents.update(agent.id, { version: 1, system: 'three' })
  await create(named(2), ['approved_version'])
  await create(agent.id, ['explicit_version', 'approved_version'])
  await red.beta.deployments.update(deployment.id, { agent: agent.id })
  expected.push(`deployment_version ${deployment.id}`)
  ids.push(deployment.id)
  await ran(['deployment_version', 'approved_version'])

  await create(named(1), [], { env: changed.id })
  await red.beta.environments.update(changed.id, {
    config: { type: 'cloud', networking: { type: 'unrestricted' } },
  })
  await create(named(1), ['environment_unchanged'], { env: changed.id })

  await create(named(1), ['out_of_band'], { client: outside })
  await create(named(2), ['out_of_band', 'approved_version'], { client: outside })
  const foreign = await outside.beta.deployments.create({
    ...{ name: 'f', agent: named(1), environment_id: environment.id, initial_events: go },
  })
  const { session_id: fired } = await outside.beta.deployments.run(foreign.id)
  ids.push(fired ?? '')
  expected.push(`out_of_band ${fired}`)
  const touched = await create(named(1), ['verified_answer'])
  await outside.beta.sessions.update(touched.id, { agent: { tools: [{ type: 'agent_toolset_20260401' }] } })

  const found = await report()
  expect([found.problems, found.pending]).toEqual([[], 0])
  expect(linesOf(found, ids)).toEqual([...expected].sort())
  expect(found.findings).toHaveLength(expected.length)
  const history: string[] = []
  for await (const { id } of outside.beta.sessions.list({ include_archived: true })) history.push(id)
  expect(found.sessions).toBe(history.length)
  expect(found.groups.reduce((sum, { count }) => sum + count, 0)).toBe(expected.length)

  for (const { sentence } of found.findings) expect(sentence).toMatch(/^[A-Z].*\.$/)
  expect(found.findings.find(({ finding }) => finding === 'explicit_version')).toMatchObject({
    team: 'red',
    agent_id: agent.id,
    agent_name: 'helper',
    sentence: expect.stringContaining('Team red started agent helper without naming a version'),
  })
})

test('the command says the same in three formats, and CI hears 1', async () => {
  const { findings } = await report()
  const table = await tollgate()
  expect(table.code).toBe(1)
  expect(table.err).toContain(`${findings.length} findings`)
  for (const { sentence } of findings) expect(table.out).toContain(sentence)
  const json = await tollgate('--format', 'json')
  expect(looseReport.parse(JSON.parse(json.out)).findings).toEqual(findings)
  const csv = await tollgate('--format', 'csv')
  expect(csv.code).toBe(1)
  expect(csv.out.trimEnd().split('\r\n')).toHaveLength(findings.length + 1)
  const direct = await house.admin('/api/v1/pins/report?format=csv')
  expect(await direct.text()).toBe(csv.out)
})

test('a period holds what was made in it and nothing else', async () => {
  const later = new Date(Date.now() + 60_000).toISOString()
  const latest = new Date(Date.now() + 120_000).toISOString()
  expect(await report(`?from=${later}&to=${latest}`)).toMatchObject({ sessions: 0, findings: [] })
})

test('an environment that is no longer what was approved is told, for every session in it', async () => {
  const agent = await red.beta.agents.create({ name: 'careful', model: 'claude-sonnet-5-5' })
  const environment = await red.beta.environments.create({ name: 'kept', config: { type: 'cloud' } })
  const approved = hashEnvironment({ ...environment })
  await pin(
    `default: open\nclasses: { open: {} }\nenvironments: { ${environment.id}: { config: "${approved}", by: ada, on: 2020-01-01 } }\n`,
  )
  const reference = { type: 'agent' as const, id: agent.id, version: 1 }
  const session = await red.beta.sessions.create({ agent: reference, environment_id: environment.id })
  expect(linesOf(await report(), [session.id])).toEqual([])
  await outside.beta.environments.update(environment.id, {
    config: { type: 'cloud', networking: { type: 'limited', allowed_hosts: ['a.test'] } },
  })
  expect(linesOf(await report(), [session.id])).toEqual([`environment_unchanged ${session.id}`])
})

test('what a class only observes is in the report under the name of its requirement', async () => {
  await pin('default: seen\nclasses: { seen: { dated_models: observe, explicit_version: observe } }\n')
  const agent = await red.beta.agents.create({ name: 'dated', model: 'claude-opus-4-5' })
  const environment = await red.beta.environments.create({ name: 'o', config: { type: 'cloud' } })
  const session = await red.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  const found = await report()
  expect(linesOf(found, [session.id])).toEqual([
    `dated_models ${session.id}`,
    `explicit_version ${session.id}`,
  ])
  expect(
    found.findings.some(({ finding, request_id }) => finding === 'dated_models' && request_id !== ''),
  ).toBe(true)
})

test('a session with the name of an owner is given the time that another gateway may need to tell of it', async () => {
  await pin('default: open\nclasses: { open: {} }\n')
  const agent = await red.beta.agents.create({ name: 'early', model: 'claude-sonnet-5-5' })
  const environment = await red.beta.environments.create({ name: 'p', config: { type: 'cloud' } })
  const session = await outside.beta.sessions.create({
    ...{ agent: { type: 'agent', id: agent.id, version: 1 }, environment_id: environment.id },
    metadata: { tollgate_owner: 'red/robot' },
  })
  const found = await report()
  expect(found.pending).toBe(1)
  expect(linesOf(found, [session.id])).toEqual([])
  await outside.beta.sessions.delete(session.id)
})

test('what was denied ran nowhere and is no finding', async () => {
  const agent = await red.beta.agents.create({ name: 'denied', model: 'claude-sonnet-5-5' })
  const environment = await red.beta.environments.create({ name: 'p', config: { type: 'cloud' } })
  await pin('default: strict\nclasses: { strict: { explicit_version: require } }\n')
  const call = red.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  await expect(call).rejects.toThrow('version')
  const dryRun = { headers: { 'x-tollgate-dry-run': 'true' } }
  await pin('default: open\nclasses: { open: {} }\n')
  await red.beta.sessions.create({ agent: agent.id, environment_id: environment.id }, dryRun)
  const { findings } = await report()
  expect(findings.filter(({ agent_id }) => agent_id === agent.id)).toEqual([])
})

test('what was forced is not a finding: it ran as it should', async () => {
  const agent = await red.beta.agents.create({ name: 'forced', model: 'claude-sonnet-5-5' })
  const environment = await red.beta.environments.create({ name: 'o', config: { type: 'cloud' } })
  await pin(
    `default: kept\nclasses: { kept: { explicit_version: force, approved_version: force } }\napproved: { ${agent.id}: [1] }\n`,
  )
  const session = await red.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  expect(linesOf(await report(), [session.id])).toEqual([])
})

test('what cannot be listed is said, and is never nothing', async () => {
  house.simulator.faults.add({ method: 'GET', path: '/v1/sessions', status: 500, times: null })
  const found = await report()
  expect(found.complete).toBe(false)
  expect(found.problems.join()).toContain('could not be listed')
  const later = new Date(Date.now() + 60_000).toISOString()
  const { code, err } = await tollgate('--from', later, '--to', new Date(Date.now() + 120_000).toISOString())
  house.simulator.faults.clear()
  expect(code).toBe(2)
  expect(err).toContain('could not be listed')
})

test('a wrong use and a gateway that is not there cannot say either', async () => {
  expect((await tollgate('--from', 'yesterday')).code).toBe(2)
  const { code } = await tollgate('--url', 'http://127.0.0.1:1')
  expect(code).toBe(2)
})
