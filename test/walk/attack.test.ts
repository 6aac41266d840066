// Attacks on the corridor, each with what it must not achieve: a hostile client, a hostile upstream, raw bytes on real sockets.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import http from 'node:http'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Corridor, openCorridor } from '../support/corridor.ts'
import { deferred } from '../support/deferred.ts'
import { type RawAnswer, send } from '../support/raw-client.ts'
import { type Answer, type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts'
import { untilStill } from '../support/still.ts'

let upstream: RawUpstream
let corridor: Corridor

afterEach(async () => {
  await corridor.close()
  await upstream.close()
})

async function between(answer: Answer): Promise<void> {
  upstream = await startRawUpstream(answer)
  corridor = await openCorridor(upstream.url)
}

const json = (_request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
}

const host = ['host', 'tollgate', 'connection', 'close', 'content-length', '2']
const createSession = (headers: readonly string[]): Promise<RawAnswer> =>
  send(`${corridor.url}/v1/sessions`, { method: 'POST', headers: [...host, ...headers], body: '{}' })
const codeOf = (answer: RawAnswer): unknown => JSON.parse(answer.body.toString()).error.details.error_code

test('a body with two content types is refused: it was judged by one and could be read by the other', async () => {
  await between(json)
  const types = ['content-type', 'application/json', 'Content-Type', 'multipart/form-data; boundary=x']
  expect(codeOf(await createSession(types))).toBe('arrive.request_malformed')
  expect(upstream.seen).toEqual([])
})

test('Connection cannot take away the content type a body was judged by, nor what Tollgate states itself', async () => {
  await between(json)
  await send(`${corridor.url}/v1/sessions`, {
    method: 'POST',
    headers: [
      ...['host', 'tollgate', 'content-length', '2', 'content-type', 'application/json'],
      ...['connection', 'close, Content-Type, host, authorization, content-length'],
    ],
    body: '{}',
  })
  expect(upstream.seen[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'content-length': '2',
    host: new URL(upstream.url).host,
  })
  expect(upstream.seen[0]?.headers.authorization).toMatch(/^Bearer /)
})

test('a caller cannot choose another account, workspace, method or path than the ones that were judged', async () => {
  await between(json)
  const names = ['cookie', 'x-http-method-override', 'x-method-override', 'x-original-url', 'x-rewrite-url']
  await createSession(['content-type', 'application/json', ...names.flatMap((name) => [name, 'DELETE'])])
  for (const name of names) expect(upstream.seen[0]?.headers[name]).toBeUndefined()
  const elsewhere = await createSession([
    'content-type',
    'application/json',
    'anthropic-workspace-id',
    'wrkspc_1',
  ])
  expect([elsewhere.status, upstream.seen.length]).toEqual([400, 1])
})

test('long calls of one caller leave the connections of short calls to the others', async () => {
  upstream = await startRawUpstream((request, response) => {
    if (request.url === '/v1/agents') json(request, response)
  })
  corridor = await openCorridor(upstream.url, { connectionsMax: 1 })
  const headers = { 'content-type': 'application/json', connection: 'close' }
  const waiting = [
    http
      .request(`${corridor.url}/v1/messages`, { method: 'POST', agent: false, headers })
      .on('error', () => {}),
    http.request(`${corridor.url}/v1/files/f/content`, { agent: false }).on('error', () => {}),
  ]
  waiting[0]?.end('{}')
  waiting[1]?.end()
  await expect.poll(() => upstream.seen.length).toBe(2)
  expect((await send(`${corridor.url}/v1/agents`)).status).toBe(200)
  for (const request of waiting) request.destroy()
})

test('a caller cannot have a metered answer cut to a part that nobody can read', async () => {
  await between(json)
  await createSession(['content-type', 'application/json', 'range', 'bytes=0-0', 'if-none-match', '*'])
  expect(upstream.seen[0]?.headers.range).toBeUndefined()
  expect(upstream.seen[0]?.headers['if-none-match']).toBeUndefined()
})

test('headers beyond the thousandth are still headers: a body cannot hide its length behind them', async () => {
  await between(json)
  const filler = Array.from({ length: 1_100 }, () => ['a', '']).flat()
  const answer = await send(`${corridor.url}/v1/sessions/s`, {
    method: 'DELETE',
    headers: ['host', 'tollgate', 'connection', 'close', ...filler, 'content-length', '2'],
    body: '{}',
  })
  expect(codeOf(answer)).toBe('arrive.body_unexpected')
  expect(upstream.seen).toEqual([])
})

test('a path of any length is refused in the envelope and audited, never echoed', async () => {
  await between(json)
  for (const length of [600, 2_000, 9_000]) {
    const answer = await send(`${corridor.url}/v1/agents/${'a'.repeat(length)}/x`)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.body.toString()).not.toContain('aaaa')
    expect(JSON.parse(answer.body.toString()).type).toBe('error')
  }
  await corridor.settledCount(3)
  expect(upstream.seen).toEqual([])
})

