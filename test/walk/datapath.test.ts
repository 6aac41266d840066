// What a proxy can get wrong, each with a test: the corridor between a raw client and a raw upstream.
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { createGzip, gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { type Corridor, openCorridor, upstreamKey } from '../support/corridor.ts'
import { deferred } from '../support/deferred.ts'
import { open, send, sendBytes } from '../support/raw-client.ts'
import { type Answer, type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts'
import { impostorCertificate, startSelfSigned } from '../support/self-signed.ts'
import { untilStill } from '../support/still.ts'

let upstream: RawUpstream
let corridor: Corridor

afterEach(async () => {
  await corridor.close()
  await upstream.close()
})

async function between(
  answer: Answer,
  options: Parameters<typeof openCorridor>[1] & { early?: boolean } = {},
): Promise<void> {
  upstream = await startRawUpstream(answer, { early: options.early ?? false })
  corridor = await openCorridor(upstream.url, options)
}

const json: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'request-id': 'req_upstream' })
  response.end('{"ok":true}')
}
const stream = '/v1/sessions/sesn_1/events/stream'

test('a body goes up byte for byte, odd numbers and white space included', async () => {
  await between(json)
  const body =
    '{ "name" : "\\u00e9\u00e9", "big":12345678901234567890,\n"x":1e400 ,"nested":{"a":[1,2,{"b":null}]}}'
  await send(`${corridor.url}/v1/environments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(upstream.seen[0]?.body.toString('utf8')).toBe(body)
})

test('both of the caller’s credentials are replaced by the upstream’s', async () => {
  await between(json)
  await send(`${corridor.url}/v1/agents`, {
    headers: { authorization: 'Bearer tg_caller', 'x-api-key': 'tg_caller' },
  })
  const seen = upstream.seen[0]
  expect(seen?.headers.authorization).toBe(`Bearer ${upstreamKey}`)
  expect(seen?.rawHeaders.join('\n')).not.toContain('tg_caller')
  expect(seen?.headers['x-api-key']).toBeUndefined()
})

test('hop-by-hop fields stay on their hop, in both directions', async () => {
  await between((_request, response) => {
    response.writeHead(200, [
      'Keep-Alive',
      'timeout=7',
      'X-Kept',
      'yes',
      'Trailer',
      'X-Sum',
      'Content-Type',
      'text/plain',
    ])
    response.addTrailers({ 'X-Sum': '1' })
    response.end('x')
  })
  const answer = await send(`${corridor.url}/v1/agents`, {
    headers: [
      'Host',
      'tollgate',
      'Connection',
      'close, X-Secret-Hop',
      'X-Secret-Hop',
      '1',
      'TE',
      'trailers',
      'Proxy-Authorization',
      'Basic eA==',
      'Expect',
      '100-continue',
      'X-Kept',
      'up',
    ],
  })
  const seen = upstream.seen[0]
  for (const name of ['x-secret-hop', 'te', 'proxy-authorization', 'expect'])
    expect(seen?.headers[name]).toBeUndefined()
  expect(seen?.headers['x-kept']).toBe('up')
  expect(seen?.headers.host).toBe(new URL(upstream.url).host)
  expect(answer.headers['x-kept']).toBe('yes')
  expect(answer.headers.trailer).toBeUndefined()
  // The client asked for `close` and gets what its own hop means, not the upstream's word.
  expect(answer.headers.connection).toBe('close')
})

test('where the client is and what it traces does not reach the upstream as its word', async () => {
  await between(json)
  await send(`${corridor.url}/v1/agents`, {
    headers: {
      'x-forwarded-for': '6.6.6.6',
      forwarded: 'for=6.6.6.6',
      baggage: 'email=a@b.c',
      tracestate: 'v=1',
      traceparent: '00-11111111111111111111111111111111-2222222222222222-00',
    },
  })
  const seen = upstream.seen[0]
  for (const name of ['x-forwarded-for', 'forwarded', 'baggage', 'tracestate'])
    expect(seen?.headers[name]).toBeUndefined()
  expect(seen?.headers['traceparent']).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/)
})

test('duplicate request headers stay separate, and unknown ones pass', async () => {
  await between(json)
  await send(`${corridor.url}/v1/agents`, {
    headers: ['Host', 'x', 'X-Twice', '1', 'x-twice', '2', 'anthropic-beta', 'a,b'],
  })
  const raw = upstream.seen[0]?.rawHeaders ?? []
  expect(raw.filter((_, index) => raw[index - 1]?.toLowerCase() === 'x-twice')).toEqual(['1', '2'])
  expect(upstream.seen[0]?.headers['anthropic-beta']).toBe('a,b')
})

test('the query goes up as it came, brackets and order included', async () => {
  await between(json)
  await send(
    `${corridor.url}/v1/sessions?types[]=a&types%5B%5D=b&created_at[gte]=2026-01-01T00%3A00%3A00Z&beta=true`,
  )
  expect(upstream.seen[0]?.url).toBe(
    '/v1/sessions?types[]=a&types%5B%5D=b&created_at[gte]=2026-01-01T00%3A00%3A00Z&beta=true',
  )
})

test('a 503 is asked once and passed on: retries are the SDK’s', async () => {
  await between((_request, response) => {
    response.writeHead(503, { 'retry-after': '1', 'content-type': 'application/json' })
    response.end('{"type":"error"}')
  })
  const answer = await send(`${corridor.url}/v1/agents`)
  expect(answer.status).toBe(503)
  expect(answer.headers['retry-after']).toBe('1')
  expect(upstream.seen).toHaveLength(1)
})

test('redirects, 304 and their headers pass untouched', async () => {
  await between((request, response) => {
    response.writeHead(request.url === '/v1/agents' ? 302 : 304, {
      location: 'https://elsewhere.example/',
      etag: '"1"',
    })
    response.end()
  })
  const redirect = await send(`${corridor.url}/v1/agents`)
  expect([redirect.status, redirect.headers.location]).toEqual([302, 'https://elsewhere.example/'])
  expect((await send(`${corridor.url}/v1/sessions`)).status).toBe(304)
  expect(upstream.seen).toHaveLength(2)
})

test('a compressed answer keeps its bytes, and a metered one is asked for plain', async () => {
  const zipped = gzipSync('{"data":[]}')
  await between((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    response.end(zipped)
  })
  const untapped = await send(`${corridor.url}/v1/agents`, { headers: { 'accept-encoding': 'gzip' } })
  expect(untapped.body.equals(zipped)).toBe(true)
  expect(upstream.seen[0]?.headers['accept-encoding']).toBe('gzip')
  const tapped = await send(`${corridor.url}/v1/sessions`, { headers: { 'accept-encoding': 'gzip' } })
  expect(tapped.body.equals(zipped)).toBe(true)
  expect(upstream.seen[1]?.headers['accept-encoding']).toBe('identity')
  expect(corridor.tapFailures).toEqual(['answer_compressed'])
})

test('a chunked request body arrives whole', async () => {
  await between(json)
  const request = http.request(`${corridor.url}/v1/environments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    agent: false,
  })
  request.write('{"name":')
  request.write('"in two chunks"}')
  request.end()
  const [response] = await once(request, 'response')
  response.resume()
  await once(response, 'end')
  expect(upstream.seen[0]?.body.toString()).toBe('{"name":"in two chunks"}')
  expect(upstream.seen[0]?.headers['content-length']).toBe('24')
})

