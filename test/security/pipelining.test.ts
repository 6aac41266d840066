// Attacks by several requests on one connection: decisions and answers never swap, and a refusal never lands in the
// place, or in the middle, of another answer.
import { once } from 'node:events'
import net from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BesiegedHouse, openBesiegedHouse } from '../support/besieged-house.ts'
import { deferred } from '../support/deferred.ts'
import { until } from '../support/until.ts'

let besieged: BesiegedHouse
/** Answers of the upstream wait for it. */
let gate = deferred()

beforeAll(async () => {
  besieged = await openBesiegedHouse((request, response) => {
    if (request.url?.endsWith('/stream') === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      return
    }
    const answer = () =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ url: request.url, data: [] }))
    if (request.url?.includes('slow') === true) void gate.promise.then(answer)
    else answer()
  })
})
afterAll(() => besieged.destroy())

const request = (line: string, key: string, lines: readonly string[] = [], body = ''): string =>
  [`${line} HTTP/1.1`, 'Host: tollgate', `x-api-key: ${key}`, ...lines, '', body].join('\r\n')
const make = (key: string): string =>
  request('POST /v1/environments', key, ['content-type: application/json', 'content-length: 2'], '{}')

test('two callers on one connection are judged each by their own key, in order', async () => {
  const { admin, viewer } = besieged
  const keys = [viewer, admin, viewer, 'tg_live_junk', admin, viewer]
  const before = besieged.upstream.seen.length
  const answers = await besieged.attack(keys.map(make).join(''), keys.length)
  const denied = 'authorize.denied'
  expect(besieged.codesOf(answers)).toEqual([
    denied,
    200,
    denied,
    'identify.credential_malformed',
    200,
    denied,
  ])
  expect(besieged.upstream.seen.slice(before).map(({ method }) => method)).toEqual(['POST', 'POST'])
})

test('a slow answer is not overtaken: refusals behind it come behind it', async () => {
  gate = deferred()
  const { admin, viewer } = besieged
  const bytes =
    request('GET /v1/agents?page=slow', admin) + make(viewer) + request('GET /v1/agents?page=quick', viewer)
  const before = besieged.upstream.seen.length
  const answers = besieged.attack(bytes, 3)
  await until(
    () => besieged.upstream.seen.length - before,
    (seen) => seen === 2,
  )
  gate.resolve()
  const came = await answers
  expect(besieged.codesOf(came)).toEqual([200, 'authorize.denied', 200])
  expect(came.map((each) => /page=\w+/.exec(each.body().toString())?.[0])).toEqual([
    'page=slow',
    undefined,
    'page=quick',
  ])
})

/** Everything that came on one connection until it closed. */
async function rawAnswer(
  first: string,
  wait: (received: () => string) => Promise<unknown>,
  then: string,
): Promise<string> {
  const socket = net.connect(besieged.port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(first)
  const received = () => Buffer.concat(chunks).toString('latin1')
  await wait(received)
  socket.write(then)
  await once(socket, 'close')
  return received()
}

test.each(['GARBAGE\r\n\r\n', 'GET / HTTP/1.1\r\nx y: z\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n'])(
  '%j behind a request that waits is not answered in its place',
  async (garbage) => {
    gate = deferred()
    const before = besieged.upstream.seen.length
    const arrived = () =>
      until(
        () => besieged.upstream.seen.length - before,
        (seen) => seen === 1,
      )
    const came = await rawAnswer(request('GET /v1/agents?page=slow', besieged.admin), arrived, garbage)
    gate.resolve()
    expect(came).toBe('')
  },
)

test('garbage behind a stream ends it, and puts nothing into it', async () => {
  const begun = (received: () => string) => until(received, (text) => text.includes('data: 1'))
  const stream = request('GET /v1/sessions/sesn_1/events/stream', besieged.admin)
  const came = await rawAnswer(stream, begun, 'GARBAGE\r\n\r\n')
  expect(came.match(/HTTP\/1\.1 /g)).toHaveLength(1)
  expect(came).not.toContain('error')
})

const expecting = (line: string, key: string): string =>
  request(line, key, ['content-type: application/json', 'content-length: 2', 'expect: 100-continue'])

test('whoever is refused at the door is not asked for the body', async () => {
  for (const [line, key, code] of [
    ['POST /v1/environments', 'tg_live_junk', 'identify.credential_malformed'],
    ['POST /v1/nowhere', besieged.admin, 'arrive.path_unknown'],
    ['GET /v1/agents', besieged.admin, 'arrive.body_unexpected'],
  ] as const) {
    // The body that was announced is not waited for, and what comes in its place is no request.
    const answers = await besieged.attack(expecting(line, key), 2)
    expect(besieged.codesOf(answers)).toEqual([code])
  }
})

test('whoever is let in is asked for the body, and judged by it', async () => {
  const before = besieged.upstream.seen.length
  const [asked, answer] = await besieged.attack(`${expecting('POST /v1/environments', besieged.admin)}{}`, 2)
  expect(asked?.startLine).toBe('HTTP/1.1 100 Continue')
  expect(answer?.startLine).toMatch(/ 200 /)
  expect(besieged.upstream.seen.slice(before).map(({ headers }) => headers.expect)).toEqual([undefined])
  const denied = await besieged.attack(`${expecting('POST /v1/environments', besieged.viewer)}{}`, 2)
  expect(besieged.codesOf(denied)).toEqual([100, 'authorize.denied'])
})

test.each(['200-ok', '100-continue, 200-ok', 'x=100-continue'])(
  'the expectation %j is refused in the envelope',
  async (expected) => {
    const bytes = expecting('POST /v1/environments', besieged.admin).replace('100-continue', expected)
    expect(besieged.codesOf(await besieged.attack(`${bytes}{}`))).toEqual(['arrive.request_malformed'])
  },
)

test('every refusal was counted', () => besieged.expectAllCounted())
