// Whose things are whose, through the whole house: to another team they do not exist, letter by letter and in every
// operation; lists show one's own; nobody can write somebody else's name on anything.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operations } from '../../src/upstream/operations.ts'
import { type OwnedKind, ownedByParam, ownedKinds } from '../../src/upstream/owned-kinds.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import type { RawAnswer } from '../support/raw-client.ts'
import {
  addTwoTeams,
  ask,
  comparable,
  form,
  formType,
  makeOneOfEach,
  missingIdLike,
  pathOf,
  type TwoTeams,
} from '../support/two-teams.ts'

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
const onOwned = operations.filter(({ pattern }) =>
  [...pattern.matchAll(/:([a-z_]+)/g)].some(([, name]) => ownedByParam.has(name ?? '')),
)

test('every owned kind was made, and every operation on one is tried', () => {
  expect([...made.keys()].sort()).toEqual(ownedKinds.map(({ kind }) => kind).sort())
  expect(onOwned.length).toBeGreaterThan(70)
})

test.each(onOwned.map((operation): [string, (typeof onOwned)[number]] => [operation.id, operation]))(
  '%s: what belongs to another team answers as what is missing, byte for byte',
  async (_, operation) => {
    const bodies = operation.body === 'json' ? ['{}', '{"name":"x","version":1}'] : [undefined]
    for (const body of bodies) {
      const request = (named: (kind: OwnedKind) => string) =>
        ask(house, {
          method: operation.method,
          path: pathOf(operation, named),
          key: keys.beta,
          ...(operation.body === 'stream'
            ? { body: form('files[]', 'any/SKILL.md', 'x'), contentType: formType }
            : body === undefined
              ? {}
              : { body }),
        })
      const missing = (kind: OwnedKind) => missingIdLike(idOf(kind))
      const ids = ownedKinds.flatMap(({ kind }) => [idOf(kind), missing(kind)])
      const [theirs, nobodys] = [await request(idOf), await request(missing)]
      expect(comparable(theirs, ids)).toEqual(comparable(nobodys, ids))
      expect(theirs.status).toBeGreaterThanOrEqual(400)
      expect(theirs.body.toString()).not.toMatch(/tollgate|alpha/i)
    }
  },
)

test('nothing of it was changed, and its owner still has it', async () => {
  for (const { kind, path } of ownedKinds) {
    const answer = await ask(house, { method: 'GET', path: `${path}/${idOf(kind)}`, key: keys.alpha })
    expect([kind, answer.status]).toEqual([kind, 200])
    expect(JSON.parse(answer.body.toString()).archived_at ?? null).toBeNull()
  }
})

/** The same request twice: with what alpha owns, and with what nobody has. */
async function compareWithMissing(
  make: (id: string) => Omit<Parameters<typeof ask>[1], 'key'>,
  kind: OwnedKind,
): Promise<RawAnswer> {
  const [theirs, nobodys] = [idOf(kind), missingIdLike(idOf(kind))]
  const answers = [
    await ask(house, { ...make(theirs), key: keys.beta }),
    await ask(house, { ...make(nobodys), key: keys.beta }),
  ] as const
  const ids = [theirs, nobodys]
  // This simulator takes a message or a skill without looking at the file or the skill. Then both are taken.
  const [first, second] = answers
  expect(first.status).toBe(second.status)
  if (first.status !== 200 || make('').method === 'GET') {
    expect(comparable(first, ids)).toEqual(comparable(second, ids))
  }
  return first
}

