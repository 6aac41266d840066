// The TLS listener itself: what it negotiates, files renewed under way, and a stop that waits for nobody.
import { once } from 'node:events'
import { Agent, request } from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { createAuthority } from '../support/authority.ts'
import { openTlsHouse, serverCertificate, type TlsHouse, writeWorkloads } from '../support/tls-house.ts'
import { until } from '../support/until.ts'

const mesh = createAuthority('mesh')
const runner = { uris: ['spiffe://prod.acme.example/runner'] }
const rules = `workloads:
  - id: mesh
    trust_domain: prod.acme.example
    callers:
      - { when: { path: /runner }, caller: runner, team: platform, roles: [admin] }
`
const agents = '/v1/agents?beta=true'

async function openHouse(client: 'optional' | 'required' = 'optional'): Promise<TlsHouse> {
  const house = await openTlsHouse(mesh.certPem, client)
  onTestFinished(() => house.destroy())
  writeWorkloads(house, rules)
  await house.refreshPolicies()
  return house
}

/** Shakes hands and tells what came of it; rejects when nothing did. */
async function shake(house: TlsHouse, options: tls.ConnectionOptions = {}) {
  const { port } = new URL(house.gatewayUrl)
  const socket = tls.connect({ ...house.connection(), host: '127.0.0.1', port: Number(port), ...options })
  try {
    await once(socket, 'secureConnect')
    const certificate = socket.getPeerX509Certificate()
    const { alpnProtocol } = socket
    return { protocol: socket.getProtocol(), serial: certificate?.serialNumber, alpnProtocol }
  } finally {
    socket.destroy()
  }
}

const problemOf = async (house: TlsHouse): Promise<string> => (await house.admin('/ready')).text()

test('TLS 1.2 and 1.3 are spoken, older is not, and HTTP/2 is not promised', async () => {
  const house = await openHouse()
  expect(await shake(house)).toMatchObject({ protocol: 'TLSv1.3' })
  expect(await shake(house, { maxVersion: 'TLSv1.2' })).toMatchObject({ protocol: 'TLSv1.2' })
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await expect(shake(house, old)).rejects.toThrow()
  expect(await shake(house, { ALPNProtocols: ['h2', 'http/1.1'] })).toMatchObject({
    alpnProtocol: 'http/1.1',
  })
})

test('a client cannot renegotiate, and cannot bring its certificate along from an earlier connection', async () => {
  const house = await openHouse()
  const port = Number(new URL(house.gatewayUrl).port)
  const connect = (session?: Buffer) =>
    tls.connect({
      ...house.connection(mesh.issue(runner)),
      host: '127.0.0.1',
      port,
      maxVersion: 'TLSv1.2',
      ...(session === undefined ? {} : { session }),
    })
  const first = connect()
  await once(first, 'secureConnect')
  const renegotiated = new Promise<boolean>((resolve) => {
    first.once('error', () => resolve(false))
    first.once('close', () => resolve(false))
    first.renegotiate({}, (error) => resolve(error === null))
  })
  expect(await renegotiated).toBe(false)
  const session = first.getSession()
  first.destroy()
  const second = connect(session)
  await once(second, 'secureConnect')
  expect(second.isSessionReused()).toBe(false)
  second.destroy()
})

test('plain HTTP on the TLS port gets no answer, and the listener goes on', async () => {
  const house = await openHouse()
  const socket = net.connect(Number(new URL(house.gatewayUrl).port), '127.0.0.1')
  const received: Buffer[] = []
  socket.on('data', (chunk) => received.push(chunk))
  socket.on('error', () => {})
  socket.write('GET /v1/agents HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(socket, 'close')
  expect(Buffer.concat(received).toString('latin1')).not.toContain('HTTP/')
  expect((await house.get(agents, mesh.issue(runner))).status).toBe(200)
})

test('where a certificate is required, nobody without a good one gets as far as a request', async () => {
  const house = await openHouse('required')
  const before = house.simulator.requests().length
  const withKey = { headers: ['x-api-key', house.key] }
  await expect(house.get(agents, undefined, withKey)).rejects.toThrow()
  await expect(house.get(agents, createAuthority('stranger').issue(runner), withKey)).rejects.toThrow()
  await expect(
    house.get(agents, mesh.issue({ ...runner, endsMs: Date.now() - 1 }), withKey),
  ).rejects.toThrow()
  expect(house.simulator.requests().length).toBe(before)
  expect((await house.get(agents, mesh.issue(runner))).status).toBe(200)
  expect((await house.get(agents, mesh.issue({}), withKey)).status).toBe(200)
})

test('a renewed certificate is served without a restart; a bad one leaves the last good and turns readiness red', async () => {
  const house = await openHouse()
  const { serial } = await shake(house)
  const next = serverCertificate()
  house.writeTls({ server: next })
  const renewed = await until(
    () => shake(house),
    (now) => now.serial !== serial,
  )
  house.writeTls({ server: { ...next, keyPem: serverCertificate().keyPem } })
  expect(
    await until(
      () => problemOf(house),
      (text) => text.includes('is the key of another certificate'),
    ),
  ).toContain('certificate')
  expect(await shake(house)).toEqual(renewed)
  house.writeTls({ server: next })
  await until(
    async () => (await house.admin('/ready')).status,
    (status) => status === 200,
  )
})

test('an authority that is taken away takes its workloads with it, open connections and streams too', async () => {
  const house = await openHouse()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const shown = mesh.issue(runner)
  const client = house.clientWith(shown)
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
  expect((await house.get(agents, shown, { agent })).status).toBe(200)

  const successor = createAuthority('successor')
  house.writeTls({ clientCaPem: mesh.certPem + successor.certPem })
  await until(
    async () => (await house.get(agents, successor.issue(runner))).status,
    (status) => status === 200,
  )
  // While both are there nobody is thrown out: so authorities change without an outage.
  expect((await house.get(agents, shown, { agent })).status).toBe(200)

  house.writeTls({ clientCaPem: successor.certPem })
  expect(await ended).toBe('cut')
  expect((await house.get(agents, shown, { agent })).status).toBe(401)
  expect((await house.get(agents, shown)).status).toBe(401)
  expect((await house.get(agents, successor.issue(runner))).status).toBe(200)
})

test('a stop lets a running call finish, ends streams, and waits for no handshake', async () => {
  const house = await openHouse()
  const shown = mesh.issue(runner)
  const silent = net.connect(Number(new URL(house.gatewayUrl).port), '127.0.0.1')
  silent.on('error', () => {})
  await once(silent, 'connect')
  const idle = tls.connect({
    ...house.connection(),
    host: '127.0.0.1',
    port: Number(new URL(house.gatewayUrl).port),
  })
  idle.on('error', () => {})
  await once(idle, 'secureConnect')
  const client = house.clientWith(shown)
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
  const call = request(`${house.gatewayUrl}${agents}`, {
    ...house.connection(shown),
    agent: false,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'managed-agents-2026-04-01',
      'transfer-encoding': 'chunked',
      expect: '100-continue',
    },
  })
  call.flushHeaders()
  await once(call, 'continue')
  const answered = new Promise<number | undefined>((resolve) => {
    call.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    call.on('error', () => resolve(undefined))
  })
  const closed = Promise.all([once(silent, 'close'), once(idle, 'close')])
  const closing = house.close()
  expect(await ended).toBe('ended')
  call.end(JSON.stringify({ name: 'late', model: 'claude-sonnet-5-5' }))
  expect(await answered).toBe(200)
  await closing
  await closed
})
