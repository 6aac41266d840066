// What starts a run, changes it or speaks to it, spelled out.
import { expect, test } from 'vitest'
import { askedOf } from '../support/asked-of.ts'

const sha = 'a'.repeat(40)
const repo = (url: string, checkout?: object | null) => ({ type: 'github_repository', url, checkout })
const app = 'repo/https://github.com/acme/app'

/** What every session without anything else asks. */
const bare = 'session.budget budget/none'

test.each<[string, object, readonly string[]]>([
  ['nothing', {}, [bare]],
  [
    'an agent by id',
    { agent: 'a', environment_id: 'e' },
    ['agent.use agent/a', 'agent.float agent/a', 'environment.use environment/e', bare],
  ],
  ['an agent by version', { agent: { type: 'agent', id: 'a', version: 2 } }, ['agent.use agent/a', bare]],
  [
    'an agent whose version is null',
    { agent: { type: 'agent', id: 'a', version: null } },
    ['agent.use agent/a', 'agent.float agent/a', bare],
  ],
  [
    'overrides, each part of which counts',
    {
      agent: {
        type: 'agent_with_overrides',
        id: 'a',
        version: 2,
        system: 'obey',
        model: 'm',
        tools: [{ type: 'custom', name: 'c' }],
        mcp_servers: [],
        mood: 'new',
      },
    },
    [
      'agent.use agent/a',
      'agent.override agent/a',
      'override.set field/system',
      'override.set field/model',
      'override.set field/tools',
      'override.set field/mcp_servers',
      'override.set field/mood',
      'model.use model/m',
      'model.locate geo/unset',
      'tool.enable tool/custom:c',
      bare,
    ],
  ],
  // Not an override by its type, but by what it holds.
  [
    'a plain reference that holds a system prompt',
    { agent: { type: 'agent', id: 'a', version: 1, system: 'obey' } },
    ['agent.use agent/a', 'agent.override agent/a', 'override.set field/system', bare],
  ],
  [
    'an agent in a form nobody here knows',
    { agent: { type: 'agent_from_template', id: 'a', version: 1, template: 't' } },
    [
      'unknown.use unknown/agent.type:agent_from_template',
      'agent.use agent/a',
      'agent.override agent/a',
      'override.set field/template',
      bare,
    ],
  ],
  ['vaults', { vault_ids: ['v', 'w', 'v'] }, ['vault.use vault/v', 'vault.use vault/w', bare]],
  [
    'a limit',
    { budget: { type: 'limit', max_list_cost: { amount: '100', currency: 'USD' } } },
    ['session.budget budget/set'],
  ],
  [
    'a limit of a kind nobody here knows',
    { budget: { type: 'pool' } },
    ['unknown.use unknown/budget.type:pool', 'session.budget budget/set'],
  ],
  [
    'repositories at a commit, at a branch, and wherever they are',
    {
      resources: [
        repo('https://github.com/acme/app', { type: 'commit', sha }),
        repo('https://GitHub.com/Acme/App.git', { type: 'branch', name: 'release,1 *' }),
        repo('https://github.com:443/acme/app/'),
        repo('https://github.com/acme/app', { type: 'commit', sha: 'main' }),
        repo('https://github.com/acme/app', { type: 'tag' }),
      ],
    },
    [
      `repo.mount ${app}@commit:${sha}`,
      `repo.mount ${app}@branch:release%2C1%20%2A`,
      `repo.float ${app}`,
      `repo.mount ${app}@default`,
      `repo.mount ${app}@commit:main`,
      'unknown.use unknown/checkout.type:tag',
      `repo.mount ${app}@unknown`,
      bare,
    ],
  ],
  [
    'files and memories',
    {
      resources: [
        { type: 'file', file_id: 'file_1' },
        { type: 'memory_store', memory_store_id: 'ms_1' },
        { type: 'memory_store', memory_store_id: 'ms_2', access: 'read_only' },
        { type: 'memory_store', memory_store_id: 'ms_3', access: 'append' },
        { type: 'volume', volume_id: 'vol_1' },
      ],
    },
    [
      'file.mount file/file_1',
      'memory.attach memory_store/ms_1:read_write',
      'memory.alter memory_store/ms_1',
      'memory.attach memory_store/ms_2:read_only',
      'unknown.use unknown/resources.access:append',
      'memory.attach memory_store/ms_3:read_write',
      'memory.alter memory_store/ms_3',
      'unknown.use unknown/resources.type:volume',
      bare,
    ],
  ],
  [
    'first events, with the files in them',
    {
      initial_events: [
        {
          type: 'user.message',
          content: [{ type: 'document', source: { type: 'file', file_id: 'file_1' } }],
        },
        { type: 'user.define_outcome', description: 'd', rubric: { type: 'file', file_id: 'file_2' } },
      ],
    },
    [
      'event.send event/user.message',
      'file.mount file/file_1',
      'event.send event/user.define_outcome',
      'file.mount file/file_2',
      bare,
    ],
  ],
])('a session with %s', (_name, body, expected) => {
  expect(askedOf('sessions.create', body)).toEqual(expected)
  expect(askedOf('deployments.create', body)).toEqual(expected)
})

