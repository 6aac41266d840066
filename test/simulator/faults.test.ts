// Faults on demand: each one as a raw socket sees it, and what the unmodified SDK makes of it.
import net from 'node:net'
import { createGunzip, gunzipSync } from 'node:zlib'
import Anthropic, { APIConnectionError, APIError, BadRequestError } from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createManualClock, type FaultInput, startSimulator } from '../../src/simulator/simulator.ts'
import { open, send } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

const model = 'claude-sonnet-5-5'
const header = (fault: object | string) => ({
  'x-simulator-fault': typeof fault === 'string' ? fault : JSON.stringify(fault),
})

async function house() {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const headers = {
    authorization: `Bearer ${simulator.apiKey}`,
    'anthropic-version': '2026-10-21',
    'anthropic-beta': 'managed-agents-2026-04-01',
  }
  const createAgent = (fault: object | string) =>
    client.beta.agents.create({ name: 'a', model }, { headers: header(fault) })
  const agents = async () => (await client.beta.agents.list()).data.length
  const startSession = async () => {
    const environment = await client.beta.environments.create({ name: 'e' })
    const agent = await client.beta.agents.create({ name: 'a', model })
    return client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  }
  return { simulator, clock, client, headers, createAgent, agents, startSession }
}

type House = Awaited<ReturnType<typeof house>>

/** A request over a socket of its own; everything that came back, as it stands and when it is over. */
function talk({ simulator, headers }: House, path: string, own: Record<string, string> = {}) {
  const socket = net.connect(Number(new URL(simulator.url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  let code: string | undefined
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code
  })
  const lines = Object.entries({ host: 'simulator', ...headers, ...own }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)))
  return {
    text: () => text,
    body: () => text.slice(text.indexOf('\r\n\r\n') + 4),
    errorCode: () => code,
    closed,
    hangUp: () => socket.destroy(),
  }
}

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

test('a dropped create has taken effect or not, as asked, and the client cannot tell', async () => {
  const { createAgent, agents } = await house()
  expect(await failureOf(createAgent('drop=before'))).toBeInstanceOf(APIConnectionError)
  expect(await agents()).toBe(0)
  expect(await failureOf(createAgent('drop=after'))).toBeInstanceOf(APIConnectionError)
  expect(await agents()).toBe(1)
})

test('every status comes before or after the effect, with its own error type, with and without a wait', async () => {
  const { createAgent, agents } = await house()
  const types: Readonly<Record<number, string>> = {
    400: 'invalid_request_error',
    402: 'billing_error',
    403: 'permission_error',
    408: 'timeout_error',
    409: 'conflict_error',
    429: 'rate_limit_error',
    500: 'api_error',
    503: 'api_error',
    504: 'timeout_error',
    529: 'overloaded_error',
  }
  let made = 0
  for (const [status, type] of Object.entries(types)) {
    for (const when of ['before', 'after'] as const) {
      const error = await failureOf(
        createAgent(`status=${status}; when=${when}; retry_after=7; error_code=x_y`),
      )
      if (!(error instanceof APIError)) throw new Error('no API error')
      expect([error.status, error.type, error.errorCode]).toEqual([Number(status), type, 'x_y'])
      expect(error.headers?.get('retry-after')).toBe('7')
      expect(error.requestID).toMatch(/^req_/)
      if (when === 'after') made += 1
      expect(await agents()).toBe(made)
    }
  }
  const plain = await failureOf(createAgent({ status: 529, should_retry: false, retry_after_ms: 5 }))
  if (!(plain instanceof APIError)) throw new Error('no API error')
  const told = ['retry-after', 'retry-after-ms', 'x-should-retry'].map((name) => plain.headers?.get(name))
  expect(told).toEqual([null, '5', 'false'])
  const bodies = ['html', 'empty', 'broken'].map((body) => createAgent(`status=502; error_body=${body}`))
  for (const error of await Promise.all(bodies.map(failureOf))) expect(error).toMatchObject({ status: 502 })
})

test('a create that failed after its effect and is tried again by the SDK exists twice', async () => {
  const { simulator, agents, client } = await house()
  simulator.faults.add({ method: 'POST', path: '/v1/agents', status: 529, when: 'after', retry_after_ms: 1 })
  const made = await client.beta.agents.create({ name: 'a', model }, { maxRetries: 1 })
  expect(made.id).toMatch(/^agent_/)
  expect(await agents()).toBe(2)
})

