// Environments, credentials, memories and dreams, spelled out: what outlives one run and reaches into others.
import { expect, test } from 'vitest'
import { askedOf } from '../support/asked-of.ts'

const cloud = (more: object) => ({ config: { type: 'cloud', ...more } })
const limited = (more: object) => cloud({ networking: { type: 'limited', ...more } })
const everywhere = ['egress.open host/*']

test.each<[string, object, readonly string[], readonly string[]]>([
  ['nothing said', { name: 'n' }, everywhere, []],
  ['a null configuration', { config: null }, everywhere, everywhere],
  ['a type alone', cloud({}), everywhere, []],
  ['null networking', cloud({ networking: null }), everywhere, everywhere],
  ['unrestricted networking', cloud({ networking: { type: 'unrestricted' } }), everywhere, everywhere],
  ['limited networking without hosts', limited({}), [], []],
  ...both(
    'limited networking',
    limited({
      allowed_hosts: ['API.example.com', '*.example.org'],
      allow_mcp_servers: true,
      allow_package_managers: true,
    }),
    [
      'egress.open host/api.example.com',
      'egress.open host/.example.org',
      'egress.open host/:mcp_servers',
      'egress.open host/:package_managers',
    ],
  ),
  ...both('limited networking to everywhere', limited({ allowed_hosts: ['*'] }), everywhere),
  ...both('networking nobody here knows', cloud({ networking: { type: 'mesh' } }), [
    'unknown.use unknown/networking.type:mesh',
    ...everywhere,
  ]),
  [
    'workers of one’s own',
    { config: { type: 'self_hosted' } },
    ['environment.self_host environment/*'],
    ['environment.self_host environment/env_1'],
  ],
  [
    'a place nobody here knows',
    { config: { type: 'edge' } },
    ['unknown.use unknown/config.type:edge', ...everywhere],
    ['unknown.use unknown/config.type:edge'],
  ],
  [
    'packages',
    cloud({
      packages: { type: 'packages', pip: ['requests==2.32.5', 'x; rm -rf /'], npm: null, brew: ['jq'] },
    }),
    [
      ...everywhere,
      'package.install package/pip:requests==2.32.5',
      'package.install package/pip:x%3B%20rm%20-rf%20/',
      'unknown.use unknown/packages:brew',
      'package.install package/brew:jq',
    ],
    [
      'package.install package/pip:requests==2.32.5',
      'package.install package/pip:x%3B%20rm%20-rf%20/',
      'unknown.use unknown/packages:brew',
      'package.install package/brew:jq',
    ],
  ],
])('an environment with %s', (_name, body, onCreate, onUpdate) => {
  expect(askedOf('environments.create', body)).toEqual(onCreate)
  expect(askedOf('environments.update', body, { params: { environment_id: 'env_1' } })).toEqual(onUpdate)
})

function both(
  name: string,
  body: object,
  expected: readonly string[],
): [[string, object, readonly string[], readonly string[]]] {
  return [[name, body, expected, expected]]
}

const params = { vault_id: 'vlt_1', credential_id: 'cred_1' }
const variable = (more: object) => ({ auth: { type: 'environment_variable', secret_name: 'S', ...more } })

test.each<[string, object, readonly string[], readonly string[]]>([
  ...both('nothing of its secret', { display_name: 'd' }, []),
  ...both(
    'a bearer token',
    { auth: { type: 'static_bearer', mcp_server_url: 'https://mcp.example.com/x' } },
    ['secret.send host/mcp.example.com'],
  ),
  ...both(
    'a refresh token, which goes elsewhere',
    {
      auth: {
        type: 'mcp_oauth',
        mcp_server_url: 'https://mcp.example.com/',
        refresh: { token_endpoint: 'https://login.example.org/token' },
      },
    },
    ['secret.send host/mcp.example.com', 'secret.send host/login.example.org'],
  ),
  [
    'a variable of which nothing is said',
    variable({}),
    ['secret.send host/*', 'secret.inject place/body'],
    [],
  ],
  [
    'a variable for some hosts, in headers',
    variable({
      networking: { type: 'limited', allowed_hosts: ['api.example.com'] },
      injection_location: { header: true, body: false },
    }),
    ['secret.send host/api.example.com'],
    ['secret.send host/api.example.com'],
  ],
  [
    'a variable for every host',
    variable({ networking: { type: 'unrestricted' }, injection_location: { header: true } }),
    ['secret.send host/*', 'secret.inject place/body'],
    ['secret.send host/*'],
  ],
  [
    'a variable without networking, in bodies',
    variable({ networking: null, injection_location: { body: true } }),
    ['secret.send host/*', 'secret.inject place/body'],
    ['secret.send host/*', 'secret.inject place/body'],
  ],
  ...both('a kind nobody here knows', { auth: { type: 'passkey' } }, [
    'unknown.use unknown/auth.type:passkey',
  ]),
])('a credential with %s', (_name, body, onCreate, onUpdate) => {
  const fill = 'vault.fill vault/vlt_1'
  expect(askedOf('vaults.credentials.create', body, { params })).toEqual([fill, ...onCreate])
  expect(askedOf('vaults.credentials.update', body, { params })).toEqual([fill, ...onUpdate])
})

