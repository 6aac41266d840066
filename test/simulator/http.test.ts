// The HTTP around the API: who is let in, in which words the rest is refused, and what every answer carries.
import { once } from 'node:events'
import https from 'node:https'
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib'
import Anthropic, { RateLimitError } from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { createManualClock, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts'
import { send } from '../support/raw-client.ts'
import { impostorCertificate, impostorKey } from '../support/self-signed.ts'

const beta = 'managed-agents-2026-04-01'

async function house(options: SimulatorOptions = {}) {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock, ...options })
  onTestFinished(simulator.close)
  const headers = {
    authorization: `Bearer ${simulator.apiKey}`,
    'anthropic-version': '2026-10-21',
    'anthropic-beta': beta,
  }
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const ask = async (path: string, init: Parameters<typeof send>[1] = {}) => {
    const answer = await send(simulator.url + path, init)
    return { ...answer, json: () => JSON.parse(answer.body.toString()) }
  }
  return { simulator, clock, headers, client, ask }
}

test('every answer names its request, organization and workspace, and an error repeats the request', async () => {
  const { headers, ask } = await house()
  const [fine, unknown] = [await ask('/v1/agents', { headers }), await ask('/v1/agents/x', { headers })]
  expect([fine.status, unknown.status]).toEqual([200, 404])
  for (const answer of [fine, unknown]) {
    expect(answer.headers['request-id']).toMatch(/^req_011C/)
    expect(answer.headers['anthropic-organization-id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.headers['anthropic-workspace-id']).toMatch(/^wrkspc_/)
  }
  expect(unknown.json()).toMatchObject({
    type: 'error',
    error: { type: 'not_found_error' },
    request_id: unknown.headers['request-id'],
  })
})

test('without a credential every path says 401; with one, unknown paths are 404 and wrong methods 405', async () => {
  const { headers, ask } = await house()
  const refusals = [
    [{}, 'x-api-key header is required'],
    [{ 'x-api-key': 'sk-wrong' }, 'invalid x-api-key'],
    [{ authorization: 'Bearer wrong' }, 'Invalid bearer token'],
  ] as const
  for (const path of ['/v1/agents', '/v1/nothing', '/', '/nothing']) {
    for (const [own, message] of refusals) {
      const answer = await ask(path, { headers: own })
      expect([answer.status, answer.json().error]).toEqual([401, { type: 'authentication_error', message }])
    }
  }
  expect((await ask('/v1/nothing', { headers })).json().error).toEqual({
    type: 'not_found_error',
    message: 'Not Found',
  })
  const wrong = await ask('/v1/agents', { method: 'DELETE', headers })
  expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'POST, GET'])
  expect(wrong.json().error.type).toBe('invalid_request_error')
  expect((await ask('/v1/sessions/x/events/stream', { method: 'PUT', headers })).headers['allow']).toBe('GET')
})

test('a request needs a live version and names no beta that nobody knows', async () => {
  const { headers, ask } = await house()
  const { 'anthropic-version': _, ...versionless } = headers
  const tellWith = async (own: Record<string, string | string[]>) => {
    const answer = await ask('/v1/agents', { headers: { ...versionless, ...own } })
    return [answer.status, answer.json().error?.message]
  }
  expect(await tellWith({})).toEqual([400, 'anthropic-version: header is required'])
  expect(await tellWith({ 'anthropic-version': '2020-01-01' })).toEqual([
    400,
    'anthropic-version: "2020-01-01" is not a valid version',
  ])
  expect(await tellWith({ 'anthropic-version': ['2023-06-01', '2023-06-01'] })).toEqual([
    400,
    'anthropic-version: "2023-06-01, 2023-06-01" is not a valid version',
  ])
  for (const version of ['2023-01-01', '2023-06-01', '2026-10-21']) {
    expect((await tellWith({ 'anthropic-version': version }))[0]).toBe(200)
  }
  const betas = await tellWith({
    'anthropic-version': '2023-06-01',
    'anthropic-beta': `${beta},new-2027-01-01`,
  })
  expect(betas[0]).toBe(400)
  expect(betas[1]).toMatch(/^Unexpected value\(s\) `new-2027-01-01` for the `anthropic-beta` header/)
  const two = ['skills-2025-10-02', beta]
  expect((await tellWith({ 'anthropic-version': '2023-06-01', 'anthropic-beta': two }))[0]).toBe(200)
})

test('each key has its own requests a minute, told in headers, refused with a wait, and filled up by time', async () => {
  const { simulator, clock, headers, ask, client } = await house({
    rateLimits: { readPerMinute: 6, createPerMinute: 2 },
    apiKeys: ['first', 'second'],
  })
  const read = () => ask('/v1/agents', { headers })
  const told = ({ headers: own }: Awaited<ReturnType<typeof read>>) => [
    own['anthropic-ratelimit-requests-limit'],
    own['anthropic-ratelimit-requests-remaining'],
    own['anthropic-ratelimit-requests-reset'],
    own['retry-after'],
  ]
  expect(told(await read())).toEqual(['6', '5', '2026-12-01T00:00:10Z', undefined])
  for (let asked = 1; asked < 6; asked += 1) expect((await read()).status).toBe(200)
  const refused = await read()
  expect([refused.status, refused.json().error.type]).toEqual([429, 'rate_limit_error'])
  expect(told(refused)).toEqual(['6', '0', '2026-12-01T00:01:00Z', '10'])
  // Neither another class nor another key has lost anything.
  await client.beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  const other = new Anthropic({ baseURL: simulator.url, apiKey: 'second', maxRetries: 0 })
  await other.beta.agents.list()
  await expect(client.beta.agents.list()).rejects.toBeInstanceOf(RateLimitError)
  clock.advance(9_999)
  expect((await read()).status).toBe(429)
  clock.advance(1)
  expect((await read()).status).toBe(200)
  expect((await read()).status).toBe(429)
  clock.advance(3_600_000)
  expect(told(await read())[1]).toBe('5')
})

