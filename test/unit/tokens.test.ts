// Tokens of foreign issuers: who is let in, everybody who is not, and what an outage of the issuer's keys does.
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Directory, parseDirectory } from '../../src/identify/directory.ts'
import { createIdentify, createRecheck } from '../../src/identify/identify.ts'
import { loadOrCreateSigningKey } from '../../src/identify/tokens/signing-key.ts'
import { createTokenEndpoint } from '../../src/identify/tokens/token-endpoint.ts'
import { createTokens } from '../../src/identify/tokens/tokens.ts'
import type { Denial } from '../../src/kernel/errors.ts'
import { Secret } from '../../src/kernel/secret.ts'
import {
  type Claims,
  createIssuerKey,
  forgeToken,
  jwksOf,
  type SignedBy,
  signToken,
} from '../support/issuer.ts'
import { until } from '../support/until.ts'

const startMs = Date.UTC(2027, 0, 1)
const roles = new Set(['developer', 'viewer'])
const url = 'https://issuer.example'
const audience = 'https://tollgate.example'
const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

const entry = (extra = '') => `
teams: [{ name: payments, cost_centre: CC-1 }, { name: data, cost_centre: CC-2 }]
callers: [{ id: ci-listed, team: payments, roles: [developer] }]
issuers:
  - id: forge
    issuer: ${url}
    audience: ${audience}
    algorithms: [ES256]
    jwks_url: ${url}/jwks
    max_age_seconds: 3600
    clock_tolerance_seconds: 30
${extra}    callers:
      - when: { repository: acme/payments, ref: refs/heads/* }
        caller: ci-{repository}
        team: payments
        roles: [developer]
      - when: { groups: readers }
        caller: reader
        team: data
        roles: [viewer]
`

type Answer = Awaited<ReturnType<ReturnType<typeof createTokens>['identifyToken']>>

/** A doorkeeper with one issuer; directory, clock, keys and network are ours. */
function openDoor(text = entry()) {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-tokens-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const key = createIssuerKey('ES256', 'k1')
  const state = { nowMs: startMs, jwks: jwksOf(key), fetched: [] as string[], problems: [] as string[] }
  let current: Directory = parseDirectory(text, 'directory.yaml', roles)
  const clock = { nowMs: () => state.nowMs, monotonicMs: () => state.nowMs - startMs }
  const signingKey = loadOrCreateSigningKey(join(folder, 'token-key.pem'))
  const tokens = createTokens({
    directory: () => current,
    clock,
    signingKey,
    policiesFolder: folder,
    fetchJwks: async (at) => {
      state.fetched.push(at)
      if (state.jwks === '') throw new Error('down')
      return state.jwks
    },
    onProblem: (_issuer, problem) => void state.problems.push(problem),
  })
  const refused: Denial[] = []
  const endpoint = createTokenEndpoint({ tokens, onRefused: (denial) => void refused.push(denial) })
  const claims = (changes: Claims = {}): Claims => ({
    iss: url,
    aud: audience,
    sub: 'repo:acme/payments:ref:refs/heads/main',
    iat: state.nowMs / 1000,
    exp: state.nowMs / 1000 + 600,
    repository: 'acme/payments',
    ref: 'refs/heads/main',
    ...changes,
  })
  const post = (assertion: string) =>
    endpoint(Buffer.from(JSON.stringify({ grant_type: grant, assertion })), 'application/json')
  return {
    folder,
    key,
    state,
    clock,
    tokens,
    endpoint,
    refused,
    claims,
    post,
    identify: createIdentify({ directory: () => current, pepper: new Secret('p'), clock, tokens }),
    recheck: createRecheck({ directory: () => current, clock, tokens, streamLifetimeMs: 3_600_000 }),
    sign: (changes?: Claims, header?: Claims, by: SignedBy = key) => signToken(by, claims(changes), header),
    reload: (next: string) => {
      current = parseDirectory(next, 'directory.yaml', roles)
    },
    exchanged: async (assertion: string): Promise<string> => {
      const { body } = await post(assertion)
      return 'access_token' in body && typeof body.access_token === 'string' ? body.access_token : ''
    },
  }
}

const codeOf = (answer: Answer) => ('kind' in answer ? answer.code.replace('identify.', '') : 'identified')
const callerIn = (answer: Answer) => {
  if ('kind' in answer) throw new Error(`${answer.code} ${answer.rule}`)
  return answer
}