const adminAnswer = z.strictObject({
  data: z
    .array(z.looseObject({ id: z.string(), fired: z.number(), remaining: z.number().nullable() }))
    .optional(),
  cleared: z.number().optional(),
  error: z.unknown().optional(),
  type: z.string().optional(),
  request_id: z.string().optional(),
})

test('booked faults meet the requests they name, as often as they say, and tell how often they did', async () => {
  const { simulator, client } = await house()
  const admin = async (method: string, path = '', body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
    const answer = await fetch(`${simulator.url}/simulator/faults${path}`, init)
    return { status: answer.status, body: adminAnswer.parse(await answer.json()) }
  }
  const booked = await admin('POST', '', [
    { path: '/v1/agents/*', method: 'get', skip: 1, times: 2, status: 503 },
    { path: '/v1/agents/**', times: null, headers: { 'x-new': '1' } },
  ])
  expect(booked.body.data?.map(({ id }) => id)).toEqual(['fault_1', 'fault_2'])
  const agent = await client.beta.agents.create({ name: 'a', model })
  const outcomes: (string | null)[] = []
  for (let asked = 0; asked < 4; asked += 1) {
    const answer = await client.beta.agents
      .retrieve(agent.id)
      .withResponse()
      .then(({ response }) => response)
      .catch((error: unknown) => (error instanceof APIError ? error : null))
    outcomes.push(`${answer?.status} ${answer?.headers?.get('x-new')}`)
  }
  expect(outcomes).toEqual(['200 1', '503 1', '503 1', '200 1'])
  const counts = (await admin('GET')).body.data?.map(({ fired, remaining }) => [fired, remaining])
  // The create is `/v1/agents` itself, which `/**` takes in.
  expect(counts).toEqual([
    [2, 0],
    [5, null],
  ])
  expect((await admin('DELETE', '/fault_2')).body).toEqual({ cleared: 1 })
  expect((await admin('DELETE', '/fault_2')).status).toBe(404)
  expect((await admin('DELETE')).body).toEqual({ cleared: 1 })
  expect((await admin('GET')).body).toEqual({ data: [] })
})

test('a fault that cannot be read is refused by the name of its field', async () => {
  const { createAgent, simulator } = await house()
  const wrong = [
    'status=200',
    'drop=sometimes',
    'cut_after_bytes=x',
    'nonsense',
    '{"status"',
    'events=a; when=now',
  ]
  const fields = ['status', 'drop', 'cut_after_bytes', 'nonsense', 'JSON', 'when']
  for (const [at, fault] of wrong.entries()) {
    const error = await failureOf(createAgent(fault))
    expect(error).toBeInstanceOf(BadRequestError)
    expect(String(error)).toContain(fields[at])
  }
  const booking = { method: 'POST', body: JSON.stringify([{}, { times: 0 }]) }
  const refused = await fetch(`${simulator.url}/simulator/faults`, booking)
  expect([refused.status, JSON.stringify(await refused.json())]).toEqual([
    400,
    expect.stringContaining('1.times'),
  ])
  expect(simulator.faults.list()).toEqual([])
})

test('an answer is cut after exactly so many bytes of its body', async () => {
  const own = await house()
  const whole = (await send(`${own.simulator.url}/v1/models`, { headers: own.headers })).body
  for (const bytes of [0, 1, 50, whole.length - 1]) {
    const talked = talk(own, '/v1/models', header({ cut_after_bytes: bytes }))
    await talked.closed
    expect(talked.text()).toContain(`content-length: ${whole.length}`)
    expect(talked.body()).toBe(whole.subarray(0, bytes).toString())
  }
  const reset = talk(own, '/v1/models', header('drop=after; reset'))
  await reset.closed
  expect(reset.errorCode()).toBe('ECONNRESET')
})

