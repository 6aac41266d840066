// Tokens under attack, beyond what each check says by itself: claims that want to be other claims, keys that want to be
// other keys, tokens inside tokens, and the token endpoint asked for what it is not there for.
import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { CompactEncrypt } from 'jose'
import { expect, test } from 'vitest'
import { type Directory, parseDirectory } from '../../src/identify/directory.ts'
import { createTokenEndpoint } from '../../src/identify/tokens/token-endpoint.ts'
import { createTokens } from '../../src/identify/tokens/tokens.ts'
import { type Claims, createIssuerKey, forgeToken, jwksOf, signToken } from '../support/issuer.ts'

const nowMs = Date.UTC(2027, 0, 1)
const now = nowMs / 1000
const url = 'https://issuer.example'
const otherUrl = 'https://issuer.example.attacker.example'
const audience = 'https://tollgate.example'
const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

const directory: Directory = parseDirectory(
  `
teams: [{ name: payments, cost_centre: CC-1 }, { name: platform, cost_centre: CC-2 }]
callers: [{ id: ci-admin, team: platform, roles: [admin] }]
issuers:
  - id: forge
    issuer: ${url}
    audience: ${audience}
    algorithms: [ES256]
    jwks_url: ${url}/jwks
    clock_tolerance_seconds: 0
    callers:
      - when: { role: deploy, repository: acme/* }
        caller: ci-{sub}
        team: payments
        roles: [viewer]
      - when: { is_admin: true, namespace.name: system }
        caller: operator-one
        team: platform
        roles: [admin]
  - id: second
    issuer: ${otherUrl}
    audience: ${audience}
    algorithms: [ES256]
    jwks_url: ${otherUrl}/jwks
    callers: [{ when: { sub: x }, caller: second-one, team: payments, roles: [viewer] }]
`,
  'directory.yaml',
  new Set(['viewer', 'admin']),
)

const key = createIssuerKey('ES256', 'k1')
const attacker = createIssuerKey('ES256', 'k1')

function openDoor(jwks = jwksOf(key)) {
  const tokens = createTokens({
    directory: () => directory,
    clock: { nowMs: () => nowMs, monotonicMs: () => 0 },
    signingKey: { ...generateKeyPairSync('ed25519'), kid: 'own' },
    policiesFolder: '/nowhere',
    fetchJwks: async (at) => (at === `${url}/jwks` ? jwks : jwksOf(attacker)),
    onProblem: () => {},
  })
  const endpoint = createTokenEndpoint({ tokens, onRefused: () => {} })
  return { tokens, endpoint }
}

const claims = (changes: Claims = {}): Claims => ({
  iss: url,
  aud: audience,
  sub: 'deployer',
  iat: now,
  exp: now + 600,
  role: 'deploy',
  repository: 'acme/payments',
  ...changes,
})

const who = async (text: string, door = openDoor()): Promise<string> => {
  const answer = await door.tokens.identifyToken(text)
  return 'kind' in answer
    ? answer.code.replace('identify.', '')
    : `${answer.team}/${answer.id}/${answer.roles.join()}`
}

test('the token that all of these change is a good one', async () => {
  expect(await who(await signToken(key, claims()))).toBe('payments/ci-deployer/viewer')
})

test.each<[string, Claims]>([
  ['the name of a listed caller', { sub: 'admin' }],
  ['the name of a listed caller in capitals', { sub: 'ADMIN' }],
  ['a placeholder', { sub: '{sub}' }],
  ['another rule’s placeholder', { sub: '{repository}' }],
  ['a line of YAML', { sub: 'x\nroles: [admin]' }],
  ['a rule of a policy', { sub: 'x, platform, *, *, allow' }],
  ['what the policy calls a role', { sub: 'role:admin' }],
  ['a star', { sub: '*' }],
  ['a name of many', { sub: ['deployer', 'admin'] }],
  ['an object', { sub: { toString: 'admin' } }],
  ['a number', { sub: 7 }],
  ['NUL', { sub: 'deployer\0' }],
  ['a letter of another script', { sub: 'dеployer' }],
  ['a full-width letter', { sub: 'ｄeployer' }],
  ['the Kelvin sign, whose small letter is a plain k', { sub: '\u212aate' }],
  ['nothing', { sub: '' }],
  ['too much', { sub: 'x'.repeat(513) }],
])('a subject that is %s makes no caller but its own', async (_name, changes) => {
  expect(await who(await signToken(key, claims(changes)))).toMatch(
    /^(?:token_refused|payments\/ci-[a-z0-9._-]+\/viewer)$/,
  )
  expect(await who(await signToken(key, claims(changes)))).not.toMatch(/ci-admin|platform/)
})