test('`Expect: 100-continue` is answered here and the call goes through', async () => {
  await between(json)
  const request = http.request(`${corridor.url}/v1/environments`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'content-length': 2, expect: '100-continue' },
  })
  request.flushHeaders()
  await once(request, 'continue')
  request.end('{}')
  const [response] = await once(request, 'response')
  response.resume()
  expect(response.statusCode).toBe(200)
  expect(upstream.seen[0]?.headers.expect).toBeUndefined()
})

test('an unreachable upstream is 502 in the upstream’s envelope, without an address', async () => {
  await between(json)
  await upstream.close()
  const answer = await send(`${corridor.url}/v1/agents`)
  const body = JSON.parse(answer.body.toString())
  expect(answer.status).toBe(502)
  expect(body).toMatchObject({
    type: 'error',
    error: { type: 'api_error', details: { error_code: 'upstream.unreachable' } },
  })
  expect(answer.headers['request-id']).toBe(body.request_id)
  expect(answer.body.toString()).not.toMatch(/127\.0\.0\.1|ECONN/)
  upstream = await startRawUpstream(json)
})

test('an upstream that resets or talks garbage is 502 upstream.broken', async () => {
  await between((request, response) => {
    if (request.url === '/v1/agents') request.socket.resetAndDestroy()
    else response.socket?.end('GARBAGE\r\n\r\n')
  })
  for (const path of ['/v1/agents', '/v1/vaults']) {
    const answer = await send(corridor.url + path)
    expect([answer.status, JSON.parse(answer.body.toString()).error.details.error_code]).toEqual([
      502,
      'upstream.broken',
    ])
  }
})