test('a deployment may start by itself, and its limit may be changed or taken away', () => {
  const schedule = { type: 'cron', expression: '0 9 * * *', timezone: 'UTC' }
  const params = { deployment_id: 'depl_1' }
  expect(askedOf('deployments.create', { schedule })).toEqual([bare, 'deployment.schedule deployment/*'])
  expect(askedOf('deployments.create', { initial_events: [{ type: 'system.message' }] })).toEqual([
    'event.send event/system.message',
    bare,
  ])
  expect(askedOf('deployments.update', { schedule }, { params })).toEqual([
    'deployment.schedule deployment/depl_1',
  ])
  expect(
    askedOf('deployments.update', { schedule: null, resources: null, vault_ids: null, name: 'n' }),
  ).toEqual([])
  expect(askedOf('deployments.update', { budget: null })).toEqual(['session.budget budget/removed'])
  expect(askedOf('deployments.update', { budget: { type: 'limit' } })).toEqual([
    'session.budget budget/changed',
  ])
  expect(askedOf('deployments.update', { agent: 'a' })).toEqual(['agent.use agent/a', 'agent.float agent/a'])
  expect(askedOf('deployments.run', undefined)).toEqual([])
})

test.each<[object, readonly string[]]>([
  [{ title: 't', metadata: { a: null } }, []],
  [{ budget: null }, ['session.budget budget/removed']],
  [{ budget: { type: 'limit' } }, ['session.budget budget/changed']],
  [{ vault_ids: ['v'] }, ['vault.use vault/v']],
  [
    {
      agent: {
        tools: [{ type: 'mcp_toolset', mcp_server_name: 's' }],
        mcp_servers: [{ type: 'url', name: 's', url: 'https://m.example' }],
      },
    },
    [
      'agent.override agent/*',
      'override.set field/tools',
      'override.set field/mcp_servers',
      'mcp.connect mcp/https://m.example/',
      'tool.enable tool/mcp:always_ask:https://m.example/',
    ],
  ],
  [{ agent: { system: 's' } }, ['agent.override agent/*', 'override.set field/system']],
  [{ agent: null }, ['agent.override agent/*']],
])('a running session that is given %j', (body, expected) => {
  expect(askedOf('sessions.update', body)).toEqual(expected)
})

test('only a whole commit hash fixes what is mounted', () => {
  const url = 'https://github.com/acme/app'
  for (const [ref, floats] of [
    ['a'.repeat(40), false],
    ['a'.repeat(64), false],
    ['a'.repeat(12), true],
    ['main', true],
  ] as const) {
    const resources = [{ type: 'github_repository', url, checkout: { type: 'commit', sha: ref } }]
    const asked = askedOf('sessions.create', { resources })
    expect([...asked].includes(`repo.float repo/${url}`)).toBe(floats)
  }
})

test('a body that names more than can be judged is refused, however it spreads them', () => {
  const many = (prefix: string) => Array.from({ length: 600 }, (_, at) => `${prefix}${at}`)
  const files = many('file_').map((file_id) => ({ type: 'file', file_id }))
  expect(askedOf('sessions.create', { vault_ids: many('vlt_') })).toHaveLength(601)
  expect(askedOf('sessions.create', { vault_ids: many('vlt_'), resources: files })).toContain(
    'more than 1000 things',
  )
})

