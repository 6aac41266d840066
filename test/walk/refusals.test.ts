// Bad input, through the whole house: each gets the upstream's envelope, a clear sentence and a request id,
// is counted and audited, and reaches neither the upstream nor the ledger as usage.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import { loadOrCreatePepper } from '../../src/identify/pepper.ts'
import { hashKey, mintKey } from '../../src/identify/virtual-key.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { send, sendBytes } from '../support/raw-client.ts'

let house: TestHouse
const beta = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'managed-agents-2026-04-01' }

beforeAll(async () => {
  house = await openTestHouse({ env: { TOLLGATE_BODY_LIMIT_BYTES: '4096' } })
})
afterAll(() => house.destroy())

type Case = {
  readonly name: string
  readonly method?: string
  readonly path?: string
  readonly headers?: () => { readonly [name: string]: string }
  readonly body?: string | Buffer
  readonly status: number
  readonly code: string
  /** What the sentence must tell. */
  readonly says: RegExp
}

const withKey = (): { readonly [name: string]: string } => ({
  authorization: `Bearer ${house.key}`,
  'content-type': 'application/json',
  ...beta,
})
const post = { method: 'POST', path: '/v1/environments', headers: withKey }

const cases: readonly Case[] = [
  {
    name: 'malformed JSON',
    ...post,
    body: '{"name": }',
    status: 400,
    code: 'body.malformed',
    says: /JSON|position|line/,
  },
  {
    name: 'a duplicate key',
    ...post,
    body: '{"name":"a","n\\u0061me":"b"}',
    status: 400,
    code: 'body.ambiguous',
    says: /name/,
  },
  {
    name: 'a number that is none',
    ...post,
    body: '{"name":NaN}',
    status: 400,
    code: 'body.malformed',
    says: /./,
  },
  {
    name: 'a byte order mark',
    ...post,
    body: '\ufeff{"name":"a"}',
    status: 400,
    code: 'body.ambiguous',
    says: /byte order mark/,
  },
  {
    name: 'invalid UTF-8',
    ...post,
    body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    status: 400,
    code: 'body.ambiguous',
    says: /UTF-8/,
  },
  {
    name: 'nesting over 64',
    ...post,
    body: `{"a":${'['.repeat(70)}${']'.repeat(70)}}`,
    status: 400,
    code: 'body.ambiguous',
    says: /64/,
  },
  {
    name: 'a wrong content type',
    ...post,
    headers: () => ({ ...withKey(), 'content-type': 'text/plain' }),
    body: '{"name":"a"}',
    status: 415,
    code: 'body.type_unsupported',
    says: /application\/json/,
  },
  {
    name: 'a content encoding',
    ...post,
    headers: () => ({ ...withKey(), 'content-encoding': 'gzip' }),
    body: '{}',
    status: 415,
    code: 'body.encoding_unsupported',
    says: /content-encoding/,
  },
  {
    name: 'an oversized body',
    ...post,
    body: JSON.stringify({ name: 'x'.repeat(5000) }),
    status: 413,
    code: 'body.too_large',
    says: /large/,
  },
  {
    name: 'a body where none belongs',
    method: 'GET',
    path: '/v1/agents',
    headers: () => ({ ...withKey(), 'content-length': '2' }),
    body: '{}',
    status: 400,
    code: 'arrive.body_unexpected',
    says: /no body/,
  },
  {
    name: 'an unknown path',
    path: '/v1/unheard-of',
    headers: withKey,
    status: 404,
    code: 'arrive.path_unknown',
    says: /operation/,
  },
  {
    name: 'an unknown method',
    method: 'PUT',
    path: '/v1/agents',
    headers: withKey,
    status: 405,
    code: 'arrive.method_unknown',
    says: /method/,
  },
  {
    name: 'a recased path',
    path: '/V1/Agents',
    headers: withKey,
    status: 404,
    code: 'arrive.path_unknown',
    says: /operation/,
  },
  { name: 'no key', status: 401, code: 'identify.credential_missing', says: /key/ },
  {
    name: 'a junk key',
    headers: () => ({ 'x-api-key': 'tg_live_junk' }),
    status: 401,
    code: 'identify.credential_malformed',
    says: /key/,
  },
  {
    name: 'a provider key',
    headers: () => ({ 'x-api-key': 'sk-ant-api03-not-ours' }),
    status: 401,
    code: 'identify.credential_malformed',
    says: /Tollgate/,
  },
  {
    name: 'a well-formed key that nobody has',
    headers: () => ({ 'x-api-key': mintKey().text.reveal() }),
    status: 401,
    code: 'identify.credential_unknown',
    says: /not known|unknown/,
  },
  {
    name: 'an expired key',
    headers: () => ({ 'x-api-key': expired }),
    status: 401,
    code: 'identify.credential_expired',
    says: /expired on 2026-01-02/,
  },
  {
    name: 'a revoked key',
    headers: () => ({ 'x-api-key': revoked }),
    status: 401,
    code: 'identify.credential_revoked',
    says: /revoked on 2026-01-02/,
  },
  {
    name: 'two different keys',
    headers: () => ({ authorization: `Bearer ${house.key}`, 'x-api-key': expired }),
    status: 401,
    code: 'identify.credential_conflict',
    says: /two|differ/,
  },
]