test('an id in a body, a query or a cursor is no way around: it is refused as a missing one is', async () => {
  const mine = await makeOneOfEach(house, keys.beta)
  const of = (kind: OwnedKind): string => mine.get(kind) ?? ''
  const run = { agent: of('agent'), environment_id: of('environment') }
  const post = (path: string, body: object) => ({ method: 'POST', path, body })
  const say = [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }]
  const image = (id: string) => ({ type: 'image', source: { type: 'file', file_id: id } })
  const agent = (more: object) => post('/v1/agents', { name: 'x', model: 'claude-sonnet-5-5', ...more })
  const requests: readonly [OwnedKind, (id: string) => Omit<Parameters<typeof ask>[1], 'key'>][] = [
    ['agent', (id) => post('/v1/sessions', { ...run, agent: id })],
    ['agent', (id) => post('/v1/sessions', { ...run, agent: { type: 'agent', id, version: 1 } })],
    [
      'agent',
      (id) => ({
        method: 'POST',
        path: '/v1/sessions',
        // The same id to every parser, written in another way.
        body: `{"agent":{"type":"agent","id":"\\u0061${id.slice(1)}"},"environment_id":"${of('environment')}"}`,
      }),
    ],
    ['environment', (id) => post('/v1/sessions', { ...run, environment_id: id })],
    ['vault', (id) => post('/v1/sessions', { ...run, vault_ids: [of('vault'), id] })],
    ['file', (id) => post('/v1/sessions', { ...run, resources: [{ type: 'file', file_id: id }] })],
    [
      'memory_store',
      (id) => post('/v1/sessions', { ...run, resources: [{ type: 'memory_store', memory_store_id: id }] }),
    ],
    ['file', (id) => post(`/v1/sessions/${of('session')}/resources`, { type: 'file', file_id: id })],
    [
      'file',
      (id) =>
        post(`/v1/sessions/${of('session')}/events`, {
          events: [{ type: 'user.message', content: [image(id)] }],
        }),
    ],
    ['agent', (id) => post('/v1/deployments', { ...run, agent: id, name: 'd', initial_events: say })],
    ['vault', (id) => post(`/v1/deployments/${of('deployment')}`, { vault_ids: [id] })],
    ['agent', (id) => agent({ multiagent: { type: 'coordinator', agents: [id] } })],
    [
      'agent',
      (id) =>
        agent({
          multiagent: {
            type: 'multiagent_20261001',
            subagents: { type: 'enabled', predefined_agents: [id] },
          },
        }),
    ],
    ['skill', (id) => agent({ skills: [{ type: 'custom', skill_id: id }] })],
    [
      'session',
      (id) =>
        post('/v1/dreams', {
          model: 'claude-opus-4-8',
          inputs: [
            { type: 'memory_store', memory_store_id: of('memory_store') },
            { type: 'sessions', session_ids: [of('session'), id] },
          ],
        }),
    ],
    [
      'memory_store',
      (id) =>
        post('/v1/dreams', {
          model: 'claude-opus-4-8',
          inputs: [
            { type: 'memory_store', memory_store_id: id },
            { type: 'sessions', session_ids: [of('session')] },
          ],
        }),
    ],
    ['message_batch', (id) => ({ method: 'GET', path: `/v1/messages/batches?after_id=${id}` })],
  ]
  for (const [kind, make] of requests) {
    const answer = await compareWithMissing(make, kind)
    const isTaken = kind === 'skill' || answer.body.includes('"user.message"')
    expect([kind, answer.status >= 400]).toEqual([kind, !isTaken])
  }
  const sent = house.simulator.requests().filter(({ method }) => method !== 'GET')
  const bodies = sent.slice(-2 * requests.length).map(({ bodyText }) => bodyText)
  for (const kind of new Set(requests.map(([each]) => each))) {
    expect([kind, bodies.some((body) => body.includes(idOf(kind)))]).toEqual([kind, false])
  }
  const filters: readonly [OwnedKind, string][] = [
    ['agent', '/v1/sessions?agent_id='],
    ['deployment', '/v1/sessions?limit=1&deployment_id='],
    ['deployment', '/v1/deployment_runs?deployment_id='],
    ['session', '/v1/files?scope_id='],
  ]
  for (const [kind, path] of filters) {
    const answer = await compareWithMissing((id) => ({ method: 'GET', path: path + id }), kind)
    expect(JSON.parse(answer.body.toString()).data).toEqual([])
  }
})

const lists = ownedKinds.map(({ kind, path }): [OwnedKind, string] => [kind, path])

test.each(lists)(
  'a list of every %s shows one’s own, and cuts the rest out of the text',
  async (kind, path) => {
    const whole = await ask(house, { method: 'GET', path: `${path}?limit=50`, key: house.key })
    const mine = await ask(house, { method: 'GET', path: `${path}?limit=50`, key: keys.alpha })
    expect(mine.status).toBe(200)
    const idsIn = (answer: RawAnswer): string[] =>
      JSON.parse(answer.body.toString()).data.map((each: { readonly id: string }) => each.id)
    const others = idsIn(whole).filter((id) => !idsIn(mine).includes(id))
    expect(idsIn(mine)).toContain(idOf(kind))
    expect(others.length).toBeGreaterThan(0)
    for (const id of others) expect(mine.body.toString()).not.toContain(id)
    // Every element that is left stands in the whole answer letter by letter.
    const still = (answer: RawAnswer): string => answer.body.toString().replaceAll(/[\d.]+/g, '0')
    const text = still(mine)
    const elements = text.slice(text.indexOf('[') + 1, text.lastIndexOf(']'))
    expect(elements.split('},{"id"').every((part) => still(whole).includes(part))).toBe(true)
  },
)

test('a walk by pages finds all of one’s own, in full pages whatever of others lies between', async () => {
  const sdk = house.client({ apiKey: keys.alpha })
  const names: string[] = []
  for (let round = 0; round < 3; round++) {
    for (const key of [keys.beta, keys.alpha, keys.beta]) {
      const body = { name: `page ${round}`, model: 'claude-sonnet-5-5' }
      const { id } = JSON.parse(
        (await ask(house, { method: 'POST', path: '/v1/agents', key, body })).body.toString(),
      )
      if (key === keys.alpha) names.push(id)
    }
  }
  const found: string[] = []
  const own = [...names.toReversed(), idOf('agent')]
  for (const limit of [1, 2, 3]) {
    const sizes: number[] = []
    found.length = 0
    for await (const page of (await sdk.beta.agents.list({ limit })).iterPages()) {
      sizes.push(page.data.length)
      for (const each of page.data) found.push(each.id)
    }
    expect(found).toEqual(own)
    // What others own behind one's last shows as one more page at most, never as how much it is.
    const full = sizes.slice(0, Math.floor(own.length / limit))
    expect(full.every((size) => size === limit)).toBe(true)
    expect(sizes.length).toBeLessThanOrEqual(own.length / limit + 1)
  }
})

