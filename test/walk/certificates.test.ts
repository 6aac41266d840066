// Workloads that show a client certificate instead of a key, through the real gateway over TLS.
import { Agent } from 'node:https'
import { APIError } from '@anthropic-ai/sdk'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createAuthority, type Issued, type Wanted } from '../support/authority.ts'
import { addCaller } from '../support/callers.ts'
import { openTlsHouse, publicAuthority, type TlsHouse, writeWorkloads } from '../support/tls-house.ts'
import { until } from '../support/until.ts'

const mesh = createAuthority('mesh', { uris: ['spiffe://prod.acme.example'] })
const plain = createAuthority('no names of its own')
const stranger = createAuthority('stranger')

const rules = `workloads:
  - id: mesh
    trust_domain: prod.acme.example
    callers:
      - when: { path: /ns/ops/sa/bound }
        caller: bound
        team: platform
        roles: [admin]
        bind: true
      - when: { path: /ns/racks/* }
        caller: rack-{path.3}
        team: platform
        roles: [worker]
      - when: { path: /ns/ops/* }
        caller: mesh-{path.2}.{path.4}
        team: platform
        roles: [admin]
`
const runner = 'spiffe://prod.acme.example/ns/ops/sa/runner'
const listed = mesh.delegate('listed')
const runnerCertificate = mesh.issue({ uris: [runner] })

let house: TlsHouse
let keys: { readonly free: string; readonly bound: string }

beforeAll(async () => {
  house = await openTlsHouse(mesh.certPem + plain.certPem + listed.certPem)
  keys = {
    free: addCaller(house, 'free', 'platform', 'admin'),
    bound: addCaller(house, 'bound', 'platform', 'admin'),
  }
  writeWorkloads(house, rules)
  await house.refreshPolicies()
}, 60_000)
afterAll(async () => {
  await house?.destroy()
})
afterEach(async () => {
  writeWorkloads(house, rules)
  await house.refreshPolicies()
})

const agents = '/v1/agents?beta=true'

async function refusal(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof APIError)) throw new Error('it was not refused')
  return { status: error.status, message: error.message }
}

test('the address printed for people says https', () => {
  expect(house.gatewayUrl).toMatch(/^https:/)
  expect(house.printed()).toContain(house.gatewayUrl)
})

test('an unmodified SDK with a certificate and no key is the caller its SPIFFE id names, in the audit too', async () => {
  const client = house.clientWith(runnerCertificate)
  const agent = await client.beta.agents.create({ name: 'made by a workload', model: 'claude-sonnet-5-5' })
  expect(agent.metadata['tollgate_owner']).toBe('platform/mesh-ops.runner')
  await house.writer.flush()
  const rows = await house.ledger.query<{ caller: string; key_id: string }>(
    "SELECT caller, key_id FROM tollgate.exchanges FINAL WHERE operation = 'agents.create' LIMIT 1",
  )
  expect(rows).toEqual([{ caller: 'mesh-ops.runner', key_id: 'mesh' }])
  const sent = house.simulator.requests().at(-1)
  expect(sent?.headers['x-api-key'] ?? sent?.headers['authorization']).toBeDefined()
})

