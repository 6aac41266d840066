// Workload identity against the stand-in upstream: an SDK client that holds no key trades its identity token for
// short-lived access tokens.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createManualClock, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts'

async function house(federation: SimulatorOptions['federation'] = {}) {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock, federation })
  onTestFinished(simulator.close)
  const exchanges = () => simulator.requests().filter(({ path }) => path === '/v1/oauth/token')
  return { clock, simulator, exchanges }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

type Claims = { readonly [name: string]: unknown }

/** An identity token, signed by ES256 when a key is given. */
function identityToken(claims: Claims, key?: KeyObject): string {
  const signed = `${encode({ alg: key ? 'ES256' : 'none', typ: 'JWT' })}.${encode(claims)}`
  if (key === undefined) return `${signed}.c2lnbmF0dXJl`
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const claimsAt = (nowMs: number) => ({
  iss: 'https://issuer.example.com',
  sub: 'system:serviceaccount:ci:runner',
  exp: nowMs / 1000 + 7200,
})

/** A file that holds an identity token, as a platform projects it into a workload. */
async function projected(token: string) {
  const folder = await mkdtemp(join(tmpdir(), 'identity-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'token')
  await writeFile(path, token)
  return { path, rotate: (next: string) => writeFile(path, next) }
}

/** A client configured by federation settings only. */
const federated = (baseURL: string, path: string) =>
  new Anthropic({
    baseURL,
    // The one retry it needs to come back with a fresh token after a 401.
    maxRetries: 1,
    config: {
      organization_id: '5a1f0c1e-0000-4000-8000-000000000001',
      authentication: {
        type: 'oidc_federation',
        federation_rule_id: 'fdrl_test',
        identity_token: { source: 'file', path },
      },
    },
  })

test('a client with federation settings and no key lists agents, on one token for many requests', async () => {
  const { simulator, clock, exchanges } = await house()
  const { path } = await projected(identityToken(claimsAt(clock.nowMs())))
  const client = federated(simulator.url, path)
  const agent = await client.beta.agents.create({ name: 'helper', model: 'claude-sonnet-5-5' })
  expect((await client.beta.agents.list()).data.map(({ id }) => id)).toEqual([agent.id])
  expect(exchanges().map(({ status }) => status)).toEqual([200])
  const used = simulator.requests().filter(({ path: each }) => each.startsWith('/v1/agents'))
  for (const { headers } of used) expect(headers['authorization']).toBe('[access_token]')
})

test('a token that ran out is refused, and the client fetches another with the identity token of that hour', async () => {
  const { simulator, clock, exchanges } = await house({ tokenTtlSeconds: 900 })
  const file = await projected(identityToken(claimsAt(clock.nowMs())))
  const client = federated(simulator.url, file.path)
  await client.beta.agents.list()
  clock.advance(899_999)
  await client.beta.agents.list()
  expect(exchanges()).toHaveLength(1)
  clock.advance(1)
  await file.rotate(identityToken({ ...claimsAt(clock.nowMs()), jti: 'second' }))
  await client.beta.agents.list()
  expect(exchanges()).toHaveLength(2)
  const statuses = simulator
    .requests()
    .filter(({ path }) => path.startsWith('/v1/agents'))
    .map(({ status }) => status)
  expect(statuses).toEqual([200, 200, 401, 200])
})

test('with trusted issuers, only their signatures, audience and unexpired tokens are believed', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const { simulator, clock } = await house({
    issuers: [
      {
        issuer: 'https://issuer.example.com',
        publicKey: publicKey.export({ format: 'jwk' }),
        audience: 'simulator',
      },
    ],
  })
  const claims = { ...claimsAt(clock.nowMs()), aud: ['simulator'] }
  const attempt = async (token: string) => {
    const { path } = await projected(token)
    return federated(simulator.url, path)
      .beta.agents.list()
      .then(
        () => 'listed',
        (error: unknown) => String(error),
      )
  }
  expect(await attempt(identityToken(claims, privateKey))).toBe('listed')
  expect(await attempt(identityToken(claims, stranger))).toContain('federation rule')
  expect(await attempt(identityToken(claims))).toContain('federation rule')
  expect(await attempt(identityToken({ ...claims, iss: 'https://other.example.com' }, privateKey))).toContain(
    '401',
  )
  expect(await attempt(identityToken({ ...claims, aud: 'other' }, privateKey))).toContain('another audience')
  const old = identityToken({ ...claims, exp: clock.nowMs() / 1000 }, privateKey)
  expect(await attempt(old)).toContain('has expired')
  const early = identityToken({ ...claims, nbf: clock.nowMs() / 1000 + 120 }, privateKey)
  expect(await attempt(early)).toContain('not valid yet')
})

test('the token endpoint answers a bad grant in the form of RFC 6749, and says no credential back', async () => {
  const { simulator } = await house({ ruleIds: ['fdrl_known'], refreshTokens: ['refresh-known'] })
  const post = async (body: object, betas = 'oauth-2025-04-20,oidc-federation-2026-04-01') => {
    const response = await fetch(`${simulator.url}/v1/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-beta': betas },
      body: JSON.stringify(body),
    })
    const answer = z.record(z.string(), z.unknown()).parse(await response.json())
    return { status: response.status, body: answer }
  }
  const grant = {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: 'secret-that-is-no-jwt',
    federation_rule_id: 'fdrl_known',
    organization_id: 'org',
  }
  const bad = await post(grant)
  expect(bad).toEqual({
    status: 400,
    body: { error: 'invalid_grant', error_description: expect.any(String) },
  })
  expect(JSON.stringify(bad.body)).not.toContain('secret-that')
  expect(await post({ ...grant, federation_rule_id: 'fdrl_other' })).toMatchObject({ status: 401 })
  expect(await post({ ...grant, assertion: `a.${'b'.repeat(16 * 1024)}.c` })).toMatchObject({ status: 400 })
  expect((await post({ ...grant, grant_type: 'password' })).body['error']).toBe('unsupported_grant_type')
  expect((await post({ ...grant, organization_id: undefined })).body['error']).toBe('invalid_request')
  expect((await post(grant, 'oauth-2025-04-20')).body['error_description']).toContain('anthropic-beta')

  const refresh = { grant_type: 'refresh_token', refresh_token: 'refresh-known', client_id: 'cli' }
  expect(await post(refresh, 'oauth-2025-04-20')).toEqual({
    status: 200,
    body: { access_token: expect.stringMatching(/^sk-ant-oat01-/), token_type: 'Bearer', expires_in: 3600 },
  })
  expect(await post({ ...refresh, refresh_token: 'other' }, 'oauth-2025-04-20')).toMatchObject({
    status: 401,
  })
  expect((await post(refresh)).status).toBe(400)
})

test('an access token counts only as a bearer, and only with the beta that says it is one', async () => {
  const { simulator, clock } = await house()
  const { path } = await projected(identityToken(claimsAt(clock.nowMs())))
  const client = federated(simulator.url, path)
  await client.beta.agents.list()
  const token = await client.credentials?.()
  const headers = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'managed-agents-2026-04-01' }
  const both = { ...headers, 'anthropic-beta': `${headers['anthropic-beta']},oauth-2025-04-20` }
  const status = async (given: Record<string, string>) =>
    (await fetch(`${simulator.url}/v1/agents`, { headers: given })).status
  expect(await status({ ...both, authorization: `Bearer ${token?.token}` })).toBe(200)
  expect(await status({ ...headers, authorization: `Bearer ${token?.token}` })).toBe(401)
  expect(await status({ ...both, 'x-api-key': `${token?.token}` })).toBe(401)
})