test('a token of an issuer in the directory is its bearer, who the first fitting rule says', async () => {
  const { identify, sign } = openDoor()
  const caller = await identify(['authorization', `Bearer ${await sign()}`], '', {
    ip: '',
    certificate: null,
  })
  expect(caller).toEqual({
    id: 'ci-acme.payments',
    team: 'payments',
    roles: ['developer'],
    keyId: 'forge',
    costCentre: 'CC-1',
    via: 'jwt',
    subject: 'repo:acme/payments:ref:refs/heads/main',
    scopes: null,
    expiresMs: startMs + 630_000,
    bringsUpstreamBearer: false,
    policyName: '@developer',
  })
})

test('a token seen before is answered at once, without keys and without waiting', async () => {
  const { tokens, sign, state } = openDoor()
  const text = await sign()
  const first = await tokens.identifyToken(text)
  expect(tokens.identifyToken(text)).toBe(first)
  expect(state.fetched).toEqual([`${url}/jwks`])
})

const now = startMs / 1000
test.each<[string, Claims, Claims]>([
  ['another audience', { aud: 'https://other.example' }, {}],
  ['an audience that only begins like ours', { aud: `${audience}/` }, {}],
  ['further audiences', { aud: [audience, 'https://other.example'] }, {}],
  ['no audience', { aud: undefined }, {}],
  ['no end', { exp: undefined }, {}],
  ['no issue time', { iat: undefined }, {}],
  ['no subject', { sub: undefined }, {}],
  ['an issue time in the future', { iat: now + 31 }, {}],
  ['a start in the future', { nbf: now + 31 }, {}],
  ['an issuer nobody named', { iss: 'https://stranger.example' }, {}],
  ['an issuer that only begins like ours', { iss: `${url}/` }, {}],
  ['no issuer', { iss: undefined }, {}],
  ['our own issuer name', { iss: 'tollgate', aud: 'gateway' }, { typ: 'tollgate+jwt' }],
  ['no rule for its claims', { repository: 'acme/other' }, {}],
  ['a claim that only begins as wanted', { repository: 'acme/payments2' }, {}],
  ['a ref that is no branch', { repository: 'acme/payments', ref: 'refs/tags/v1' }, {}],
  ['a key address of its own', {}, { jku: 'https://stranger.example/jwks' }],
  ['a certificate address of its own', {}, { x5u: 'https://stranger.example/x' }],
  ['a certificate of its own', {}, { x5c: ['MIIB'] }],
  ['a key of its own', {}, { jwk: createIssuerKey().jwk }],
  ['a nested token', {}, { cty: 'JWT' }],
  ['another kind of token', {}, { typ: 'logout+jwt' }],
  ['an unknown key id', {}, { kid: 'k2' }],
  ['a key id out of a path', {}, { kid: '../../../dev/null' }],
])('a token with %s is refused, and the refusal says only that', async (_name, claims, header) => {
  const { tokens, sign } = openDoor()
  const answer = await tokens.identifyToken(await sign(claims, header))
  expect(codeOf(answer)).toBe('token_refused')
  if (!('kind' in answer)) return
  expect(answer.message).toMatch(/^the token is not accepted here; /)
  expect(answer.rule).not.toContain('stranger')
})

test('a token that asks for an extension is refused', async () => {
  const { tokens, claims } = openDoor()
  const text = forgeToken({ alg: 'ES256', kid: 'k1', crit: ['exp'], exp: 1 }, claims())
  expect(codeOf(await tokens.identifyToken(text))).toBe('token_refused')
})

test('no algorithm but the pinned ones verifies, least of all one that makes a password of a public key', async () => {
  const { tokens, claims, key, state } = openDoor()
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' })
  const forged = (alg: string) => {
    const unsigned = forgeToken({ alg, kid: 'k1' }, claims(), '').slice(0, -1)
    return `${unsigned}.${createHmac('sha256', pem).update(unsigned).digest('base64url')}`
  }
  for (const alg of ['none', 'None', 'HS256', 'RS256', 'ES384', 'ES256K', '']) {
    expect([alg, codeOf(await tokens.identifyToken(forged(alg)))]).toEqual([alg, 'token_refused'])
  }
  expect(codeOf(await tokens.identifyToken(forgeToken({ alg: 'none' }, claims(), '')))).toBe('token_refused')
  const rsa = createIssuerKey('RS256', 'k1')
  state.jwks = jwksOf(rsa, key)
  expect(codeOf(await tokens.identifyToken(await signToken(rsa, claims())))).toBe('token_refused')
})

