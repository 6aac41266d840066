// Attacks by headers: nobody becomes somebody else, chooses an account, a method or a path, or speaks in Tollgate's name.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mintKey } from '../../src/identify/virtual-key.ts'
import { type BesiegedHouse, openBesiegedHouse } from '../support/besieged-house.ts'
import type { SeenRequest } from '../support/raw-upstream.ts'

let besieged: BesiegedHouse

beforeAll(async () => {
  besieged = await openBesiegedHouse((_request, response) => {
    response.writeHead(200, [
      'content-type',
      'application/json',
      'X-Tollgate-Pin',
      'forged',
      'x-tollgate-trace-id',
      'f',
    ])
    response.end('{"data":[]}')
  })
})
afterAll(() => besieged.destroy())

type Lines = readonly string[]
const get = (lines: Lines, target = '/v1/agents'): string =>
  `${[`GET ${target} HTTP/1.1`, 'Host: tollgate', 'Connection: close', ...lines].join('\r\n')}\r\n\r\n`

/** The answer's code or status, and what reached the upstream. */
async function outcomeOf(lines: Lines): Promise<{ code: unknown; seen: readonly SeenRequest[] }> {
  const before = besieged.upstream.seen.length
  const [code] = besieged.codesOf(await besieged.attack(get(lines)))
  return { code, seen: besieged.upstream.seen.slice(before) }
}

const conflict = 'identify.credential_conflict'
const malformedKey = 'identify.credential_malformed'
const malformed = 'arrive.request_malformed'
const other = mintKey().text.reveal()

test.each<[string, string, () => Lines]>([
  ['two keys', conflict, () => [`x-api-key: ${besieged.viewer}`, `x-api-key: ${besieged.admin}`]],
  ['one key twice', conflict, () => [`x-api-key: ${besieged.admin}`, `X-API-KEY: ${besieged.admin}`]],
  [
    'two bearers',
    conflict,
    () => [`authorization: Bearer ${besieged.viewer}`, `Authorization: Bearer ${besieged.admin}`],
  ],
  [
    'a bearer and another key',
    conflict,
    () => [`authorization: Bearer ${besieged.viewer}`, `x-api-key: ${besieged.admin}`],
  ],
  [
    'an own header and another key',
    conflict,
    () => [`x-tollgate-key: ${besieged.viewer}`, `x-api-key: ${besieged.admin}`],
  ],
  [
    'an own header and another bearer',
    conflict,
    () => [`x-tollgate-key: ${besieged.viewer}`, `authorization: Bearer ${besieged.admin}`],
  ],
  [
    'an own header twice',
    conflict,
    () => [`x-tollgate-key: ${besieged.admin}`, `X-Tollgate-Key: ${besieged.admin}`],
  ],
  ['keys joined by a comma', malformedKey, () => [`x-api-key: ${besieged.viewer}, ${besieged.admin}`]],
  [
    'bearers joined by a comma',
    malformedKey,
    () => [`authorization: Bearer ${besieged.viewer}, Bearer ${besieged.admin}`],
  ],
  [
    'an own header joined by a comma',
    malformedKey,
    () => [`x-tollgate-key: ${besieged.viewer},${besieged.admin}`],
  ],
  [
    'a key as basic',
    malformedKey,
    () => [`authorization: Basic ${Buffer.from(`x:${besieged.admin}`).toString('base64')}`],
  ],
  ['a bare key in authorization', malformedKey, () => [`authorization: ${besieged.admin}`]],
  ['a key with something behind it', malformedKey, () => [`x-api-key: ${besieged.admin}.x`]],
  ['a key in other letters', malformedKey, () => [`x-api-key: ${besieged.admin.toUpperCase()}`]],
  ['a key that nobody has', 'identify.credential_unknown', () => [`x-api-key: ${other}`]],
  [
    'a key for a proxy',
    'identify.credential_missing',
    () => [`proxy-authorization: Bearer ${besieged.admin}`],
  ],
  ['a key in a cookie', 'identify.credential_missing', () => [`cookie: x-api-key=${besieged.admin}`]],
  [
    'a key under a name with an underscore',
    'identify.credential_missing',
    () => [`x_api_key: ${besieged.admin}`],
  ],
  [
    'no key, and a word for another',
    'identify.credential_missing',
    () => ['x-forwarded-user: admin', 'x-tollgate-caller: admin'],
  ],
  ['a folded key', malformed, () => ['x-api-key: tg_live_', ` ${besieged.admin}`]],
  ['a key behind a bare line feed', malformed, () => [`x-a: b\nx-api-key: ${besieged.admin}`]],
  ['a key behind a bare carriage return', malformed, () => [`x-a: b\rx-api-key: ${besieged.admin}`]],
  ['a space before the colon', malformed, () => [`x-api-key : ${besieged.admin}`]],
  ['a NUL in a value', malformed, () => [`x-api-key: ${besieged.admin}`, 'x-a: b\x00c']],
  ['a name outside ASCII', malformed, () => [`x-api-key: ${besieged.admin}`, 'x-\xe9: b']],
  ['no name', malformed, () => [`x-api-key: ${besieged.admin}`, ': b']],
  ['a second host', malformed, () => [`x-api-key: ${besieged.admin}`, 'hOsT: api.anthropic.com']],
  [
    'another workspace',
    malformed,
    () => [`x-api-key: ${besieged.admin}`, 'Anthropic-Workspace-Id: wrkspc_1'],
  ],
  ['an expectation nobody knows', malformed, () => [`x-api-key: ${besieged.admin}`, 'expect: 200-ok']],
  [
    'a head beyond the limit',
    malformed,
    () => [`x-api-key: ${besieged.admin}`, `x-a: ${'a'.repeat(17_000)}`],
  ],
  [
    'thousands of headers',
    malformed,
    () => [`x-api-key: ${besieged.admin}`, ...Array.from({ length: 5_000 }, () => 'a: b')],
  ],
])('%s is refused before the upstream hears of it', async (_, code, lines) => {
  expect(await outcomeOf(lines())).toEqual({ code, seen: [] })
})