test('an upstream that never answers is 504', async () => {
  await between(() => {}, { headersTimeoutMs: 1 })
  const answer = await send(`${corridor.url}/v1/agents`)
  expect([answer.status, JSON.parse(answer.body.toString()).error.type]).toEqual([504, 'timeout_error'])
})

test('an upstream that dies in mid-body breaks the client’s answer too, without a clean end', async () => {
  await between((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': '1000' })
    response.write('x'.repeat(10), () => response.destroy())
  })
  await expect(send(`${corridor.url}/v1/files/file_1/content`)).rejects.toThrow()
  await corridor.settledCount(1)
  expect(corridor.settled[0]).toMatchObject({ end_reason: 'upstream_broke', error_code: 'upstream.broken' })
})

test('an impostor with a self-signed certificate gets neither the key nor a byte', async () => {
  const impostor = await startSelfSigned()
  upstream = await startRawUpstream(json)
  corridor = await openCorridor(impostor.url)
  const answer = await send(`${corridor.url}/v1/agents`)
  expect(answer.status).toBe(502)
  expect(impostor.requests()).toBe(0)
  // The same server is trusted once its certificate is: the refusal was the certificate's, nothing else's.
  await corridor.close()
  corridor = await openCorridor(impostor.url, { caPem: impostorCertificate })
  expect((await send(`${corridor.url}/v1/agents`)).status).toBe(200)
  await corridor.close()
  await impostor.close()
  corridor = await openCorridor(upstream.url)
})