test('a signature by any other key, or over any other text, is refused', async () => {
  const { tokens, sign, claims } = openDoor()
  const stranger = createIssuerKey('ES256', 'k1')
  expect(codeOf(await tokens.identifyToken(await sign({}, {}, stranger)))).toBe('token_refused')
  const [header = '', , signature = ''] = (await sign()).split('.')
  const other = Buffer.from(JSON.stringify(claims({ ref: 'refs/heads/x' }))).toString('base64url')
  expect(codeOf(await tokens.identifyToken(`${header}.${other}.${signature}`))).toBe('token_refused')
  expect(codeOf(await tokens.identifyToken(`${header}.${other}.`))).toBe('token_refused')
})

test('an overlong token is not read', async () => {
  const { tokens, sign, state } = openDoor()
  expect(codeOf(await tokens.identifyToken(await sign({ pad: 'x'.repeat(16 * 1024) })))).toBe('token_refused')
  expect(state.fetched).toEqual([])
})

test('private, symmetric, encrypting and doubled keys in a JWKS verify nothing', async () => {
  const { tokens, sign, state, key } = openDoor()
  const twice = { ...createIssuerKey('ES256', 'k1').jwk }
  for (const keys of [
    [{ kty: 'oct', kid: 'k1', k: 'c2VjcmV0' }],
    [{ ...key.jwk, use: 'enc' }],
    [{ ...key.jwk, key_ops: ['sign'] }],
    [{ ...key.jwk, alg: 'ES384' }],
    [key.jwk, twice],
  ]) {
    state.jwks = JSON.stringify({ keys })
    state.nowMs += 3_600_000
    expect(codeOf(await tokens.identifyToken(await sign()))).not.toBe('identified')
  }
})

test('a token ends at its end and the tolerance, also when it was seen before, and with its greatest age', async () => {
  const { tokens, sign, state } = openDoor()
  const text = await sign({ exp: now + 600 })
  const old = await sign({ exp: now + 86_400 })
  expect(codeOf(await tokens.identifyToken(text))).toBe('identified')
  expect(callerIn(await tokens.identifyToken(old)).expiresMs).toBe(startMs + 3_630_000)
  state.nowMs = startMs + 629_000
  expect(codeOf(await tokens.identifyToken(text))).toBe('identified')
  state.nowMs = startMs + 630_000
  expect(codeOf(await tokens.identifyToken(text))).toBe('credential_expired')
  state.nowMs = startMs + 3_631_000
  expect(codeOf(await tokens.identifyToken(old))).toBe('credential_expired')
})

test('unknown key ids cause one fetch per cooldown, and a new key is found by it', async () => {
  const { tokens, sign, state, key } = openDoor()
  await tokens.identifyToken(await sign())
  for (let at = 0; at < 20; at++) await tokens.identifyToken(await sign({}, { kid: `made-up-${at}` }))
  expect(state.fetched).toHaveLength(1)
  const next = createIssuerKey('ES256', 'k2')
  state.jwks = jwksOf(key, next)
  state.nowMs += 11_000
  expect(codeOf(await tokens.identifyToken(await sign({}, {}, next)))).toBe('identified')
  expect(state.fetched).toHaveLength(2)
})

test('a key that its issuer withdraws verifies nothing more, not even a token seen before', async () => {
  const { tokens, sign, state } = openDoor()
  const text = await sign({ exp: now + 3000 })
  expect(codeOf(await tokens.identifyToken(text))).toBe('identified')
  state.jwks = jwksOf(createIssuerKey('ES256', 'k9'))
  state.nowMs += 11 * 60_000
  await tokens.identifyToken(text)
  expect(codeOf(await tokens.identifyToken(text))).toBe('token_refused')
})

test('during an outage the last good keys serve, but not for ever', async () => {
  const { tokens, sign, state } = openDoor()
  expect(codeOf(await tokens.identifyToken(await sign()))).toBe('identified')
  const good = state.jwks
  for (const broken of ['', '{"keys":[]}', 'no json']) {
    state.jwks = broken
    state.nowMs += 7 * 3_600_000
    expect(codeOf(await tokens.identifyToken(await sign()))).toBe('identified')
  }
  expect(state.problems.length).toBeGreaterThan(2)
  const seen = await sign({ iat: state.nowMs / 1000, exp: state.nowMs / 1000 + 3600 * 5 })
  state.nowMs = startMs + 24 * 3_600_000 + 1
  expect(codeOf(await tokens.identifyToken(seen))).toBe('keys_unavailable')
  expect(codeOf(await tokens.identifyToken(await sign()))).toBe('keys_unavailable')
  expect((await openDoor().post('a.b.c')).status).toBe(400)
  state.jwks = good
  state.nowMs += 11_000
  expect(codeOf(await tokens.identifyToken(await sign()))).toBe('identified')
})