test.each<[string, Claims]>([
  ['a role out of a list of lists', { role: [['deploy']] }],
  ['a role as an object', { role: { deploy: true } }],
  ['a repository that begins otherwise', { repository: 'xacme/payments' }],
  ['a repository with the beginning in capitals', { repository: 'ACME/payments' }],
  [
    'an administrator by text, in the wrong case',
    { role: 'x', is_admin: 'TRUE', namespace: { name: 'system' } },
  ],
  [
    'an administrator by a name that can be read in two ways',
    { role: 'x', is_admin: true, namespace: { name: 'system' }, 'namespace.name': 'system' },
  ],
  [
    'an administrator by the name of every object',
    { role: 'x', ['__proto__']: { is_admin: true }, constructor: { is_admin: true } },
  ],
  ['an end as text', { exp: `${now + 600}` }],
  ['an end that never comes', { exp: Number.MAX_VALUE, iat: now - 90 * 86_400 }],
  ['an end that is no number', { exp: null }],
  ['an issue time as text', { iat: `${now}` }],
  ['an issue time before all time', { iat: -1 }],
  ['a start that has not come', { nbf: now + 1 }],
  ['an end that has come', { exp: now }],
  ['an audience in a list of two', { aud: [audience, audience] }],
  ['an empty audience', { aud: [] }],
  ['an audience as an object', { aud: { 0: audience } }],
  ['an audience in capitals', { aud: audience.toUpperCase() }],
  ['an issuer in a list', { iss: [url] }],
  ['an issuer in capitals', { iss: url.toUpperCase() }],
  ['an issuer with a port', { iss: `${url}:443` }],
  ['an issuer with a user', { iss: 'https://issuer.example@attacker.example' }],
  ['the issuer of somebody else', { iss: otherUrl }],
])('%s lets nobody in', async (_name, changes) => {
  expect(await who(await signToken(key, claims(changes)))).toMatch(/^(?:token_refused|credential_expired)$/)
})

test('the keys of one issuer verify nothing of another, though both know the key id', async () => {
  expect(await who(await signToken(attacker, claims()))).toBe('token_refused')
  expect(await who(await signToken(attacker, claims({ iss: otherUrl, sub: 'x' })))).toBe(
    'payments/second-one/viewer',
  )
})

test.each([
  '__proto__',
  'constructor',
  '',
  ' k1',
  'K1',
  'k1\0',
  '../k1',
  "k1' OR '1'='1",
  '/dev/null',
  'x'.repeat(600),
])('the key id `%s` finds no key', async (kid) => {
  expect(await who(await signToken(key, claims(), { kid }))).toBe('token_refused')
  const unsigned = forgeToken({ alg: 'HS256', kid, typ: 'JWT' }, claims(), '').slice(0, -1)
  const signature = createHmac('sha256', '').update(unsigned).digest('base64url')
  expect(await who(`${unsigned}.${signature}`)).toBe('token_refused')
})

test.each<[string, Claims]>([
  ['says that its payload is not encoded', { b64: false }],
  ['says so in a list of what must be understood', { b64: false, crit: ['b64'] }],
  ['is packed', { zip: 'DEF' }],
  ['is a token in a token', { cty: 'JWT' }],
  ['names its type in another way', { typ: 'tollgate+jwt' }],
  ['is a logout', { typ: 'logout+jwt' }],
  ['is a proof of possession', { typ: 'dpop+jwt' }],
  ['brings a certificate by its print', { x5c: ['x'], 'x5t#S256': 'x' }],
  ['has an algorithm in a list', { alg: ['ES256'] }],
  ['has an algorithm with a space', { alg: 'ES256 ' }],
  ['has an algorithm in small letters', { alg: 'es256' }],
])('a token that %s is refused', async (_name, header) => {
  const unsigned = forgeToken({ alg: 'ES256', kid: 'k1', ...header }, claims(), '').slice(0, -1)
  const signature = signBytes('sha256', Buffer.from(unsigned), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  const text = `${unsigned}.${signature.toString('base64url')}`
  expect(await who(text)).toBe('token_refused')
})

test('a signature of nothing but zeros, of another length or in another encoding verifies nothing', async () => {
  const unsigned = forgeToken({ alg: 'ES256', kid: 'k1', typ: 'JWT' }, claims(), '').slice(0, -1)
  const der = signBytes('sha256', Buffer.from(unsigned), key.privateKey)
  for (const signature of [
    Buffer.alloc(64),
    Buffer.alloc(0),
    Buffer.alloc(32, 1),
    Buffer.alloc(1_000),
    der,
  ]) {
    expect(await who(`${unsigned}.${signature.toString('base64url')}`)).toBe('token_refused')
  }
})

test('an encrypted token is none, and one without its three parts is a key of nobody', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const encrypted = await new CompactEncrypt(Buffer.from(await signToken(key, claims())))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(publicKey)
  const { tokens } = openDoor()
  expect(tokens.looksLikeToken(encrypted)).toBe(false)
  const whole = await signToken(key, claims())
  for (const text of [
    '..',
    'a.b',
    `${whole}.`,
    `${whole}.x`,
    `.${whole}`,
    `${whole}=`,
    whole.replace('.', '..'),
  ]) {
    if (tokens.looksLikeToken(text)) expect(await who(text)).toBe('token_refused')
  }
})