test('hanging up on a creation hides nothing from the ledger', async () => {
  const arrived = deferred()
  const left = deferred()
  await between((_request, response) => {
    arrived.resolve()
    void left.promise.then(() => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ type: 'session', id: 'sesn_1', status: 'idle' }))
    })
  })
  const request = http.request(`${corridor.url}/v1/sessions`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  })
  request.on('error', () => {})
  request.end('{}')
  await arrived.promise
  request.destroy()
  await corridor.settledCount(1)
  expect(corridor.settled[0]).toMatchObject({ status: 499, end_reason: 'client_gone' })
  left.resolve()
  await expect.poll(() => corridor.sightings).toMatchObject([{ session_id: 'sesn_1', created_here: true }])
})

test('an upstream that talks on while a shutdown waits for a client that does not read hurts nobody', async () => {
  const talking = deferred<ServerResponse>()
  await between((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
    talking.resolve(response)
  })
  const accepted = once(corridor.app.server, 'connection')
  const client = net.connect(corridor.port, '127.0.0.1')
  client.on('error', () => {})
  client.write('GET /v1/sessions/s/events/stream HTTP/1.1\r\nhost: tollgate\r\n\r\n')
  await once(client, 'data')
  client.pause()
  const [socket] = (await accepted) as [net.Socket]
  const response = await talking.promise
  response.on('error', () => {})
  const event = `data: ${'x'.repeat(2_000)}\n\n`
  // Until the kernel takes no more, and not so far that the upstream is held back.
  while (socket.writableLength === 0) {
    response.write(event)
    await new Promise((resolve) => setImmediate(resolve))
  }
  corridor.gateway.endStreams()
  const before = corridor.settled.length
  response.write(event)
  response.write(event)
  await untilStill(() => socket.bytesRead + response.writableLength)
  expect(corridor.settled.length).toBe(before)
  client.destroy()
  await corridor.settledCount(1)
})

test('a client that stalls in the middle of a refused body does not hold up the shutdown', async () => {
  await between(json)
  corridor.gateway.endStreams()
  const socket = net.connect({ port: corridor.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  socket.write('POST //nowhere HTTP/1.1\r\nhost: tollgate\r\ncontent-length: 1000\r\n\r\n')
  await once(socket, 'data')
  const closed = corridor.app.close()
  corridor.gateway.cutAll()
  await closed
  socket.destroy()
  corridor = await openCorridor(upstream.url)
})

test('bodies that never end cannot fill the memory: beyond a bound the next is told to come again', async () => {
  upstream = await startRawUpstream(json)
  corridor = await openCorridor(upstream.url, { bodyLimitBytes: 4096 })
  const stalled = Array.from({ length: 16 }, () => net.connect(corridor.port, '127.0.0.1'))
  const post = 'POST /v1/sessions HTTP/1.1\r\nhost: tollgate\r\ncontent-type: application/json\r\n'
  for (const socket of stalled) {
    socket.on('error', () => {})
    socket.write(`${post}transfer-encoding: chunked\r\n\r\n`)
  }
  await expect.poll(() => corridor.gateway.openExchanges()).toBe(16)
  const refused = await createSession(['content-type', 'application/json'])
  expect([refused.status, codeOf(refused), refused.headers['x-should-retry']]).toEqual([
    503,
    'gateway.busy',
    'true',
  ])
  for (const socket of stalled) socket.destroy()
  await corridor.settledCount(17)
  expect((await createSession(['content-type', 'application/json'])).status).toBe(200)
})