const hourMs = 3_600_000
const unfit: readonly [string, () => Issued, string][] = [
  ['of an authority nobody knows', () => stranger.issue({ uris: [runner] }), 'vouches'],
  [
    'that the public authority of the gateway signed',
    () => publicAuthority.issue({ uris: [runner] }),
    'vouches',
  ],
  [
    'that it signed itself',
    () => createAuthority('self', { uris: [runner], isCa: false, usage: 's' }),
    'vouches',
  ],
  ['that has expired', () => issue({ endsMs: Date.now() - 1_000 }), 'expired'],
  [
    'that is not valid yet',
    () => issue({ startsMs: Date.now() + hourMs, endsMs: Date.now() + 2 * hourMs }),
    'not valid',
  ],
  ['that is for servers alone', () => issue({ purposes: ['server'] }), 'not made for clients'],
  ['without names', () => issue({ uris: [] }), 'no URI name'],
  ['with two ids', () => issue({ uris: [runner, `${runner}2`] }), 'more than one'],
  ['that may sign others', () => issue({ usage: 'sc' }), 'may sign'],
  ['of another trust domain', () => named('spiffe://other.example/ns/ops/sa/runner'), 'vouches'],
  [
    'of a trust domain no rule names',
    () => plain.issue({ uris: ['spiffe://other.example/a'] }),
    'trust domain',
  ],
  [
    'with a way up in its path',
    () => named('spiffe://prod.acme.example/ns/x/../ops/sa/runner'),
    'no SPIFFE id',
  ],
  [
    'with a capital in its domain',
    () => named('spiffe://Prod.acme.example/ns/ops/sa/runner'),
    'no SPIFFE id',
  ],
  ['with a capital in its path', () => named('spiffe://prod.acme.example/NS/ops/sa/runner'), 'no rule'],
  ['with a capital in its name', () => named('spiffe://prod.acme.example/ns/ops/sa/Runner'), 'no rule'],
  [
    'of a namespace that begins like a known one',
    () => named('spiffe://prod.acme.example/ns/ops2/sa/runner'),
    'no rule',
  ],
]
const issue = (wanted: Wanted): Issued => mesh.issue({ uris: [runner], ...wanted })
const named = (uri: string): Issued => mesh.issue({ uris: [uri] })

test.each(unfit)(
  'a certificate %s lets nobody in, and does not stand in the way of a key',
  async (_name, make, reason) => {
    const shown = make()
    const before = house.simulator.requests().length
    const refused = await house.get(agents, shown)
    expect(refused.status).toBe(401)
    expect(refused.body).toContain(reason)
    expect(house.simulator.requests().length).toBe(before)
    const withKey = await house.get(agents, shown, { headers: ['x-api-key', keys.free] })
    expect(withKey.status).toBe(200)
  },
)

test('an authority that names its trust domain speaks for no other, one without a name for each', async () => {
  const other = 'spiffe://prod.acme.example/ns/ops/sa/runner'
  expect((await house.get(agents, plain.issue({ uris: [other] }))).status).toBe(200)
  const below = mesh.delegate('below')
  const chained = below.issue({ uris: [other] })
  const shown = { ...chained, certPem: chained.certPem + below.certPem }
  // A server on Node 24 does not show what stands between; what cannot be followed is refused, never believed.
  const isShown = Number(process.versions.node.split('.')[0]) < 24
  expect((await house.get(agents, shown)).status).toBe(isShown ? 200 : 401)
  expect((await house.get(agents, listed.issue({ uris: [other] }))).status).toBe(200)
  const foreign = plain.delegate('foreign', { uris: ['spiffe://other.example'] })
  const forged = foreign.issue({ uris: [other] })
  const refused = await house.get(agents, { ...forged, certPem: forged.certPem + foreign.certPem })
  expect(refused.status).toBe(401)
})

test('beside a certificate the key decides; where the two are bound, both must be of one caller', async () => {
  const who = async (shown: Issued | undefined, key?: string) => {
    const answer = await house.get(agents, shown, key === undefined ? {} : { headers: ['x-api-key', key] })
    return answer.status === 200
      ? 200
      : `${answer.status} ${/identify\.\w+|certificate[^;]*/.exec(answer.body)?.[0]}`
  }
  const boundCertificate = named('spiffe://prod.acme.example/ns/ops/sa/bound')
  expect(await who(runnerCertificate, keys.free)).toBe(200)
  expect(await who(boundCertificate, keys.bound)).toBe(200)
  expect(await who(boundCertificate)).toBe(200)
  expect(await who(undefined, keys.bound)).toMatch(/^401/)
  expect(await who(runnerCertificate, keys.bound)).toMatch(/^401/)
  expect(
    await who(stranger.issue({ uris: ['spiffe://prod.acme.example/ns/ops/sa/bound'] }), keys.bound),
  ).toMatch(/^401/)
  expect(await who(boundCertificate, 'tg_live_nothing')).toMatch(/^401/)
  // The admin listener sees no certificates, so a bound key opens nothing there.
  expect((await house.admin('/api/v1/usage?group_by=team', keys.bound)).status).toBe(401)
  expect((await house.admin('/api/v1/usage?group_by=team', keys.free)).status).toBe(200)
})