test('keys come from a file of the policies folder, too', async () => {
  const { tokens, sign, folder, key, state } = openDoor(
    entry().replace(`jwks_url: ${url}/jwks`, 'jwks_file: cluster.json'),
  )
  expect(codeOf(await tokens.identifyToken(await sign()))).toBe('keys_unavailable')
  writeFileSync(join(folder, 'cluster.json'), jwksOf(key))
  state.nowMs += 11_000
  expect(codeOf(await tokens.identifyToken(await sign()))).toBe('identified')
  expect(state.fetched).toEqual([])
})

test('a key taken out of a key file of the policies folder counts no more within seconds', async () => {
  const { tokens, sign, folder, key, state } = openDoor(
    entry().replace(`jwks_url: ${url}/jwks`, 'jwks_file: cluster.json'),
  )
  writeFileSync(join(folder, 'cluster.json'), jwksOf(key))
  const text = await sign({ exp: now + 3000 })
  expect(codeOf(await tokens.identifyToken(text))).toBe('identified')
  writeFileSync(join(folder, 'cluster.json'), jwksOf(createIssuerKey('ES256', 'k9')))
  state.nowMs += 2_000
  // The file is read behind the request that noticed its age.
  await until(
    async () => codeOf(await tokens.identifyToken(text)),
    (code) => code === 'token_refused',
  )
})

test('a changed directory counts at the next use of a token, and for streams that are open', async () => {
  const { tokens, sign, reload, recheck, clock } = openDoor()
  const text = await sign()
  const caller = callerIn(await tokens.identifyToken(text))
  expect(recheck(caller, clock.nowMs())).toBeNull()
  reload(
    entry().replace('roles: [developer]\n      - when: { groups', 'roles: [viewer]\n      - when: { groups'),
  )
  expect(recheck(caller, clock.nowMs())).toMatchObject({ code: 'identify.token_refused' })
  expect(recheck({ ...caller }, clock.nowMs())).toMatchObject({ code: 'identify.token_refused' })
  expect(callerIn(await tokens.identifyToken(text)).roles).toEqual(['viewer'])
  reload(entry().replace('refs/heads/*', 'refs/heads/release'))
  expect(recheck(caller, clock.nowMs())).toMatchObject({ code: 'identify.token_refused' })
  expect(codeOf(await tokens.identifyToken(text))).toBe('token_refused')
  reload(entry().slice(0, entry().indexOf('issuers:')))
  expect(codeOf(await tokens.identifyToken(text))).toBe('token_refused')
})

test('any one of several values may fit, and a claim made of them is no name', async () => {
  const { tokens, sign, state } = openDoor()
  const many = await sign({ groups: ['a', 'readers'], repository: ['acme/payments', 'x'] })
  expect(codeOf(await tokens.identifyToken(many))).toBe('token_refused')
  const reader = await sign({ groups: ['a', 'readers'], repository: 'other' })
  expect(callerIn(await tokens.identifyToken(reader)).id).toBe('reader')
  expect(state.fetched).toHaveLength(1)
})

test.each([['acme/pay ments'], ['acme/{sub}'], ['ACME/é'], [''], ['x'.repeat(80)], ['../admin*']])(
  'a claim %j makes no caller name',
  async (repository) => {
    const { tokens, sign } = openDoor(entry().replace('repository: acme/payments, ', ''))
    expect(codeOf(await tokens.identifyToken(await sign({ repository })))).toBe('token_refused')
  },
)

test('claims cannot make the name of a caller that is listed by hand', async () => {
  const { tokens, sign } = openDoor(entry().replace('repository: acme/payments, ', ''))
  expect(codeOf(await tokens.identifyToken(await sign({ repository: 'listed' })))).toBe('token_refused')
  expect(callerIn(await tokens.identifyToken(await sign({ repository: 'Other' }))).id).toBe('ci-other')
})

