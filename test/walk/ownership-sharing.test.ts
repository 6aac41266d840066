// What teams share, what nobody owns, and who is believed when a gateway has just started or somebody does not answer.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OwnedKind } from '../../src/upstream/owned-kinds.ts'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { addTwoTeams, ask, makeOneOfEach, missingIdLike, type TwoTeams } from '../support/two-teams.ts'

let house: TestHouse
let keys: TwoTeams
let made: ReadonlyMap<OwnedKind, string>

beforeAll(async () => {
  house = await openTestHouse()
  keys = await addTwoTeams(house)
  made = await makeOneOfEach(house, keys.alpha)
})
afterAll(() => house.destroy())

const idOf = (kind: OwnedKind): string => made.get(kind) ?? ''
const get = (path: string, key: string) => ask(house, { method: 'GET', path, key })
const post = (path: string, key: string, body: object) => ask(house, { method: 'POST', path, key, body })
const idIn = (answer: { readonly body: Buffer }): string => JSON.parse(answer.body.toString()).id
const codeIn = (answer: { readonly body: Buffer }): unknown =>
  JSON.parse(answer.body.toString()).error?.details?.error_code

/** Makes something behind the gateway's back. */
const makeDirectly = async (path: string, body: object): Promise<string> => {
  const answer = await fetch(house.simulator.url + path, {
    method: 'POST',
    headers: {
      'x-api-key': house.simulator.apiKey,
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'managed-agents-2026-04-01',
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  })
  return String(JSON.parse(await answer.text()).id)
}

test('a team sees, uses and changes what another one shares, each as far as a rule says', async () => {
  const path = join(house.policiesDir, 'policy.csv')
  const original = readFileSync(path, 'utf8')
  const agent = idOf('agent')
  const environment = idOf('environment')
  const create = () => post('/v1/sessions', keys.beta, { agent, environment_id: environment })
  const rule = (line: string) => {
    appendFileSync(path, `\n${line}\n`)
    return house.refreshPolicies()
  }
  expect((await get(`/v1/agents/${agent}`, keys.beta)).status).toBe(404)

  await rule('p, role:service, beta, visibility.read, owner/alpha/agent/*, allow')
  expect((await get(`/v1/agents/${agent}`, keys.beta)).status).toBe(200)
  expect((await get('/v1/agents', keys.beta)).body.toString()).toContain(agent)
  // It knows that the agent is there, so it is told what it lacks.
  const refused = await create()
  expect([refused.status, codeIn(refused)]).toEqual([403, 'authorize.denied'])
  expect(refused.body.toString()).toContain(`visibility.use\` on \`owner/alpha/agent/${agent}`)

  await rule(`p, role:service, beta, visibility.*, owner/alpha/environment/${environment}, allow`)
  await rule('p, role:service, beta, visibility.use, owner/alpha/agent/*, allow')
  const session = await create()
  expect(session.status).toBe(200)
  const update = await post(`/v1/agents/${agent}`, keys.beta, { name: 'mine', version: 1 })
  expect([update.status, codeIn(update)]).toEqual([403, 'authorize.denied'])

  await rule('p, role:service, beta, visibility.write, owner/alpha/agent/*, allow')
  expect((await post(`/v1/agents/${agent}`, keys.beta, { name: 'ours', version: 1 })).status).toBe(200)
  // Whose it is does not change by being changed.
  expect((await get(`/v1/agents/${agent}`, keys.alpha)).status).toBe(200)

  await rule(`p, *, *, visibility.*, owner/alpha/agent/${agent}, deny`)
  expect((await get(`/v1/agents/${agent}`, keys.beta)).status).toBe(404)
  // Not even somebody who may see everything else, nor in a list.
  expect((await get(`/v1/agents/${agent}`, house.key)).status).toBe(404)
  expect((await get('/v1/agents', house.key)).body.toString()).not.toContain(agent)
  expect((await get(`/v1/vaults/${idOf('vault')}`, house.key)).status).toBe(200)
  writeFileSync(path, original)
  await house.refreshPolicies()
})

test('what nobody made here is everybody’s in the starter, and a team’s when the directory says so', async () => {
  const id = await makeDirectly('/v1/environments', { name: 'old' })
  const developer = addCaller(house, 'dev', 'gamma', 'developer')
  await house.refreshPolicies()
  for (const key of [keys.alpha, keys.beta, developer]) {
    expect((await get(`/v1/environments/${id}`, key)).status).toBe(200)
  }
  const directory = join(house.policiesDir, 'directory.yaml')
  const text = readFileSync(directory, 'utf8')
  writeFileSync(directory, text.replace(/unowned_to: .*/, 'unowned_to: alpha'))
  await house.refreshPolicies()
  expect((await get(`/v1/environments/${id}`, keys.alpha)).status).toBe(200)
  expect((await get(`/v1/environments/${id}`, keys.beta)).status).toBe(404)
  expect((await get('/v1/environments', keys.beta)).body.toString()).not.toContain(id)
  writeFileSync(directory, text)
  await house.refreshPolicies()
})

test('a stamp alone is enough: a session whose answer was lost belongs to who asked for it', async () => {
  const agent = await makeDirectly('/v1/agents', { name: 'a', model: 'claude-sonnet-5-5' })
  const environment = await makeDirectly('/v1/environments', { name: 'e' })
  // As a gateway that died in the middle would have left it.
  const id = await makeDirectly('/v1/sessions', {
    agent,
    environment_id: environment,
    metadata: { tollgate_owner: 'beta/other', tollgate_exchange: 'req_lost' },
  })
  expect((await get(`/v1/sessions/${id}`, keys.alpha)).status).toBe(404)
  expect((await get(`/v1/sessions/${id}`, keys.beta)).status).toBe(200)
  expect((await get('/v1/sessions', keys.beta)).body.toString()).toContain(id)
})

test('the provider’s own skills are everybody’s, beside one’s own', async () => {
  const list = JSON.parse((await get('/v1/skills?limit=100', keys.beta)).body.toString())
  const ids = list.data.map((each: { readonly id: string }) => each.id)
  expect(ids).toContain('xlsx')
  expect(ids).not.toContain(idOf('skill'))
  expect((await get('/v1/skills/xlsx', keys.beta)).status).toBe(200)
  const skills = [{ type: 'anthropic', skill_id: 'xlsx' }]
  expect(
    (await post('/v1/agents', keys.beta, { name: 's', model: 'claude-sonnet-5-5', skills })).status,
  ).toBe(200)
})

test('what a deployment starts belongs to its owner, however it was started', async () => {
  const run = JSON.parse(
    (await get(`/v1/deployment_runs/${idOf('deployment_run')}`, keys.alpha)).body.toString(),
  )
  expect((await get(`/v1/sessions/${run.session_id}`, keys.alpha)).status).toBe(200)
  expect((await get(`/v1/sessions/${run.session_id}/events`, keys.beta)).status).toBe(404)
  expect((await get('/v1/sessions', keys.beta)).body.toString()).not.toContain(run.session_id)
})

test('questions about an id nobody knows are asked once, however many want to know', async () => {
  const id = await makeDirectly('/v1/environments', {
    name: 'asked once',
    metadata: { tollgate_owner: 'beta/other' },
  })
  const before = house.simulator.requests().length
  const answers = await Promise.all(Array.from({ length: 5 }, () => get(`/v1/environments/${id}`, keys.beta)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
  expect(house.simulator.requests()).toHaveLength(before + 6)
})

test('a gateway that has just started knows as much: from stamps, and from the ledger where there are none', async () => {
  await house.writer.flush()
  house = await house.reopen()
  for (const [kind, collection] of [
    ['session', 'sessions'],
    ['file', 'files'],
    ['skill', 'skills'],
    ['dream', 'dreams'],
    ['tunnel', 'tunnels'],
    ['message_batch', 'messages/batches'],
  ] as const) {
    const path = `/v1/${collection}/${idOf(kind)}`
    const missing = await get(`/v1/${collection}/${missingIdLike(idOf(kind))}`, keys.beta)
    expect([kind, missing.status, (await get(path, keys.beta)).status]).toEqual([kind, 404, 404])
    expect([kind, (await get(path, keys.alpha)).status]).toEqual([kind, 200])
  }
  expect((await get('/v1/files', keys.beta)).body.toString()).not.toContain(idOf('file'))
})

test('without stamping the ledger alone knows, and it is enough', async () => {
  const quiet = await openTestHouse({ env: { TOLLGATE_STAMPING: 'off' } })
  try {
    const teams = await addTwoTeams(quiet)
    const body = { name: 'v' }
    const made = await ask(quiet, { method: 'POST', path: '/v1/memory_stores', key: teams.alpha, body })
    expect(quiet.simulator.requests().at(-1)?.bodyText).toBe(JSON.stringify(body))
    await quiet.writer.flush()
    const again = await quiet.reopen()
    const path = `/v1/memory_stores/${idIn(made)}`
    expect((await ask(again, { method: 'GET', path, key: teams.beta })).status).toBe(404)
    expect((await ask(again, { method: 'GET', path, key: teams.alpha })).status).toBe(200)
    await again.close()
  } finally {
    await quiet.destroy()
  }
})

test('an upstream that does not answer is a 503 for what nobody knows, and no guess', async () => {
  await house.simulator.close()
  const answer = await get(`/v1/vaults/${missingIdLike(idOf('vault'))}`, keys.beta)
  expect([answer.status, codeIn(answer)]).toEqual([503, 'ownership.unavailable'])
  // What is known to be one's own is not asked about; it fails as the upstream fails.
  const own = await get(`/v1/files/${idOf('file')}`, keys.alpha)
  expect([own.status, codeIn(own)]).toEqual([502, 'upstream.unreachable'])
})
