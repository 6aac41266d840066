// A workload without any key: an unmodified SDK with nothing but the address and its federation settings.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { createIssuerKey, jwksOf, signToken } from '../support/issuer.ts'
import { portOf } from '../support/raw-upstream.ts'

const key = createIssuerKey('RS256')
const audience = 'https://tollgate.example'
const asked: string[] = []
const issuerServer = createServer((request, response) => {
  asked.push(request.url ?? '')
  if (request.url === '/moved') response.writeHead(302, { location: '/jwks' }).end()
  else response.setHeader('content-type', 'application/json').end(jwksOf(key))
})

let house: TestHouse
let directoryText: string

beforeAll(async () => {
  await new Promise<void>((resolve) => issuerServer.listen(0, '127.0.0.1', resolve))
  house = await openTestHouse()
  addCaller(house, 'someone', 'payments', 'viewer')
  directoryText = readFileSync(join(house.policiesDir, 'directory.yaml'), 'utf8')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
})
afterAll(async () => {
  await house.destroy()
  issuerServer.close()
})

const issuerUrl = () => `http://127.0.0.1:${portOf(issuerServer)}`

/** Writes the issuer below what the directory said at first, as an operator would. */
async function trust({ caller = 'ci-{repository}', jwks = '/jwks' } = {}): Promise<void> {
  const issuers = `issuers:
  - id: forge
    issuer: ${issuerUrl()}
    audience: ${audience}
    algorithms: [RS256]
    jwks_url: ${issuerUrl()}${jwks}
    callers:
      - when: { repository: acme/* }
        caller: ${caller}
        team: payments
        roles: [developer]
`
  writeFileSync(join(house.policiesDir, 'directory.yaml'), `${directoryText.trimEnd()}\n${issuers}`)
  await house.refreshPolicies()
  expect(house.policies.problem()).toBeNull()
}

const identityToken = (lifetimeSeconds = 600, repository = 'acme/payments') => {
  const nowSeconds = Math.floor(Date.now() / 1000)
  const times = { iat: nowSeconds, exp: nowSeconds + lifetimeSeconds }
  return signToken(key, { iss: issuerUrl(), aud: audience, sub: `repo:${repository}`, repository, ...times })
}

/** The environment of a workload with a projected identity token, and the client it would make. */
async function workload() {
  const path = join(house.folder, 'identity-token')
  writeFileSync(path, await identityToken())
  for (const name of ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_PROFILE'])
    vi.stubEnv(name, undefined)
  vi.stubEnv('ANTHROPIC_CONFIG_DIR', join(house.folder, 'no-profiles'))
  vi.stubEnv('ANTHROPIC_BASE_URL', house.gatewayUrl)
  vi.stubEnv('ANTHROPIC_FEDERATION_RULE_ID', 'fdrl_any')
  vi.stubEnv('ANTHROPIC_ORGANIZATION_ID', '5a1f0c1e-0000-4000-8000-000000000001')
  vi.stubEnv('ANTHROPIC_IDENTITY_TOKEN_FILE', path)
  const bearers: string[] = []
  const client = new Anthropic({
    maxRetries: 0,
    fetch: (at, init) => {
      const request = new Request(at, init)
      bearers.push(request.headers.get('authorization') ?? `exchange ${new URL(request.url).pathname}`)
      return fetch(at, init)
    },
  })
  return { client, bearers, project: async () => writeFileSync(path, await identityToken()) }
}

const statusOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: unknown) => (error instanceof Error && 'status' in error ? error.status : error),
  )

test('a client without any key walks through by its identity token, and refreshes when its token ends', async () => {
  await trust()
  const { client, bearers, project } = await workload()
  const agent = await client.beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  expect((await client.beta.agents.retrieve(agent.id)).id).toBe(agent.id)
  const [exchange, first, second] = bearers
  expect([exchange, bearers.length]).toEqual(['exchange /v1/oauth/token', 3])
  expect(first).toMatch(/^Bearer ey/)
  expect(second).toBe(first)

  const later = Date.now() + 20 * 60_000
  vi.useFakeTimers({ toFake: ['Date'], now: later })
  await project()
  expect((await client.beta.agents.retrieve(agent.id)).id).toBe(agent.id)
  expect(bearers.slice(3)).toEqual(['exchange /v1/oauth/token', expect.stringMatching(/^Bearer ey/)])
  expect(bearers[4]).not.toBe(first)
  // The old one is of no use to whoever has kept it.
  const kept = new Anthropic({ authToken: (first ?? '').slice('Bearer '.length), maxRetries: 0 })
  expect(await statusOf(kept.beta.agents.list())).toBe(401)
})

test('a token that a changed directory refuses is exchanged anew by the SDK itself', async () => {
  await trust()
  const { client, bearers } = await workload()
  await client.beta.agents.list()
  await trust({ caller: 'gh-{repository}' })
  const retrying = client.withOptions({ maxRetries: 1 })
  await retrying.beta.agents.list()
  expect(bearers.filter((one) => one.startsWith('exchange'))).toHaveLength(2)
  await house.writer.flush()
  const rows = await house.ledger.query<{ caller: string }>(
    "SELECT DISTINCT caller FROM tollgate.exchanges FINAL WHERE caller LIKE '%acme.payments' ORDER BY caller",
  )
  expect(rows.map(({ caller }) => caller)).toEqual(['ci-acme.payments', 'gh-acme.payments'])
})

test('the identity token itself is a bearer, and its caller may do what its roles may', async () => {
  await trust()
  const direct = async (repository?: string) =>
    new Anthropic({
      baseURL: house.gatewayUrl,
      apiKey: null,
      authToken: await identityToken(600, repository),
      maxRetries: 0,
    })
  const client = await direct()
  expect(await statusOf(client.beta.agents.list())).toBe('answered')
  expect(await statusOf((await direct('stranger/x')).beta.agents.list())).toBe(401)
  const admin = await fetch(`${house.adminUrl}/api/usage`, {
    headers: { authorization: `Bearer ${await identityToken()}` },
  })
  expect(admin.status).toBe(403)
})

test('keys are fetched from the named address alone: a redirect is not followed', async () => {
  await trust({ jwks: '/moved' })
  const before = asked.length
  const { client } = await workload()
  await expect(client.beta.agents.list()).rejects.toThrow(/503/)
  expect(asked.slice(before)).toEqual(['/moved'])
})

test('without issuers there is no token endpoint', async () => {
  writeFileSync(join(house.policiesDir, 'directory.yaml'), directoryText)
  await house.refreshPolicies()
  const answer = await fetch(`${house.gatewayUrl}/v1/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  expect(answer.status).toBe(404)
})