test('whatever changes a vault or a memory names it', () => {
  for (const verb of ['delete', 'archive']) {
    expect(askedOf(`vaults.credentials.${verb}`, undefined, { params })).toEqual(['vault.fill vault/vlt_1'])
  }
  const store = { params: { memory_store_id: 'ms_1', memory_id: 'mem_1', memory_version_id: 'mv_1' } }
  for (const id of ['memories.create', 'memories.update', 'memories.delete', 'memory_versions.redact']) {
    expect(askedOf(`memory_stores.${id}`, { path: '/a', content: 'b' }, store)).toEqual([
      'memory_store.write memory_store/ms_1',
    ])
  }
})

test('a dream asks for its model, for every session and memory it reads, and for where it writes', () => {
  const inputs = [
    { type: 'memory_store', memory_store_id: 'ms_1' },
    { type: 'sessions', session_ids: ['sesn_1', 'sesn_2'] },
    { type: 'mailbox' },
  ]
  expect(askedOf('dreams.create', { model: 'm', inputs })).toEqual([
    'model.use model/m',
    'memory.attach memory_store/ms_1:read_only',
    'session.read session/sesn_1',
    'session.read session/sesn_2',
    'unknown.use unknown/inputs.type:mailbox',
    'memory_store.create memory_store/*',
  ])
  const onto = { type: 'update_existing', memory_store_id: 'ms_2' }
  expect(askedOf('dreams.create', { model: { id: 'm', speed: 'fast' }, output_behavior: onto })).toEqual([
    'model.use model/m',
    'model.fast model/m',
    'memory.attach memory_store/ms_2:read_write',
    'memory.alter memory_store/ms_2',
  ])
  expect(askedOf('dreams.create', { output_behavior: { type: 'mail' } })).toEqual([
    'unknown.use unknown/output_behavior.type:mail',
  ])
})

test.each<[string, string, object]>([
  ['environments.create', '`config.type`', { config: {} }],
  ['environments.create', '`config` has the key `Networking`', cloud({ Networking: { type: 'limited' } })],
  ['environments.create', '`config.networking`', cloud({ networking: 'limited' })],
  ['environments.create', '`config.networking.allowed_hosts.0`', limited({ allowed_hosts: ['https://a.b'] })],
  ['environments.create', '`config.networking.allow_mcp_servers`', limited({ allow_mcp_servers: 1 })],
  ['environments.create', '`config.packages.pip`', cloud({ packages: { pip: 'x' } })],
  ['environments.create', '`config.packages.pip.0`', cloud({ packages: { pip: [''] } })],
  [
    'vaults.credentials.create',
    '`auth.mcp_server_url`',
    { auth: { type: 'static_bearer', mcp_server_url: 'mcp.example.com' } },
  ],
  [
    'vaults.credentials.create',
    '`auth.networking.allowed_hosts`',
    variable({ networking: { type: 'limited' } }),
  ],
  ['vaults.credentials.create', '`auth.type`', { auth: {} }],
  ['dreams.create', '`inputs.0.session_ids`', { inputs: [{ type: 'sessions' }] }],
  ['dreams.create', '`output_behavior.memory_store_id`', { output_behavior: { type: 'update_existing' } }],
])('%s refuses %s by name', (id, field, body) => {
  expect(askedOf(id, body)).toContain(field)
})