test('a claim whose name could be read in two ways is not there', async () => {
  const { tokens, sign } = openDoor(entry().replace('groups: readers', '"k8s.io.ns": a'))
  expect(codeOf(await tokens.identifyToken(await sign({ ref: '', 'k8s.io': { ns: 'a' } })))).toBe(
    'identified',
  )
  const both = { ref: '', 'k8s.io': { ns: 'a' }, 'k8s.io.ns': 'a' }
  expect(codeOf(await tokens.identifyToken(await sign(both)))).toBe('token_refused')
})

test('an assertion is exchanged for a token of ours that ends with it and is read by the directory of now', async () => {
  const { post, sign, tokens, reload, recheck, state, clock } = openDoor()
  const answer = await post(await sign({ exp: now + 300 }))
  expect(answer).toEqual({
    status: 200,
    body: { access_token: expect.any(String), token_type: 'Bearer', expires_in: 300 },
  })
  const long = await post(await sign({ exp: now + 3000 }))
  expect(long.body).toMatchObject({ expires_in: 900 })
  const token = 'access_token' in long.body ? String(long.body.access_token) : ''
  const caller = callerIn(await tokens.identifyToken(token))
  expect(caller).toMatchObject({
    id: 'ci-acme.payments',
    via: 'token',
    keyId: 'forge',
    expiresMs: startMs + 900_000,
  })
  expect(tokens.identifyToken(token)).toBe(caller)
  reload(entry().replace('team: payments\n        roles: [developer]', 'team: data\n        roles: [viewer]'))
  expect(callerIn(await tokens.identifyToken(token))).toMatchObject({ team: 'data', roles: ['viewer'] })
  expect(recheck(caller, clock.nowMs())).not.toBeNull()
  for (const changed of [
    entry().replace('repository: acme/payments, ref', 'repository: acme/payments, environment: prod, ref'),
    entry().replace('acme/payments', 'acme/other'),
    entry().replace('caller: ci-{repository}', 'caller: gh-{repository}'),
    entry().replace('id: forge', 'id: foundry'),
    entry().replace(`issuer: ${url}`, 'issuer: https://other.example'),
  ]) {
    reload(changed)
    expect(codeOf(await tokens.identifyToken(token))).toBe('token_refused')
  }
  reload(entry())
  state.nowMs = startMs + 900_000
  expect(codeOf(await tokens.identifyToken(token))).toBe('credential_expired')
})

test('a stream goes on after its minted token, for a bounded time and only while the rule that let it in holds', async () => {
  const { post, sign, tokens, reload, recheck, state } = openDoor()
  const { body } = await post(await sign({ exp: now + 3000 }))
  const caller = callerIn(await tokens.identifyToken('access_token' in body ? String(body.access_token) : ''))
  const openedAtMs = state.nowMs
  state.nowMs = (caller.expiresMs ?? 0) + 1
  expect(recheck(caller, openedAtMs)).toBeNull()
  reload(entry().replace('acme/payments', 'acme/other'))
  expect(recheck(caller, openedAtMs)).toMatchObject({ code: 'identify.token_refused' })
  reload(entry())
  expect(recheck(caller, openedAtMs)).toBeNull()
  state.nowMs = openedAtMs + 3_600_000
  expect(recheck(caller, openedAtMs)).toMatchObject({ code: 'identify.credential_expired' })
})

test('a stream that an issuer’s own token opened ends with that token', async () => {
  const { sign, tokens, recheck, state } = openDoor()
  const caller = callerIn(await tokens.identifyToken(await sign()))
  const openedAtMs = state.nowMs
  state.nowMs = caller.expiresMs ?? 0
  expect(recheck(caller, openedAtMs)).toMatchObject({ code: 'identify.credential_expired' })
})

test('a minted token outlives its assertion only where the directory says so', async () => {
  const { post, sign } = openDoor(
    entry('    token_outlives_assertion: true\n    token_lifetime_seconds: 1200\n'),
  )
  expect((await post(await sign({ exp: now + 60 }))).body).toMatchObject({ expires_in: 1200 })
})