test('a walk by ids skips what is not shown, in both directions, and its cursors are one’s own', async () => {
  const body = {
    requests: [
      {
        custom_id: 'one',
        params: { model: 'claude-sonnet-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] },
      },
    ],
  }
  const own: string[] = []
  for (const key of [keys.beta, keys.beta, keys.alpha, keys.beta, keys.alpha, keys.beta, keys.beta]) {
    const made = await ask(house, { method: 'POST', path: '/v1/messages/batches', key, body })
    if (key === keys.alpha) own.push(JSON.parse(made.body.toString()).id)
  }
  const sdk = house.client({ apiKey: keys.alpha })
  const found: string[] = []
  for await (const page of (await sdk.messages.batches.list({ limit: 1 })).iterPages()) {
    expect([page.first_id, page.last_id]).toEqual([page.data[0]?.id ?? null, page.data.at(-1)?.id ?? null])
    expect(page.data.length).toBeLessThanOrEqual(1)
    for (const each of page.data) found.push(each.id)
  }
  expect(found).toEqual([...own.toReversed(), idOf('message_batch')])
  const back: string[] = []
  for await (const page of (
    await sdk.messages.batches.list({ limit: 1, before_id: idOf('message_batch') })
  ).iterPages()) {
    for (const each of page.data) back.push(each.id)
  }
  expect(back).toEqual(own)
})

test('whoever may see everything gets the upstream’s own bytes, and nobody is asked', async () => {
  await ask(house, { method: 'GET', path: `/v1/files/${idOf('file')}`, key: house.key })
  const before = house.simulator.requests().length
  const through = await ask(house, { method: 'GET', path: '/v1/agents', key: house.key })
  const one = await ask(house, { method: 'GET', path: `/v1/vaults/${idOf('vault')}`, key: house.key })
  expect([through.status, one.status]).toEqual([200, 200])
  expect(house.simulator.requests()).toHaveLength(before + 2)
})

test('what is made carries its owner and its exchange, and only those bytes are added', async () => {
  const body = '{ "name" : "caf\\u00e9", "model":"claude-sonnet-5-5" , "metadata": {"a": "b"}\n}'
  const answer = await ask(house, { method: 'POST', path: '/v1/agents', key: keys.alpha, body })
  const { metadata } = JSON.parse(answer.body.toString())
  expect(metadata).toEqual({
    a: 'b',
    tollgate_owner: 'alpha/maker',
    tollgate_exchange: expect.stringMatching(/^req_/),
  })
  const seen = house.simulator.requests().at(-1)?.bodyText ?? ''
  const stamp = `,"tollgate_owner":"alpha/maker","tollgate_exchange":"${metadata.tollgate_exchange}"`
  expect(seen.replace(stamp, '')).toBe(body)
})

test('nobody writes, moves or wipes a stamp', async () => {
  const before = house.simulator.requests().length
  for (const [path, metadata] of [
    ['/v1/agents', { tollgate_owner: 'alpha/maker' }],
    [`/v1/agents/${idOf('agent')}`, { tollgate_owner: null }],
    [`/v1/environments/${idOf('environment')}`, { tollgate_owner: '' }],
    [`/v1/deployments/${idOf('deployment')}`, null],
  ] as const) {
    const body = { name: 'x', model: 'claude-sonnet-5-5', version: 1, metadata }
    const answer = await ask(house, { method: 'POST', path, key: keys.alpha, body })
    expect([path, answer.status, JSON.parse(answer.body.toString()).error.details?.error_code]).toEqual([
      path,
      400,
      'ownership.key_reserved',
    ])
  }
  expect(house.simulator.requests()).toHaveLength(before)
})

test('somebody else’s object costs as many questions as a missing one, known or not', async () => {
  const count = async (id: string): Promise<number> => {
    const before = house.simulator.requests().length
    await ask(house, { method: 'GET', path: `/v1/sessions/${id}`, key: keys.beta })
    return house.simulator.requests().length - before
  }
  // The first two are in memory: their owner has just used them.
  const known = idOf('session')
  await ask(house, { method: 'GET', path: `/v1/sessions/${known}`, key: keys.alpha })
  expect([await count(known), await count(known)]).toEqual([2, 2])
  expect([await count(missingIdLike(known)), await count(missingIdLike(known))]).toEqual([2, 2])
})

test('audit names who reached for what', async () => {
  await house.writer.flush()
  const rows = await house.ledger.query<{ decision: string; rules: string; team: string; status: number }>(
    "SELECT decision, rules, team, status FROM tollgate.exchanges FINAL WHERE operation = 'vaults.retrieve' AND team = 'beta' AND path LIKE {path: String}",
    { path: `%${idOf('vault')}` },
  )
  expect(rows[0]).toMatchObject({ decision: 'denied', team: 'beta', rules: `hidden vault/${idOf('vault')}` })
})