test('a key set that holds a secret, or the same key id twice, makes no key of it', async () => {
  const text = await signToken(key, claims())
  const secret = Buffer.from('secret').toString('base64url')
  const oct = JSON.stringify({ keys: [{ kty: 'oct', kid: 'k1', k: secret, alg: 'HS256' }] })
  expect(await who(text, openDoor(oct))).toBe('keys_unavailable')
  const twice = JSON.stringify({ keys: [attacker.jwk, key.jwk] })
  expect(await who(text, openDoor(twice))).toBe('token_refused')
})

const post = async (body: string | Buffer, type = 'application/json', door = openDoor()) =>
  door.endpoint(Buffer.from(body), type)

test('the endpoint that trades tokens is asked in one way only', async () => {
  const assertion = await signToken(key, claims())
  const form = (fields: string) => post(fields, 'application/x-www-form-urlencoded')
  const good = `grant_type=${encodeURIComponent(grant)}&assertion=${assertion}`
  expect((await form(good)).status).toBe(200)
  const refused = [
    await form(`${good}&assertion=${assertion}`),
    await form(`${good}&grant_type=client_credentials`),
    await form(`grant_type=${encodeURIComponent(grant)}&assertion[]=${assertion}`),
    await form(`grant_type=${encodeURIComponent(grant.toUpperCase())}&assertion=${assertion}`),
    await form(`grant_type=${encodeURIComponent(` ${grant}`)}&assertion=${assertion}`),
    await form(good.replaceAll('&', ';')),
    await post(good),
    await post(good, 'multipart/form-data; boundary=x'),
    await post(JSON.stringify([{ grant_type: grant, assertion }])),
    await post(JSON.stringify({ grant_type: [grant], assertion })),
    await post(JSON.stringify({ grant_type: grant, assertion: [assertion] })),
    await post(JSON.stringify({ grant_type: grant, assertion: { toString: assertion } })),
    await post(JSON.stringify({ grant_type: 'refresh_token', refresh_token: assertion })),
    await post(
      JSON.stringify({ grant_type: 'client_credentials', client_id: 'ci-admin', client_secret: 'x' }),
    ),
    await post(
      JSON.stringify({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: assertion,
      }),
    ),
    await post(`{"grant_type":"${grant}","assertion":"${assertion}","pad":"${'x'.repeat(40_000)}"}`),
    await post(Buffer.from(JSON.stringify({ grant_type: grant, assertion }), 'utf16le')),
    await post(''),
    await post('null'),
    await post(`{"__proto__":{"grant_type":"${grant}","assertion":"${assertion}"}}`),
  ]
  for (const [at, { status, body }] of refused.entries()) {
    expect([at, status, Object.hasOwn(body, 'access_token')]).toEqual([at, 400, false])
    expect(JSON.stringify(body)).not.toContain(assertion.slice(0, 40))
  }
})

test('what the sender asks of the new token, it does not get', async () => {
  const assertion = await signToken(key, claims())
  const wishes = {
    scope: 'admin',
    team: 'platform',
    roles: ['admin'],
    sub: 'ci-admin',
    expires_in: 9e9,
    audience: '*',
  }
  const door = openDoor()
  const { body } = await post(
    JSON.stringify({ grant_type: grant, assertion, ...wishes }),
    'application/json',
    door,
  )
  const token = String(Reflect.get(body, 'access_token'))
  expect(await who(token, door)).toBe('payments/ci-deployer/viewer')
  expect(Number(Reflect.get(body, 'expires_in'))).toBeLessThanOrEqual(600)
  // And what was made is no assertion again.
  const again = await post(JSON.stringify({ grant_type: grant, assertion: token }), 'application/json', door)
  expect(again.status).toBe(400)
})