let expired = ''
let revoked = ''

test('the directory can be given more keys while the gateway runs', async () => {
  const path = join(house.policiesDir, 'directory.yaml')
  const pepper = loadOrCreatePepper(join(house.folder, 'data', 'pepper'))
  const document = parseDocument(readFileSync(path, 'utf8'))
  const add = (fields: { readonly [name: string]: string }): string => {
    const minted = mintKey()
    document.addIn(['callers', 0, 'keys'], {
      id: minted.keyId,
      hash: hashKey(pepper, minted),
      created: '2026-01-01T00:00:00Z',
      ...fields,
    })
    return minted.text.reveal()
  }
  expired = add({ expires: '2026-01-02T00:00:00Z' })
  revoked = add({ expires: '2099-01-01T00:00:00Z', revoked: '2026-01-02T00:00:00Z' })
  writeFileSync(path, document.toString())
  await expect
    .poll(async () =>
      (await send(`${house.gatewayUrl}/v1/agents`, { headers: { 'x-api-key': revoked } })).body.toString(),
    )
    .toContain('credential_revoked')
})

test.each(cases)(
  '$name is refused with its code, and reaches nobody',
  async ({ method = 'GET', path = '/v1/agents', headers = () => ({}), body, status, code, says }) => {
    const before = house.simulator.requests().length
    const answer = await send(house.gatewayUrl + path, {
      method,
      headers: headers(),
      ...(body === undefined ? {} : { body }),
    })
    const envelope = JSON.parse(answer.body.toString())
    expect([answer.status, envelope.error.details.error_code]).toEqual([status, code])
    expect(envelope.type).toBe('error')
    expect(envelope.error.message).toMatch(says)
    expect(answer.headers['request-id']).toBe(envelope.request_id)
    expect(answer.headers['x-should-retry']).toBe('false')
    expect(house.simulator.requests()).toHaveLength(before)
  },
)

test('a key in the query string is refused before anything else, and not repeated', async () => {
  const answer = await send(`${house.gatewayUrl}/v1/agents?api_key=${house.key}`, {
    headers: { authorization: `Bearer ${house.key}` },
  })
  expect(answer.status).toBe(401)
  expect(answer.body.toString()).toContain('identify.credential_in_query')
  expect(answer.body.toString()).not.toContain(house.key.slice(12))
})

test.each([
  '/v1//agents',
  '/v1/./agents',
  '/v1/../v1/agents',
  '/v1/%61gents',
  '/v1/agents%2f',
  '/v1/agents;a=1',
  '/v1/agents/',
])('the path %s is refused', async (path) => {
  const answer = await sendBytes(
    portOf(house.gatewayUrl),
    `GET ${path} HTTP/1.1\r\nHost: x\r\nx-api-key: ${house.key}\r\nConnection: close\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 40[04] /)
  expect(answer).toMatch(/arrive\.path_(not_canonical|unknown)/)
})

test('the SDK raises its own error classes for our refusals, and does not retry them', async () => {
  const stranger = house.client({ apiKey: mintKey().text.reveal() })
  await expect(stranger.beta.agents.list()).rejects.toBeInstanceOf(Anthropic.AuthenticationError)
})

test('every refusal is in the ledger as an exchange and counted, and none is usage', async () => {
  await house.writer.flush()
  const rows = await house.ledger.query<{ error_code: string }>(
    'SELECT DISTINCT error_code FROM tollgate.exchanges FINAL',
  )
  const codes = rows.map((row) => row.error_code)
  for (const { code } of cases) expect(codes).toContain(code)
  const usage = await house.usage('team')
  expect(usage.total).toMatchObject({ model_requests: 0, sessions: 0, cost_usd: '0.00' })
  const metrics = await (await house.admin('/metrics')).text()
  expect(metrics).toMatch(/tollgate_refusals_total\{[^}]*code="body\.ambiguous"[^}]*\} [1-9]/)
})

test('no key, and no part of one, is in what the ledger keeps', async () => {
  const rows = await house.ledger.query<object>('SELECT * FROM tollgate.exchanges FINAL')
  expect(rows.length).toBeGreaterThan(0)
  for (const key of [house.key, expired, revoked]) expect(JSON.stringify(rows)).not.toContain(key.slice(21))
})

function portOf(url: string): number {
  return Number(new URL(url).port)
}