test('a stream is cut after exactly so many bytes, and the SDK does not take that for its end', async () => {
  const own = await house()
  const { client, clock } = own
  const session = await own.startSession()
  const path = `/v1/sessions/${session.id}/events/stream`
  const stalled = talk(own, path, header('stall_after_bytes=10'))
  const stream = await client.beta.sessions.events.stream(
    session.id,
    {},
    { headers: header('cut_after_bytes=40') },
  )
  const talked = talk(own, path, header('cut_after_bytes=40'))
  await until(own.simulator.openStreams, (count) => count === 3)
  await client.beta.sessions.events.send(session.id, { events: [say('go')] })
  clock.advance(60_000)
  await talked.closed
  const [size = '', rest = ''] = talked.body().split('\r\n')
  expect([Number.parseInt(size, 16), rest.length]).toEqual([rest.length, 40])
  expect(rest).toMatch(/^event: user\.message\ndata: \{/)
  const drained = (async () => {
    for await (const event of stream) expect(event.type).toBe('never')
  })()
  expect(await failureOf(drained)).toBeDefined()
  await until(stalled.body, (body) => body.includes('event: use'))
  expect(stalled.body()).toBe('a\r\nevent: use\r\n')
  stalled.hangUp()
  await until(own.simulator.openStreams, (count) => count === 0)
})

const say = (text: string) => ({ type: 'user.message' as const, content: [{ type: 'text' as const, text }] })

/** The stream of one turn with and without the fault, both as the SDK reads them. */
async function streamTwice(own: House, fault: FaultInput) {
  const { client, clock, simulator } = own
  const session = await own.startSession()
  const plain = await client.beta.sessions.events.stream(session.id)
  const faulty = await client.beta.sessions.events.stream(session.id, {}, { headers: header(fault) })
  const raw = await open(`${simulator.url}/v1/sessions/${session.id}/events/stream`, {
    headers: { ...own.headers, ...header(fault) },
  })
  const rawChunks: Buffer[] = []
  raw.response.on('data', (chunk: Buffer) => rawChunks.push(chunk))
  const untilIdle = async (stream: typeof plain) => {
    const seen: object[] = []
    for await (const event of stream) {
      seen.push(event)
      if (event.type === 'session.status_idle') break
    }
    return seen
  }
  const seen = Promise.all([untilIdle(plain), untilIdle(faulty)])
  await client.beta.sessions.events.send(session.id, { events: [say('go')] })
  clock.advance(60_000)
  const [expected, got] = await seen
  const bytes = await until(
    () => Buffer.concat(rawChunks),
    (all) => fault.gzip === true || all.includes('session.status_idle'),
  )
  raw.request.destroy()
  return { expected, got, text: bytes.toString('latin1'), headers: raw.response.headers }
}

test('the SDK reads the same events however the bytes are cut, lined and packed', async () => {
  const own = await house()
  const harmless: readonly FaultInput[] = [
    { write_bytes: 1 },
    { write_bytes: 7, line_end: 'crlf' },
    { line_end: 'cr' },
    { gzip: true },
    { gzip: true, write_bytes: 3 },
    { heartbeat: 'comment' },
    { headers: { 'x-unheard-of': 'yes' }, informational: [102, 103] },
  ]
  for (const fault of harmless) {
    const { expected, got, text, headers } = await streamTwice(own, fault)
    expect(got, JSON.stringify(fault)).toEqual(expected)
    expect(expected.length).toBeGreaterThan(4)
    if (fault.line_end === 'crlf') expect(text).toMatch(/^event: [^\r\n]+\r\ndata: [^\r\n]+\r\n\r\n/)
    if (fault.line_end === 'cr') expect(text).not.toContain('\n')
    expect(headers['content-encoding']).toBe(fault.gzip === true ? 'gzip' : undefined)
  }
})

test('events come twice, padded, with fields and neighbours that nobody knows', async () => {
  const own = await house()
  const twice = await streamTwice(own, { event_copies: 2, events: ['agent.message'] })
  const messages = (events: readonly object[]) =>
    events.filter((event) => 'type' in event && event.type === 'agent.message')
  expect(messages(twice.got)).toEqual(messages(twice.expected).flatMap((event) => [event, event]))
  expect(twice.got.length - twice.expected.length).toBe(messages(twice.expected).length)

  const padded = await streamTwice(own, { event_padding_bytes: 1024 * 1024, events: ['agent.message'] })
  const [message] = messages(padded.got)
  expect(message).toHaveProperty('simulator_padding', 'x'.repeat(1024 * 1024))

  const unknown = await streamTwice(own, { event_unknown: true, unknown_fields: true })
  const types = unknown.got.map((event) => ('type' in event ? event.type : ''))
  expect(types.filter((type) => type === 'simulator.unknown_event').length).toBe(unknown.expected.length)
  expect(unknown.got[1]).toMatchObject({
    ...unknown.expected[0],
    simulator_unknown_field: { values: [1, 'two', null] },
  })
})

test('a heartbeat is a comment or an event, as asked', async () => {
  const own = await house()
  const session = await own.startSession()
  const path = `/v1/sessions/${session.id}/events/stream`
  const comment = talk(own, path, header('heartbeat=comment'))
  const event = talk(own, path, header('heartbeat=ping; line_end=crlf'))
  await until(own.simulator.openStreams, (count) => count === 2)
  own.clock.advance(15_000)
  await until(comment.body, (body) => body.includes(': ping\n\n'))
  expect(comment.body()).not.toContain('event:')
  await until(event.body, (body) => body.includes('event: ping\r\ndata: {"type":"ping"}\r\n\r\n'))
})

test('each piece of a body leaves on its own', async () => {
  const own = await house()
  const { body } = await send(`${own.simulator.url}/v1/models`, { headers: own.headers })
  const talked = talk(own, '/v1/models', header('write_bytes=64; close'))
  await talked.closed
  expect(talked.body()).toBe(body.toString())
  const session = await own.startSession()
  const stream = talk(own, `/v1/sessions/${session.id}/events/stream`, header('write_bytes=5'))
  await until(own.simulator.openStreams, (count) => count === 1)
  own.clock.advance(15_000)
  await until(stream.body, (text) => text.includes('g"}\n\n'))
  expect(stream.body()).toContain('5\r\nevent\r\n5\r\n: pin\r\n')
})

test('slow heads, slow bodies and late events keep the simulator’s time', async () => {
  const own = await house()
  const { clock, simulator } = own
  const whole = (await send(`${simulator.url}/v1/models`, { headers: own.headers })).body.toString()
  const timers = clock.pending()
  const waiting = () => until(clock.pending, (count) => count === timers + 1)

  const late = talk(own, '/v1/models', header('head_delay_ms=5000; close'))
  await waiting()
  clock.advance(4_999)
  expect(late.text()).toBe('')
  clock.advance(1)
  await late.closed
  expect(late.body()).toBe(whole)

  const slow = talk(own, '/v1/models', header('bytes_per_second=500'))
  for (let bytes = 0; bytes < 200; bytes += 50) {
    await waiting()
    expect(slow.body()).toBe(whole.slice(0, bytes))
    clock.advance(99)
    expect(clock.pending()).toBe(timers + 1)
    clock.advance(1)
    await until(slow.body, (body) => body.length === bytes + 50)
  }
  slow.hangUp()
  await until(clock.pending, (count) => count === timers)

  const session = await own.startSession()
  const path = `/v1/sessions/${session.id}/events/stream`
  const [stream, prompt] = [talk(own, path, header('event_delay_ms=30000')), talk(own, path)]
  await until(simulator.openStreams, (count) => count === 2)
  await own.client.beta.sessions.events.send(session.id, { events: [say('go')] })
  await until(prompt.body, (body) => body.includes('event: user.message'))
  clock.advance(29_999)
  // What was sent in time would be here before the answer to one more request.
  await own.client.models.list()
  expect(stream.body()).toBe('')
  clock.advance(1)
  await until(stream.body, (body) => body.includes('event: user.message'))
})

test('gzip comes whole for JSON and piece by piece for events', async () => {
  const own = await house()
  const plain = await send(`${own.simulator.url}/v1/models`, { headers: own.headers })
  const zipped = await send(`${own.simulator.url}/v1/models`, {
    headers: { ...own.headers, ...header('gzip') },
  })
  expect(zipped.headers['content-encoding']).toBe('gzip')
  expect(zipped.headers['content-length']).toBe(String(zipped.body.length))
  expect(gunzipSync(zipped.body)).toEqual(plain.body)

  const session = await own.startSession()
  const { response, request } = await open(`${own.simulator.url}/v1/sessions/${session.id}/events/stream`, {
    headers: { ...own.headers, ...header('gzip') },
  })
  onTestFinished(() => void request.destroy())
  const gunzip = createGunzip()
  let text = ''
  gunzip.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  response.on('data', (chunk: Buffer) => gunzip.write(chunk))
  own.clock.advance(15_000)
  await until(
    () => text,
    (all) => all === 'event: ping\ndata: {"type":"ping"}\n\n',
  )
})

test('a content-length lies by as much as asked, and the connection ends', async () => {
  const own = await house()
  const { body } = await send(`${own.simulator.url}/v1/models`, { headers: own.headers })
  for (const off of [7, -7]) {
    const talked = talk(own, '/v1/models', header({ content_length_off: off }))
    await talked.closed
    expect(talked.text()).toContain(`content-length: ${body.length + off}\r\n`)
    expect(talked.body()).toBe(body.toString())
  }
})

test('interim answers, headers, trailers and a closing connection are on the wire', async () => {
  const own = await house()
  const fault = {
    informational: [100, 102, 103],
    headers: { 'X-New': 'a' },
    trailers: { 'X-Sum': 'b' },
    close: true,
  }
  const text = await talk(own, '/v1/models', header(fault)).closed
  const order = [
    'HTTP/1.1 100 ',
    'HTTP/1.1 102 ',
    'HTTP/1.1 103 ',
    'HTTP/1.1 200 ',
    'X-New: a',
    '\r\n0\r\nX-Sum: b\r\n',
  ]
  const places = order.map((piece) => text.indexOf(piece))
  expect(places).toEqual(places.toSorted((a, b) => a - b))
  expect(places).not.toContain(-1)
  expect(text).toContain('trailer: X-Sum\r\n')
  expect(text.toLowerCase()).toContain('connection: close\r\n')
})

test('unknown fields are on every JSON answer and on each item of a list', async () => {
  const { client, simulator, headers } = await house()
  simulator.faults.add({ times: null, unknown_fields: true })
  const made = await client.beta.agents.create({ name: 'a', model })
  const page = JSON.parse((await send(`${simulator.url}/v1/agents`, { headers })).body.toString())
  for (const each of [made, page.data[0], page]) expect(each).toHaveProperty('simulator_unknown_field')
  await client.beta.agents.create({ name: 'b', model })
  const walked: string[] = []
  for await (const agent of client.beta.agents.list({ limit: 1 })) walked.push(agent.name)
  expect(walked.toSorted()).toEqual(['a', 'b'])
})

test('a download goes through every fault of the body, and an upload is dropped with and without its effect', async () => {
  const { client, headers, simulator } = await house()
  const content = Buffer.alloc(3 * 1024 * 1024, 'tollgate ')
  const upload = (fault: string) =>
    client.beta.files.upload(
      { file: new File([content], 'big.txt', { type: 'text/plain' }) },
      { headers: header(fault) },
    )
  expect(await failureOf(upload('drop=before'))).toBeInstanceOf(APIConnectionError)
  expect(await failureOf(upload('status=529; when=after'))).toBeInstanceOf(APIError)
  const { data } = await client.beta.files.list()
  expect(data.map(({ size_bytes: bytes }) => bytes)).toEqual([content.length])
  // An upload cannot be downloaded again; what a tool has written can.
  const written = await send(`${simulator.url}/simulator/files?filename=big.txt`, {
    method: 'POST',
    body: content,
  })
  const { id } = z.looseObject({ id: z.string() }).parse(JSON.parse(written.body.toString()))
  const path = `${simulator.url}/v1/files/${id}/content`
  const plain = await send(path, { headers })
  expect(plain.body.equals(content)).toBe(true)
  for (const fault of ['write_bytes=65536', 'gzip', 'event_copies=3; unknown_fields']) {
    const answer = await send(path, { headers: { ...headers, ...header(fault) } })
    const body = fault === 'gzip' ? gunzipSync(answer.body) : answer.body
    expect(body.equals(content)).toBe(true)
  }
  await expect(send(path, { headers: { ...headers, ...header('cut_after_bytes=10') } })).rejects.toThrow(
    'aborted',
  )
  expect((await send(path, { headers })).body.equals(content)).toBe(true)
})