test('malformed HTTP gets the envelope and goes nowhere', async () => {
  await between(json)
  const answer = await sendBytes(corridor.port, 'THIS IS NOT HTTP\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(answer).toContain('"error_code":"arrive.request_malformed"')
  expect(upstream.seen).toHaveLength(0)
})

test('HEAD and unknown methods are refused, and open no connection upstream', async () => {
  await between(json)
  for (const method of ['HEAD', 'PUT', 'OPTIONS', 'PATCH']) {
    expect((await send(`${corridor.url}/v1/agents`, { method })).status).toBe(404)
  }
  expect(upstream.connections()).toBe(0)
})

test('paths that two readers could read differently are refused', async () => {
  await between(json)
  const lines = [
    '/v1/../v1/agents',
    '/v1//agents',
    '/v1/agents/',
    '/V1/agents',
    '/v1/agents;x=1',
    '/v1/%61gents',
    '/v1/agents%2fa',
    '//evil.example/v1/agents',
    'http://evil.example/v1/agents',
    '/v1/agents\\x',
    '/v1/agents/%2e%2e/x',
    '/%zz',
  ]
  for (const line of lines) {
    const answer = await sendBytes(
      corridor.port,
      `GET ${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    expect([line, answer.slice(0, 12)]).toEqual([line, expect.stringMatching(/^HTTP\/1\.1 40[04]$/)])
    expect(answer).toContain('"type":"error"')
  }
  expect(upstream.seen).toHaveLength(0)
})

test('a request line smuggled behind two lengths goes nowhere', async () => {
  await between(json)
  const smuggled =
    'POST /v1/environments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/vaults HTTP/1.1\r\nHost: x\r\n\r\n'
  await sendBytes(corridor.port, smuggled)
  expect(upstream.seen.map((seen) => seen.url)).not.toContain('/v1/vaults')
})

test('the head of a silent stream is there before its first event', async () => {
  await between((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-first': '1' })
    response.flushHeaders()
  })
  const { request, response } = await open(corridor.url + stream)
  expect([response.statusCode, response.headers['x-first']]).toEqual([200, '1'])
  request.destroy()
})

test('a silent stream outlives the silence that ends an ordinary answer', async () => {
  const held = deferred<http.ServerResponse>()
  await between(
    (request, response) => {
      response.writeHead(200, {
        'content-type': request.url === stream ? 'text/event-stream' : 'application/json',
      })
      response.flushHeaders()
      if (request.url === stream) held.resolve(response)
    },
    { bodyTimeoutMs: 50 },
  )
  const { request, response } = await open(corridor.url + stream)
  const event = once(response, 'data')
  // The upstream stalls this one after its head, so the time limit of short calls has certainly passed.
  await expect(send(`${corridor.url}/v1/agents`)).rejects.toThrow()
  const upstreamResponse = await held.promise
  upstreamResponse.write('event: late\ndata: {}\n\n')
  expect(String((await event)[0])).toContain('event: late')
  request.destroy()
})

test('an early hint is not the answer, and an upgrade is not granted', async () => {
  await between((request, response, body) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => json(request, response, body))
  })
  const answer = await send(`${corridor.url}/v1/agents`, {
    headers: { connection: 'Upgrade', upgrade: 'websocket' },
  })
  expect([answer.status, answer.body.toString()]).toEqual([200, '{"ok":true}'])
  expect(upstream.seen[0]?.headers.upgrade).toBeUndefined()
})

test('a malformed content type is refused, and does not fail inside', async () => {
  await between(json)
  const answer = await send(`${corridor.url}/v1/environments`, {
    method: 'POST',
    headers: { 'content-type': ';;nonsense' },
    body: '{}',
  })
  expect([answer.status, JSON.parse(answer.body.toString()).error.details.error_code]).toEqual([
    415,
    'body.type_unsupported',
  ])
  expect(upstream.seen).toHaveLength(0)
})

test('more than 128 streams stay open at once, and calls go on beside them', async () => {
  await between((request, response) => {
    if (request.url !== stream) return json(request, response, Buffer.alloc(0))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
  })
  const streams = await Promise.all(Array.from({ length: 200 }, () => open(corridor.url + stream)))
  expect((await send(`${corridor.url}/v1/agents`)).status).toBe(200)
  for (const { request } of streams) request.destroy()
  await corridor.settledCount(201)
})

test('a client that leaves a stream closes it upstream', async () => {
  const closed = deferred()
  await between((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: ping\ndata: {}\n\n')
    response.on('close', () => closed.resolve())
  })
  const { request } = await open(corridor.url + stream)
  request.destroy()
  await closed.promise
  await corridor.settledCount(1)
  expect(corridor.settled[0]).toMatchObject({ status: 499, end_reason: 'client_gone', error_code: '' })
})

test('a client that leaves before the head aborts the upstream too', async () => {
  const arrived = deferred()
  const closed = deferred()
  await between((_request, response) => {
    arrived.resolve()
    response.on('close', () => closed.resolve())
  })
  const request = http.get(`${corridor.url}/v1/agents`, { agent: false })
  request.on('error', () => {})
  await arrived.promise
  request.destroy()
  await closed.promise
  await corridor.settledCount(1)
  expect(corridor.settled[0]).toMatchObject({ status: 499, end_reason: 'client_gone' })
})

test('an upstream that cuts a stream cuts it for the client', async () => {
  await between((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: a\ndata: {}\n\n', () => response.destroy())
  })
  await expect(send(corridor.url + stream)).rejects.toThrow()
  await corridor.settledCount(1)
  expect(corridor.settled[0]?.end_reason).toBe('upstream_broke')
})

test('1,000 aborted streams leave nothing open', async () => {
  let openUpstream = 0
  await between((_request, response) => {
    openUpstream += 1
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: a\ndata: {}\n\n')
    response.on('close', () => {
      openUpstream -= 1
    })
  })
  for (let round = 0; round < 20; round += 1) {
    const streams = await Promise.all(Array.from({ length: 50 }, () => open(corridor.url + stream)))
    for (const { request } of streams) request.destroy()
    await corridor.settledCount((round + 1) * 50)
  }
  expect(corridor.gateway.openExchanges()).toBe(0)
  await expect.poll(() => openUpstream).toBe(0)
  expect(corridor.settled).toHaveLength(1000)
})

test('a spare connection that never carried a request does not hold up the shutdown', async () => {
  await between(json)
  const spare = net.connect(corridor.port, '127.0.0.1')
  await once(spare, 'connect')
  await send(`${corridor.url}/v1/agents`)
  const gone = once(spare, 'close')
  corridor.gateway.endStreams()
  await Promise.all([corridor.app.close(), gone])
  corridor = await openCorridor(upstream.url)
})

test('stream bytes arrive identical, however the frames are cut, and broken frames hurt nobody', async () => {
  const text =
    'event: session.status_running\ndata: {"id":"sevt_1","type":"session.status_running","processed_at":"2026-11-23T00:00:00Z"}\n\n: comment\n\nevent: broken\ndata: {"a":\n\ndata: no event line\n\nevent: x\r\ndata: é漢字😀\r\n\r\nid: 7\nretry: 1\nevent: error\ndata: {"type":"error"}\n\n\u0000\u0001garbage\n\n'
  const bytes = Buffer.from(text)
  await between(async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const byte of bytes) {
      response.write(Buffer.from([byte]))
      if (byte === 10) await new Promise((resolve) => setImmediate(resolve))
    }
    response.end()
  })
  const answer = await send(corridor.url + stream)
  expect(answer.body.equals(bytes)).toBe(true)
  expect(corridor.sightings.map((seen) => seen.about === 'event' && seen.event_id)).toEqual(['sevt_1'])
  expect(corridor.tapFailures).toContain('frame_not_json')
})

test('a hostile endless frame ends the reading, not the stream', async () => {
  const block = Buffer.alloc(1024 * 1024, 'x')
  await between((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: ')
    for (let i = 0; i < 20; i += 1) response.write(block)
    response.end('\n\nevent: session.status_idle\ndata: {"id":"sevt_2","type":"session.status_idle"}\n\n')
  })
  const answer = await send(corridor.url + stream)
  expect(answer.body.length).toBeGreaterThan(20 * block.length)
  expect(corridor.tapFailures).toEqual(['frame_too_large'])
})

test('a stalled client holds the upstream back instead of filling our memory', async () => {
  const block = Buffer.alloc(64 * 1024, 'x')
  let written = 0
  await between((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const pump = (): void => {
      while (!response.destroyed && written < 200 * 1024 * 1024) {
        written += block.length
        if (!response.write(block)) break
      }
    }
    response.on('drain', pump)
    pump()
  })
  const { request, response } = await open(corridor.url + stream)
  response.pause()
  await untilStill(() => written)
  expect(written).toBeLessThan(32 * 1024 * 1024)
  request.destroy()
})

test('an upload passes unread, larger than the body limit, and is held back by a slow upstream', async () => {
  const total = 64 * 1024 * 1024
  const arrived = deferred<http.IncomingMessage>()
  await between((request) => arrived.resolve(request), { early: true, bodyLimitBytes: 1024 })
  const request = http.request(`${corridor.url}/v1/files`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-length': total },
  })
  request.on('error', () => {})
  const block = Buffer.alloc(1024 * 1024, 'u')
  let sentBytes = 0
  const write = async (): Promise<void> => {
    for (; sentBytes < total; sentBytes += block.length)
      if (!request.write(block)) await once(request, 'drain')
    request.end()
  }
  const written = write()
  const atUpstream = await arrived.promise
  expect(await untilStill(() => sentBytes)).toBeLessThan(total / 2)
  let receivedBytes = 0
  atUpstream.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length
  })
  await Promise.all([written, once(atUpstream, 'end')])
  expect(receivedBytes).toBe(total)
  request.destroy()
})

test('a large gzip stream of an untapped answer passes under back-pressure', async () => {
  await between((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' })
    const gzip = createGzip()
    gzip.on('data', (chunk: Buffer) => response.write(chunk))
    gzip.on('end', () => response.end())
    gzip.end(Buffer.alloc(8 * 1024 * 1024, 'abcdefgh'))
  })
  const answer = await send(`${corridor.url}/v1/files/file_1/content`)
  expect(answer.headers['content-encoding']).toBe('gzip')
  expect(answer.status).toBe(200)
})