test('a token of ours is neither exchanged again nor taken by a gateway that did not sign it', async () => {
  const { exchanged, sign, post } = openDoor()
  const token = await exchanged(await sign())
  expect(await post(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  const stranger = openDoor()
  expect(codeOf(await stranger.tokens.identifyToken(token))).toBe('token_refused')
})

test('a refused exchange is an OAuth error that tells the log why, and the sender nothing', async () => {
  const { endpoint, post, sign, refused, reload } = openDoor()
  const descriptions = new Set<unknown>()
  const wrong = [
    await sign({ aud: 'x' }),
    await sign({ exp: now - 60 }),
    await sign({ repository: '' }),
    'junk',
    'a.b.c',
  ]
  for (const assertion of wrong) {
    const { status, body } = await post(assertion)
    expect([status, 'error' in body && body.error]).toEqual([400, 'invalid_grant'])
    descriptions.add(JSON.stringify(body))
  }
  expect(descriptions.size).toBe(1)
  expect(new Set(refused.map(({ rule }) => rule)).size).toBeGreaterThanOrEqual(4)

  const form = (text: string) =>
    endpoint(Buffer.from(text), 'application/x-www-form-urlencoded; charset=utf-8')
  const good = await sign()
  expect(await form(new URLSearchParams({ grant_type: grant, assertion: good }).toString())).toMatchObject({
    status: 200,
  })
  expect(await form(`grant_type=${grant}&assertion=a&assertion=${good}`)).toMatchObject({
    body: { error: 'invalid_request' },
  })
  expect(await form('grant_type=refresh_token&refresh_token=x')).toMatchObject({
    body: { error: 'unsupported_grant_type' },
  })
  expect(await form(`grant_type=${grant}`)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  for (const body of ['', '[]', '{', 'x'.repeat(40_000)]) {
    expect(await endpoint(Buffer.from(body), 'application/json')).toMatchObject({
      body: { error: 'invalid_request' },
    })
  }
  reload(entry().slice(0, entry().indexOf('issuers:')))
  expect((await post(good)).status).toBe(404)
})

test('the signing key is made once, kept private, and refused when others may read it', () => {
  const { folder } = openDoor()
  const path = join(folder, 'token-key.pem')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const { kid } = loadOrCreateSigningKey(path)
  expect(loadOrCreateSigningKey(path).kid).toBe(kid)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  writeFileSync(path, rsa.export({ type: 'pkcs8', format: 'pem' }))
  expect(() => loadOrCreateSigningKey(path)).toThrow(/Ed25519/)
})

test.each<[string, string, string, RegExp]>([
  ['an algorithm with a shared secret', '[ES256]', '[HS256]', /:8: .*must be one of RS256/],
  ['no algorithm', '[ES256]', '[none]', /:8: .*must be one of/],
  ['keys over plain http', `jwks_url: ${url}/jwks`, 'jwks_url: http://issuer.example/jwks', /:9: .*https/],
  ['a key file outside', `jwks_url: ${url}/jwks`, 'jwks_file: ../data/x', /:9: .*inside the policies folder/],
  ['no keys', `    jwks_url: ${url}/jwks\n`, '', /either `jwks_url` or `jwks_file`/],
  ['a wide tolerance', 'tolerance_seconds: 30', 'tolerance_seconds: 61', /:11: /],
  ['a star inside', 'refs/heads/*', 're*/x', /has a `\*` before its end/],
  ['a condition on nothing', '{ groups: readers }', '{}', /must name a claim/],
  ['an unknown role', 'roles: [viewer]', 'roles: [root]', /is no role: `root`/],
  ['an unknown team', 'team: data\n', 'team: nobody\n', /names no team/],
  ['a name made of claims alone', 'ci-{repository}', '"{repository}"', /must begin with a name of its own/],
  [
    'other roles for a listed caller',
    'caller: reader\n        team: data',
    'caller: ci-listed\n        team: payments',
    /must be \[developer\]/,
  ],
  ['a caller in another team', 'caller: reader', 'caller: ci-listed', /must be `payments`/],
  ['a word nobody knows', 'audience:', 'audiences:', /./],
])('a directory with %s does not load, and says where', (_name, before, after, error) => {
  expect(entry()).toContain(before)
  expect(() => parseDirectory(entry().replace(before, after), 'directory.yaml', roles)).toThrow(error)
})

test('two issuers cannot both make the same name', () => {
  const text = entry()
  const second = text
    .slice(text.indexOf('  - id: forge'))
    .replace('id: forge', 'id: other')
    .replace(`issuer: ${url}`, 'issuer: https://other.example')
  expect(() => parseDirectory(text + second, 'd', roles)).toThrow(
    /may make the same name as `ci-{repository}`/,
  )
  const apart = second.replace('ci-{', 'xi-{').replace('caller: reader', 'caller: ci-reader')
  expect(() => parseDirectory(text + apart, 'd', roles)).toThrow(/may make the same name as `ci-reader`/)
  expect(parseDirectory(text + second.replace('ci-{', 'xi-{'), 'd', roles).issuers.size).toBe(2)
})
