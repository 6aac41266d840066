// What an operator writes becomes exactly one checked Config, or every fault of it is told at once.
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { type Environment, parseConfig } from '../../src/config.ts'
import { createAuthority } from '../support/authority.ts'

const providerKey = 'sk-ant-marker-0123456789'

/** Files that exist, by path; any other path fails as the file system does. */
const files = (known: Readonly<Record<string, string>>) => (path: string) => {
  const text = known[path]
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
  return text
}

function good(env: Environment, known: Readonly<Record<string, string>> = {}) {
  const result = parseConfig(env, files(known))
  if (!result.ok) throw new Error(`refused: ${result.problems.join('; ')}`)
  return result
}

function faults(env: Environment, known: Readonly<Record<string, string>> = {}): readonly string[] {
  const result = parseConfig(env, files(known))
  return result.ok ? [] : result.problems
}

test('an empty environment is a loopback gateway with embedded ledger and simulator', () => {
  const { config, warnings } = good({})
  expect(config.gateway).toEqual({
    listen: { host: '127.0.0.1', port: 8787 },
    tls: null,
    publicUrl: null,
    bodyLimitBytes: 33_554_432,
    shutdownGraceMs: 10_000,
    stallTimeoutMs: 300_000,
    drainsMax: 100,
    drainTimeoutMs: 600_000,
    events: 'all',
    streamLifetimeMs: 12 * 3_600_000,
    stamping: true,
  })
  expect(config.show.listen).toEqual({ host: '127.0.0.1', port: 8788 })
  expect(config.upstream).toEqual({ kind: 'simulator' })
  expect(config.ledger).toEqual({ kind: 'embedded' })
  expect(config.journal.whenFull).toBe('refuse')
  expect(warnings).toEqual([])
})

test('a provider key makes the provider the upstream, and the key cannot be printed', () => {
  const { config } = good({ ANTHROPIC_API_KEY: providerKey, OTEL_SERVICE_NAME: 'edge', PATH: '/bin' })
  expect(config.upstream).toMatchObject({ kind: 'http', url: 'https://api.anthropic.com', caPem: null })
  if (config.upstream.kind === 'http') expect(config.upstream.key.reveal()).toBe(providerKey)
  expect(JSON.stringify(config) + inspect(config, { depth: 9 })).not.toContain(providerKey)
  expect(config.trace.otelEnv).toEqual({ OTEL_SERVICE_NAME: 'edge' })
})

test('every problem is told in one go, each by the name the operator wrote', () => {
  const problems = faults(
    {
      TOLLGATE_CONFIG: 'tollgate.yaml',
      TOLLGATE_LISTEN: 'nowhere',
      TOLLGATE_JOURNAL_FULL: 'drop',
      TOLLGATE_UPSTREAM_URL: 'http://api.example.com',
      TOLLGATE_UPSTREAM_KEY_FILE: 'missing.key',
      TOLLGATE_CLICKHOUSE_PASSWORD: 'x',
    },
    { 'tollgate.yaml': 'body_limit_bytes: 12 MB\nlistne: 127.0.0.1:1\nadmin_listen: 127.0.0.1:99999\n' },
  )
  for (const name of [
    'TOLLGATE_LISTEN: `nowhere`',
    'TOLLGATE_JOURNAL_FULL: `drop`',
    'TOLLGATE_UPSTREAM_URL: `http://api.example.com` must be https',
    'TOLLGATE_UPSTREAM_KEY_FILE: cannot read `missing.key` (ENOENT)',
    'TOLLGATE_CLICKHOUSE_URL: is not set',
    'body_limit_bytes in tollgate.yaml: `12 MB` is not a whole number',
    'listne in tollgate.yaml: there is no such setting',
    'admin_listen in tollgate.yaml',
  ]) {
    expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1)
  }
  expect(problems).toHaveLength(8)
})

test('no problem and no warning repeats a secret, whatever is wrong with it', () => {
  const marker = 'hunter2-marker'
  const results = [
    faults({ ANTHROPIC_API_KEY: `tg_live_${marker}` }),
    faults({ ANTHROPIC_API_KEY: `${marker} with blanks` }),
    faults({ ANTHROPIC_API_KEY: marker, TOLLGATE_UPSTREAM_URL: `https://me:${marker}@api.example.com/v1` }),
    faults({ TOLLGATE_UPSTREAM_KEY_FILE: 'k' }, { k: `${marker}\n${marker}` }),
    faults({ TOLLGATE_CONFIG: 'c' }, { c: `clickhouse_password: ${marker}` }),
    faults({ TOLLGATE_CONFIG: 'c' }, { c: `clickhouse_password: "${marker}` }),
  ]
  for (const problems of results) {
    expect(problems).not.toEqual([])
    expect(problems.join('\n')).not.toContain(marker)
  }
})