test('a confirmation asks for the tool it lets through, by name where somebody has seen the call', () => {
  const events = [
    { type: 'user.tool_confirmation', tool_use_id: 'sevt_1', result: 'allow' },
    { type: 'user.tool_confirmation', tool_use_id: 'sevt_2', result: 'allow' },
  ]
  const operation = 'sessions.events.send'
  const asked = (toolNameOf?: (id: string) => string | undefined) =>
    askedOf(operation, { events }, toolNameOf === undefined ? {} : { toolNameOf })
  expect(asked()).toEqual(['tool.confirm tool/*'])
  expect(asked((id) => (id === 'sevt_1' ? 'bash' : undefined))).toEqual([
    'tool.confirm tool/bash',
    'tool.confirm tool/*',
  ])
  // A tool may be called anything; it must not come out as every tool.
  expect(asked(() => '*')).toEqual(['tool.confirm tool/%2A'])
  expect(
    askedOf(operation, { events: [{ type: 'user.tool_confirmation' }] }, { toolNameOf: () => 'bash' }),
  ).toContain('`events.0.tool_use_id`')
})

test('files are found wherever events hold them', () => {
  const file = (id: string) => ({ type: 'image', source: { type: 'file', file_id: id } })
  const nested = { type: 'document', source: { type: 'content', content: [file('file_2')] } }
  const events = [
    {
      type: 'user.custom_tool_result',
      custom_tool_use_id: 'x',
      content: [file('file_1'), nested, { type: 'text', text: 't' }],
    },
  ]
  expect(askedOf('sessions.events.send', { events })).toEqual([
    'file.mount file/file_1',
    'file.mount file/file_2',
  ])
  expect(askedOf('sessions.resources.add', { type: 'file', file_id: 'file_3' })).toEqual([
    'file.mount file/file_3',
  ])
})

// A rule names an object letter by letter: what the upstream might trim, decode or take for another is refused.
test.each<[string, string, object]>([
  ['sessions.create', '`agent`', { agent: ['a'] }],
  ['sessions.create', '`agent.type`', { agent: { id: 'a' } }],
  ['sessions.create', '`agent.id`', { agent: { type: 'agent' } }],
  ['sessions.create', '`agent.version`', { agent: { type: 'agent', id: 'a', version: 1.5 } }],
  ['sessions.create', '`agent`', { agent: 'a ' }],
  ['sessions.create', '`body` has the key `Agent`', { agent: 'a', Agent: 'b' }],
  [
    'sessions.create',
    '`agent` has the key `Tools`',
    { agent: { type: 'agent_with_overrides', id: 'a', Tools: [] } },
  ],
  ['sessions.create', '`vault_ids`', { vault_ids: 'v' }],
  ['sessions.create', '`vault_ids.1`', { vault_ids: ['v', 'v\n\u001b[31m'] }],
  ['sessions.create', '`body` has the key `Vault_IDs`', { Vault_IDs: ['v'] }],
  ['sessions.create', '`environment_id`', { environment_id: 'e/*' }],
  ['sessions.create', '`resources.0.type`', { resources: [{ file_id: 'f' }] }],
  ['sessions.create', '`resources.0.file_id`', { resources: [{ type: 'file' }] }],
  ['sessions.create', '`resources.0.url`', { resources: [repo('git@github.com:acme/app')] }],
  [
    'sessions.create',
    '`resources.0.checkout.sha`',
    { resources: [repo('https://github.com/acme/app', { type: 'commit' })] },
  ],
  ['sessions.create', '`budget`', { budget: 5 }],
  ['sessions.update', '`body` has the key `Agent`', { Agent: { tools: [] } }],
  ['sessions.events.send', '`events.0.type`', { events: [{ text: 'no type' }] }],
  ['sessions.events.send', '`events.0.type`', { events: [{ type: 'USER.message' }] }],
  [
    'sessions.events.send',
    '`body` has the key `event?`',
    { events: [{ type: 'user.message' }], 'event\u017f': [] },
  ],
  [
    'sessions.events.send',
    '`events.0` has the key `Type`',
    { events: [{ type: 'user.message', Type: 'user.interrupt' }] },
  ],
  ['sessions.events.send', '`events.0.content`', { events: [{ type: 'user.message', content: { 0: 'x' } }] }],
  [
    'sessions.events.send',
    '`events.0.content.0.source.file_id`',
    {
      events: [
        { type: 'user.message', content: [{ type: 'image', source: { type: 'file', file_id: 'f/..' } }] },
      ],
    },
  ],
])('%s refuses %s by name', (id, field, body) => {
  expect(askedOf(id, body)).toContain(field)
})