test('a credential in the query, in two headers or mistyped is refused beside a good certificate, never ignored', async () => {
  for (const [path, headers] of [
    [`${agents}&api_key=x`, []],
    [agents, ['x-api-key', 'nothing']],
    [agents, ['authorization', 'Bearer tg_live_nothing']],
    [agents, ['authorization', 'Basic eDp5']],
    [agents, ['authorization', 'Bearer a', 'authorization', 'Bearer b']],
    [agents, ['authorization', 'Bearer sk-ant-api03-x']],
    [agents, ['x-tollgate-key', '']],
  ] as const) {
    expect((await house.get(path, runnerCertificate, { headers })).status).toBe(401)
  }
})

test('a rule that is removed ends the connections and the open streams it let in', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const client = house.clientWith(runnerCertificate)
  const environment = await client.beta.environments.create({ name: 'e' })
  const made = await client.beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  const session = await client.beta.sessions.create({ agent: made.id, environment_id: environment.id })
  const stream = await client.beta.sessions.events.stream(session.id)
  const ended = (async () => {
    for await (const _event of stream);
  })().then(
    () => 'ended',
    () => 'cut',
  )
  await until(house.simulator.openStreams, (open) => open === 1)
  expect((await house.get(agents, runnerCertificate, { agent })).status).toBe(200)

  writeWorkloads(house, rules.replace('/ns/ops/*', '/ns/other/*'))
  await house.refreshPolicies()
  expect(await ended).toBe('cut')
  await until(house.simulator.openStreams, (open) => open === 0)
  expect((await house.get(agents, runnerCertificate, { agent })).status).toBe(401)

  writeWorkloads(house, rules)
  await house.refreshPolicies()
  expect((await house.get(agents, runnerCertificate, { agent })).status).toBe(200)
  agent.destroy()
  await house.writer.flush()
  const rows = await house.ledger.query<{ end_reason: string; error_code: string }>(
    "SELECT end_reason, error_code FROM tollgate.exchanges FINAL WHERE operation = 'sessions.events.stream'",
  )
  expect(rows).toEqual([{ end_reason: 'caller_withdrawn', error_code: 'identify.certificate_refused' }])
})

test('a key that is bound while its stream is open loses the stream', async () => {
  writeWorkloads(house, rules.replace('bind: true', 'bind: false'))
  await house.refreshPolicies()
  const client = house.clientWith(undefined, keys.bound)
  const environment = await client.beta.environments.create({ name: 'e' })
  const made = await client.beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  const session = await client.beta.sessions.create({ agent: made.id, environment_id: environment.id })
  const stream = await client.beta.sessions.events.stream(session.id)
  const ended = (async () => {
    for await (const _event of stream);
  })().then(
    () => 'ended',
    () => 'cut',
  )
  await until(house.simulator.openStreams, (open) => open === 1)
  writeWorkloads(house, rules)
  await house.refreshPolicies()
  expect(await ended).toBe('cut')
  expect((await refusal(client.beta.sessions.retrieve(session.id))).message).toContain('client certificate')
})

test('a worker shows its certificate where it would send `x-tollgate-key`, and the bearer it brings goes up', async () => {
  const admin = house.clientWith(undefined, keys.free)
  const { id } = await admin.beta.environments.create({ name: 'seat', config: { type: 'self_hosted' } })
  const made: unknown = await (
    await fetch(`${house.simulator.url}/simulator/environments/${id}/keys`, { method: 'POST' })
  ).json()
  const environmentKey = /"environment_key":"([^"]+)"/.exec(JSON.stringify(made))?.[1] ?? ''
  const poll = (shown: Issued | undefined, headers: readonly string[]) =>
    house.get(`/v1/environments/${id}/work/poll?beta=true`, shown, { headers })
  const bearer = ['authorization', `Bearer ${environmentKey}`]
  const rack = named('spiffe://prod.acme.example/ns/racks/seven')
  expect((await poll(rack, bearer)).status).toBe(200)
  expect(house.simulator.requests().at(-1)?.headers['authorization']).toBe('[environment_key]')
  expect((await poll(undefined, bearer)).status).toBe(401)
  expect(
    (await poll(stranger.issue({ uris: ['spiffe://prod.acme.example/ns/racks/seven'] }), bearer)).status,
  ).toBe(401)
  // Only where one is taken.
  const elsewhere = await house.get(agents, runnerCertificate, { headers: bearer })
  expect(elsewhere.status).toBe(403)
})