test('the upstream is https, or on this machine, or refused; never the gateway itself', () => {
  const withUrl = (url: string) => faults({ ANTHROPIC_API_KEY: providerKey, TOLLGATE_UPSTREAM_URL: url })
  for (const url of [
    'https://proxy.example.com',
    'http://127.0.0.1:9000',
    'http://localhost:9000/',
    'http://[::1]:9000',
  ]) {
    expect(withUrl(url)).toEqual([])
  }
  for (const url of [
    'http://10.0.0.1',
    'http://127.0.0.1.example.com',
    'ftp://127.0.0.1',
    'api.anthropic.com',
    'https://x/v1',
  ]) {
    expect(withUrl(url)).toHaveLength(1)
  }
  expect(withUrl('http://127.0.0.1:8787')[0]).toContain("this gateway's own address")
  expect(faults({ TOLLGATE_UPSTREAM_URL: 'https://x.example.com' })[0]).toContain('needs a key')
})

test('the key file wins over the variable, and two different keys are told', () => {
  const env = { ANTHROPIC_API_KEY: 'sk-one', TOLLGATE_UPSTREAM_KEY_FILE: 'key' }
  const differing = good(env, { key: 'sk-two\n' })
  if (differing.config.upstream.kind === 'http') expect(differing.config.upstream.key.reveal()).toBe('sk-two')
  expect(differing.warnings).toHaveLength(1)
  expect(good(env, { key: 'sk-one\n' }).warnings).toEqual([])
  expect(faults(env, { key: '\n' })[0]).toContain('is empty')
})

test('the environment wins over the file, and an empty variable is an unset one', () => {
  const yaml = { c: 'listen: 0.0.0.0:80\nbody_limit_bytes: 4096\n' }
  const { config } = good({ TOLLGATE_CONFIG: 'c', TOLLGATE_LISTEN: '[::1]:81', ANTHROPIC_API_KEY: '' }, yaml)
  expect(config.gateway.listen).toEqual({ host: '::1', port: 81 })
  expect(config.gateway.bodyLimitBytes).toBe(4096)
  expect(config.upstream.kind).toBe('simulator')
})

test('a mistyped variable is told, what an orchestrator sets by itself is not', () => {
  expect(good({ TOLLGATE_LISTN: 'x' }).warnings).toEqual([
    'TOLLGATE_LISTN: there is no such setting; it has no effect',
  ])
  const quiet = {
    TOLLGATE_PORT_8787_TCP: 'tcp://10.0.0.1:8787',
    TOLLGATE_SERVICE_HOST: '10.0.0.1',
    TOLLGATE_KEY: 'x',
  }
  expect(good(quiet).warnings).toEqual([])
})

test('both listeners on one port is refused', () => {
  expect(faults({ TOLLGATE_ADMIN_LISTEN: '127.0.0.1:8787' })[0]).toContain('another port')
  expect(faults({ TOLLGATE_LISTEN: '127.0.0.1:0', TOLLGATE_ADMIN_LISTEN: '127.0.0.1:0' })).toEqual([])
})

const twoUpstreams = 'upstreams:\n  - { name: main, key_file: a.key }\n  - { name: pay, key_file: b.key }\n'
const withUpstreams = (yaml: string) => ({ 'tollgate.yaml': yaml, 'a.key': 'sk-a', 'b.key': 'sk-b\n' })

test('several upstreams have a key each, in the order they are written', () => {
  const { config, warnings } = good(
    { TOLLGATE_CONFIG: 'tollgate.yaml', ANTHROPIC_API_KEY: providerKey },
    withUpstreams(twoUpstreams),
  )
  if (config.upstream.kind !== 'several') throw new Error('not several')
  expect(config.upstream.upstreams.map(({ name, url, key }) => [name, url, key.reveal()])).toEqual([
    ['main', 'https://api.anthropic.com', 'sk-a'],
    ['pay', 'https://api.anthropic.com', 'sk-b'],
  ])
  expect(warnings.join()).toContain('ANTHROPIC_API_KEY: has no effect')
})