test('there are no limits and no limit headers unless asked for', async () => {
  const { headers, ask } = await house()
  const { headers: own } = await ask('/v1/agents', { headers })
  expect(Object.keys(own).filter((name) => /ratelimit|retry/.test(name))).toEqual([])
})

test('a body is read in every encoding the API takes, and refused by name in all others', async () => {
  const { headers, ask } = await house()
  const text = JSON.stringify({ name: 'zipped', model: 'claude-sonnet-5-5' })
  const post = async (body: string | Buffer, own: Record<string, string> = {}) => {
    const answer = await ask('/v1/agents', { method: 'POST', headers: { ...headers, ...own }, body })
    const { error, name } = answer.json()
    return [answer.status, name ?? error.details?.error_code ?? error.type]
  }
  expect(await post(gzipSync(text), { 'content-encoding': 'gzip' })).toEqual([200, 'zipped'])
  expect(await post(brotliCompressSync(text), { 'content-encoding': 'br' })).toEqual([200, 'zipped'])
  const latin = Buffer.from(text.replace('zipped', 'é'), 'latin1')
  expect(await post(latin, { 'content-type': 'application/json; charset=ISO-8859-1' })).toEqual([200, 'é'])
  expect(await post(text, { 'content-encoding': 'gzip' })).toEqual([400, 'request_body_encoding_invalid'])
  expect(await post(text, { 'content-encoding': 'lzma' })).toEqual([400, 'request_body_encoding_unsupported'])
  expect(await post(text, { 'content-type': 'text/json; charset=koi8-r' })).toEqual([
    400,
    'unsupported_charset',
  ])
  expect(await post('{"name": }')).toEqual([400, 'invalid_request_error'])
  const bomb = gzipSync(Buffer.alloc(33 * 1024 * 1024, 32))
  expect(await post(bomb, { 'content-encoding': 'gzip' })).toEqual([
    413,
    'request_body_too_large_after_decoding',
  ])
  expect(await post(Buffer.alloc(32 * 1024 * 1024 + 1, 32))).toEqual([413, 'request_too_large'])
})

test('HEAD is GET without the body, on streams too', async () => {
  const { headers, ask, client, simulator } = await house()
  const [get, head] = [
    await ask('/v1/agents', { headers }),
    await ask('/v1/agents', { headers, method: 'HEAD' }),
  ]
  expect([head.status, head.body.length]).toEqual([200, 0])
  expect(head.headers['content-length']).toBe(String(get.body.length))
  const environment = await client.beta.environments.create({ name: 'e' })
  const agent = await client.beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  const session = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  const stream = await ask(`/v1/sessions/${session.id}/events/stream`, { headers, method: 'HEAD' })
  expect([stream.status, simulator.openStreams()]).toEqual([200, 0])
})

test('JSON is compressed for those who accept it, when the simulator was told to', async () => {
  const { headers, ask, client } = await house({ compression: true })
  const plain = await ask('/v1/models', { headers })
  const zipped = await ask('/v1/models', { headers: { ...headers, 'accept-encoding': 'br, gzip' } })
  expect(plain.headers['content-encoding']).toBeUndefined()
  expect([zipped.headers['content-encoding'], zipped.headers['vary']]).toEqual(['gzip', 'accept-encoding'])
  expect(gunzipSync(zipped.body)).toEqual(plain.body)
  expect((await client.models.list()).data.length).toBeGreaterThan(0)
  const { ask: askPlain } = await house()
  const never = await askPlain('/v1/models', { headers: { ...headers, 'accept-encoding': 'gzip' } })
  expect(never.headers['content-encoding']).toBeUndefined()
})

test('with a certificate it speaks TLS, and who does not trust it sends nothing', async () => {
  const { simulator } = await house({
    tls: { cert: impostorCertificate, key: impostorKey },
    host: 'localhost',
  })
  expect(simulator.url).toMatch(/^https:\/\/localhost:\d+$/)
  const ask = (options: https.RequestOptions) =>
    new Promise<number>((resolve, reject) => {
      const request = https.get(
        `${simulator.url}/simulator/bill`,
        { agent: false, ...options },
        (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        },
      )
      once(request, 'error').then(([error]) => reject(error), reject)
    })
  await expect(ask({})).rejects.toThrow(/self-signed/)
  expect(simulator.requests()).toEqual([])
  expect(await ask({ ca: impostorCertificate })).toBe(200)
})