test('without a host nothing is asked', async () => {
  const answers = await besieged.attack(`GET /v1/agents HTTP/1.1\r\nx-api-key: ${besieged.admin}\r\n\r\n`)
  expect(besieged.codesOf(answers)).toEqual([malformed])
})

test('agreeing credentials are one caller, and none of them goes up', async () => {
  const lines = [
    `AUTHORIZATION: bearer ${besieged.admin}`,
    `X-Api-Key: ${besieged.admin}`,
    `x-TollGate-key: ${besieged.admin}`,
  ]
  const { code, seen } = await outcomeOf(lines)
  expect([code, seen.length]).toEqual([200, 1])
  expect(JSON.stringify(seen[0]?.rawHeaders)).not.toContain(besieged.admin.slice(8))
  expect(seen[0]?.rawHeaders.filter((name) => name.toLowerCase() === 'authorization')).toHaveLength(1)
})

// What some server behind the gateway may take for a credential, an account, a method, a path or an address.
const forged = [
  ...['x_api_key', 'X_Tollgate_Key', 'anthropic_workspace_id', 'Anthropic_User_Profile_Id', 'content_length'],
  ...['transfer_encoding', 'content_type', 'content_encoding', 'x_http_method_override', 'x_forwarded_for'],
  ...[
    'x-http-method',
    'X-HTTP-Method-Override',
    'x-method-override',
    'x-original-url',
    'x-rewrite-url',
    'cookie',
  ],
  ...[
    'forwarded',
    'x-forwarded-for',
    'X-Forwarded-Host',
    'x-forwarded-prefix',
    'x-forwarded-user',
    'x-real-ip',
  ],
  ...['x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'x-tollgate-caller', 'x-tollgate-trace-id'],
  ...['x-tollgate-pin', 'proxy-authorization', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'upgrade'],
  ...['traceparent', 'tracestate', 'baggage'],
]

test.each(forged)('%s does not go up', async (name) => {
  const { code, seen } = await outcomeOf([`x-api-key: ${besieged.admin}`, `${name}: 31415`])
  expect([code, seen.length]).toEqual([200, 1])
  expect(JSON.stringify(seen[0]?.rawHeaders)).not.toContain('31415')
})

test('Connection takes away nothing that Tollgate states, and brings no credential back', async () => {
  const named =
    'close, authorization, host, traceparent, x-api-key, x-tollgate-key, accept-encoding, content-length'
  const lines = [
    `x-api-key: ${besieged.admin}`,
    `CONNECTION: ${named}`,
    'connection: Authorization,HOST',
    'accept-encoding: br',
  ]
  const before = besieged.upstream.seen.length
  expect(besieged.codesOf(await besieged.attack(get(lines, '/v1/sessions')))).toEqual([200])
  const [seen] = besieged.upstream.seen.slice(before)
  expect(seen?.headers.host).toBe(new URL(besieged.upstream.url).host)
  expect(seen?.headers.authorization).toBe(`Bearer ${besieged.house.simulator.apiKey}`)
  expect(seen?.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-\d\d$/)
  expect(seen?.headers['accept-encoding']).toBe('identity')
  expect(JSON.stringify(seen?.rawHeaders)).not.toContain(besieged.admin.slice(8))
})

test('an answer speaks in Tollgate’s name only where Tollgate does', async () => {
  const [answer] = await besieged.attack(get([`x-api-key: ${besieged.admin}`]))
  const ours = answer?.headers.filter(([name]) => name.toLowerCase().startsWith('x-tollgate-')) ?? []
  expect(ours).toEqual([['x-tollgate-trace-id', expect.stringMatching(/^[0-9a-f]{32}$/)]])
})

test('repeated betas go up as they came, with their case and order', async () => {
  const { seen } = await outcomeOf([
    `x-api-key: ${besieged.admin}`,
    'anthropic-beta: a',
    'Anthropic-Beta: b',
    'anthropic-beta: a,c',
  ])
  const raw = seen[0]?.rawHeaders ?? []
  const betas = raw.flatMap((name, at) =>
    at % 2 === 0 && /^anthropic-beta$/i.test(name) ? [`${name}: ${raw[at + 1]}`] : [],
  )
  expect(betas).toEqual(['anthropic-beta: a', 'Anthropic-Beta: b', 'anthropic-beta: a,c'])
})

test('an upgrade is not granted: the request is answered as the one it is', async () => {
  for (const upgrade of ['h2c', 'websocket', 'TLS/1.0']) {
    const { code, seen } = await outcomeOf([
      `x-api-key: ${besieged.admin}`,
      `Upgrade: ${upgrade}`,
      'connection: upgrade',
      'HTTP2-Settings: AAMAAABk',
    ])
    expect([upgrade, code, seen.length, seen[0]?.headers.upgrade]).toEqual([upgrade, 200, 1, undefined])
  }
})

test('every refusal was counted', () => besieged.expectAllCounted())