test.each([
  ['a name twice', twoUpstreams.replace('pay', 'main'), 'upstreams.main: is named twice'],
  [
    'a missing key file',
    twoUpstreams.replace('b.key', 'c.key'),
    'upstreams.pay.key_file: cannot read `c.key`',
  ],
  [
    'plain http',
    twoUpstreams.replace('key_file: b', 'url: http://example.com, key_file: b'),
    'must be https',
  ],
  ['none', 'upstreams: []\n', 'upstreams in tollgate.yaml: `[]` names no upstream'],
  ['the single one as well', `${twoUpstreams}upstream_url: https://x.example.com\n`, 'one of the two ways'],
])('upstreams with %s are refused', (_, yaml, problem) => {
  expect(faults({ TOLLGATE_CONFIG: 'tollgate.yaml' }, withUpstreams(yaml)).join('\n')).toContain(problem)
})

const authority = createAuthority('public')
const listener = authority.issue({ dns: ['localhost'] })
const tlsFiles = {
  '/c': listener.certPem,
  '/k': listener.keyPem,
  '/ca': authority.certPem,
  '/other': authority.issue({}).keyPem,
  '/junk': 'nothing',
  '/locked': '-----BEGIN ENCRYPTED PRIVATE KEY-----\n',
}
const tlsEnv = (names: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(names).map(([name, value]) => [`TOLLGATE_TLS_${name}`, value]))

test('TLS takes a certificate and its key; with authorities named, certificates of callers are optional', () => {
  const both = { CERT_FILE: '/c', KEY_FILE: '/k' }
  const tlsOf = (names: Readonly<Record<string, string>>) => good(tlsEnv(names), tlsFiles).config.gateway.tls
  expect(tlsOf(both)).toEqual({ certFile: '/c', keyFile: '/k', clientCaFile: null, client: 'off' })
  expect(tlsOf({ ...both, CLIENT_CA_FILE: '/ca' })).toMatchObject({ clientCaFile: '/ca', client: 'optional' })
  expect(tlsOf({ ...both, CLIENT_CA_FILE: '/ca', CLIENT: 'required' })).toMatchObject({ client: 'required' })
  const off = good(tlsEnv({ ...both, CLIENT_CA_FILE: '/ca', CLIENT: 'off' }), tlsFiles)
  expect(off.config.gateway.tls).toMatchObject({ clientCaFile: null, client: 'off' })
  expect(off.warnings.join()).toContain('has no effect')
})

test.each<[string, Readonly<Record<string, string>>, string]>([
  ['a certificate without its key', { CERT_FILE: '/c' }, 'TOLLGATE_TLS_KEY_FILE: is not set'],
  ['a key without its certificate', { KEY_FILE: '/k' }, 'TOLLGATE_TLS_CERT_FILE: is not set'],
  ['authorities without TLS', { CLIENT_CA_FILE: '/ca' }, 'take TLS'],
  [
    'the key of another certificate',
    { CERT_FILE: '/c', KEY_FILE: '/other' },
    '`/other` is the key of another',
  ],
  ['a key that is none', { CERT_FILE: '/c', KEY_FILE: '/junk' }, '`/junk` holds no PEM private key'],
  ['a locked key', { CERT_FILE: '/c', KEY_FILE: '/locked' }, 'encrypted'],
  ['a certificate that is none', { CERT_FILE: '/junk', KEY_FILE: '/k' }, '`/junk` holds no PEM certificate'],
  ['a file that is not there', { CERT_FILE: '/gone', KEY_FILE: '/k' }, 'cannot read `/gone`'],
  [
    'required certificates of nobody',
    { CERT_FILE: '/c', KEY_FILE: '/k', CLIENT: 'required' },
    'TOLLGATE_TLS_CLIENT_CA_FILE',
  ],
  [
    'authorities that are none',
    { CERT_FILE: '/c', KEY_FILE: '/k', CLIENT_CA_FILE: '/junk' },
    '`/junk` holds no',
  ],
  ['a leaf for an authority', { CERT_FILE: '/c', KEY_FILE: '/k', CLIENT_CA_FILE: '/c' }, 'no authority'],
  ['an unknown word', { CERT_FILE: '/c', KEY_FILE: '/k', CLIENT: 'on' }, 'neither'],
])('TLS with %s is refused', (_name, names, reason) => {
  const found = faults(tlsEnv(names), tlsFiles)
  expect(found.join('\n')).toContain(reason)
  expect(found.join('\n')).not.toContain('BEGIN')
})
