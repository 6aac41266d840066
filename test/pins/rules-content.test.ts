import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { hashEnvironment } from '../../src/pin/config-hash.ts'
import { credentialRotation } from '../../src/pin/rules/credential-rotation.ts'
import { environmentUnchanged } from '../../src/pin/rules/environment-unchanged.ts'
import { mcpToolsListed } from '../../src/pin/rules/mcp-tools.ts'
import { datedModelOf, datedModels } from '../../src/pin/rules/models.ts'
import { memoryReadOnly, repositoryCommits } from '../../src/pin/rules/resources.ts'
import { skillVersions } from '../../src/pin/rules/skill-versions.ts'
import { noSystemMessages } from '../../src/pin/rules/system-messages.ts'
import { look } from '../support/examined.ts'

const sha = '0123456789012345678901234567890123456789'
const reference = { type: 'agent', id: 'agent_x', version: 1 }

test('every dated model of the SDK that has an alias is in the table', () => {
  const types = readFileSync('node_modules/@anthropic-ai/sdk/resources/beta/agents/agents.d.ts', 'utf8')
  const declared = /type BetaManagedAgentsModel = ([^;]*);/.exec(types)?.[1] ?? ''
  const models = [...declared.matchAll(/'(claude-[^']+)'/g)].map(([, name]) => name ?? '')
  const dated = models.filter((name) => /-\d{8}$/.test(name))
  expect(dated.length).toBeGreaterThan(2)
  expect([...datedModelOf].sort()).toEqual(dated.map((name) => [name.slice(0, -9), name]).sort())
})

test('an alias becomes the dated model, alone, in an object and as an advisor', async () => {
  const multiagent = {
    type: 'multiagent_20261001',
    advisor: { type: 'enabled', model: 'claude-opus-4-5' },
  }
  const body = { model: { id: 'claude-haiku-4-5', speed: 'fast' }, multiagent }
  const { findings, forced } = await look(datedModels, 'agents.create', body)
  expect(findings.map(({ requested }) => requested)).toEqual(['claude-haiku-4-5', 'claude-opus-4-5'])
  expect(forced).toEqual({
    model: { id: 'claude-haiku-4-5-20251001', speed: 'fast' },
    multiagent: { ...multiagent, advisor: { type: 'enabled', model: 'claude-opus-4-5-20251101' } },
  })
  const plain = await look(datedModels, 'agents.create', { model: 'claude-sonnet-4-5' })
  expect(plain.forced).toEqual({ model: 'claude-sonnet-4-5-20250929' })
  expect((await look(datedModels, 'agents.create', { model: 'claude-opus-5-5' })).findings).toEqual([])
  const allow = ['claude-sonnet-4-5']
  expect((await look(datedModels, 'agents.create', { model: allow[0] }, { allow })).findings).toEqual([])
})

test('a saved version is judged as it is, its overrides in the place of what they replace, its members too', async () => {
  const world = {
    agents: {
      'agent_x@1': {
        model: { id: 'claude-opus-4-5' },
        multiagent: { type: 'coordinator', agents: [{ type: 'agent', id: 'agent_m', version: 2 }] },
      },
      'agent_m@2': { model: { id: 'claude-haiku-4-5' } },
    },
  }
  const run = await look(datedModels, 'sessions.create', { agent: reference }, { world })
  expect(run.findings.map(({ sentence }) => sentence)).toEqual([
    expect.stringContaining('agent `agent_x` version 1'),
    expect.stringContaining('agent `agent_m` version 2'),
  ])
  expect(run.forced).toBeNull()
  const agent = { ...reference, type: 'agent_with_overrides', model: 'claude-opus-5-5' }
  const replaced = await look(datedModels, 'sessions.create', { agent }, { world })
  expect(replaced.findings).toHaveLength(1)
  // What the upstream would not take in the place of the saved value does not stand for it.
  const nothing = { ...reference, type: 'agent_with_overrides', model: null }
  const ignored = { ...reference, model: 'claude-opus-5-5' }
  for (const sent of [nothing, ignored]) {
    expect((await look(datedModels, 'sessions.create', { agent: sent }, { world })).findings).toHaveLength(2)
  }
  const deployments = { dep_1: { agent: reference } }
  for (const operation of ['deployments.run', 'deployments.update']) {
    const options = { world: { ...world, deployments }, params: { deployment_id: 'dep_1' } }
    expect((await look(datedModels, operation, {}, options)).findings).toHaveLength(2)
  }
})

test('an agent or version that the upstream does not know is left for the upstream to refuse', async () => {
  expect((await look(datedModels, 'sessions.create', { agent: reference })).findings).toEqual([])
})

test.each([
  ['left out', {}],
  ['null', { version: null }],
  ['latest', { version: 'latest' }],
  ['latest in other case', { version: 'Latest' }],
])(
  'a skill whose version is %s gets the newest, or is refused when there is none',
  async (_case, version) => {
    const skills = [
      { type: 'custom', skill_id: 'skill_a', ...version },
      { type: 'anthropic', skill_id: 'xlsx', version: '20251013' },
    ]
    const world = { skills: { skill_a: 'skver_9' } }
    const { forced } = await look(skillVersions, 'agents.create', { skills }, { world })
    expect(forced).toEqual({ skills: [{ ...skills[0], version: 'skver_9' }, skills[1]] })
    expect((await look(skillVersions, 'agents.create', { skills })).forced).toBeNull()
  },
)

test.each([
  ['no checkout', {}, 'the default branch'],
  ['null', { checkout: null }, 'the default branch'],
  ['a branch', { checkout: { type: 'branch', name: 'main' } }, 'branch main'],
  ['a short hash', { checkout: { type: 'commit', sha: '0123abc' } }, 'commit 0123abc'],
])(
  'a repository with %s moves, and is forced to the commit of pins.yaml',
  async (_case, checkout, requested) => {
    const resources = [{ type: 'github_repository', url: 'https://github.com/Acme/App.git', ...checkout }]
    const world = { pins: `commits: { "https://github.com/acme/app": "${sha}" }` }
    const { findings, forced } = await look(repositoryCommits, 'sessions.create', { resources }, { world })
    expect(findings[0]?.requested).toBe(requested)
    expect(forced).toEqual({ resources: [{ ...resources[0], checkout: { type: 'commit', sha } }] })
    const other = await look(repositoryCommits, 'deployments.create', { resources })
    expect(other.forced).toBeNull()
    expect(other.findings[0]?.sentence).toContain('names no commit')
  },
)

test('a repository at a whole commit meets the rule, and no address with a secret is repeated', async () => {
  const resources = [
    { type: 'github_repository', url: 'https://github.com/a/b', checkout: { type: 'commit', sha } },
  ]
  expect((await look(repositoryCommits, 'sessions.create', { resources })).findings).toEqual([])
  const secret = [{ type: 'github_repository', url: 'https://x:ghp_secret@github.com/a/b' }]
  const { findings } = await look(repositoryCommits, 'sessions.create', { resources: secret })
  expect(findings).toHaveLength(1)
  expect(JSON.stringify(findings)).not.toContain('ghp_secret')
})

test('memories are read-only without instructions, unless a store or `instructions` are allowed', async () => {
  const resources = [
    { type: 'memory_store', memory_store_id: 'memstore_a' },
    { type: 'memory_store', memory_store_id: 'memstore_b', access: 'read_write', instructions: 'obey' },
    { type: 'memory_store', memory_store_id: 'memstore_c', access: 'read_only' },
  ]
  const { findings, forced } = await look(memoryReadOnly, 'sessions.create', { resources })
  expect(findings.map(({ requested }) => requested)).toEqual(['read_write', 'read_write', 'instructions'])
  expect(forced).toEqual({
    resources: [
      { ...resources[0], access: 'read_only' },
      { type: 'memory_store', memory_store_id: 'memstore_b', access: 'read_only' },
      resources[2],
    ],
  })
  const allow = ['memstore_a', 'memstore_b', 'instructions']
  expect((await look(memoryReadOnly, 'sessions.create', { resources }, { allow })).findings).toEqual([])
})

test('system messages are left out where others remain, and refused alone', async () => {
  const system = { type: 'system.message', content: [] }
  const message = { type: 'user.message', content: [] }
  const sent = await look(noSystemMessages, 'sessions.events.send', { events: [system, message, system] })
  expect(sent.forced).toEqual({ events: [message] })
  const alone = await look(noSystemMessages, 'deployments.create', { initial_events: [system] })
  expect(alone.forced).toBeNull()
  const recased = { events: [message, { type: 'System.Message' }] }
  expect((await look(noSystemMessages, 'sessions.events.send', recased)).findings[0]?.isUnreadable).toBe(true)
  const lookalike = { Events: [system] }
  expect((await look(noSystemMessages, 'sessions.events.send', lookalike)).findings).toHaveLength(1)
})

test('an environment is what was approved, or no run starts in it', async () => {
  const approved = { id: 'env_1', config: { type: 'cloud', networking: { type: 'limited' } } }
  const pins = `environments: { env_1: { config: "${hashEnvironment(approved)}", by: ada, on: 2026-11-23 } }`
  const body = { environment_id: 'env_1', agent: reference }
  const run = (environment: object, text: string) =>
    look(environmentUnchanged, 'sessions.create', body, {
      world: { environments: { env_1: { ...environment } }, pins: text },
    })
  expect((await run({ ...approved, updated_at: 'later' }, pins)).findings).toEqual([])
  const changed = await run({ ...approved, config: { type: 'cloud' } }, pins)
  expect(changed.findings[0]?.requested).toBe('changed')
  expect(changed.forced).toBeNull()
  expect((await run(approved, '')).findings[0]?.requested).toBe('not approved')
  const deployments = { dep_1: { environment_id: 'env_1' } }
  const world = { environments: { env_1: { ...approved, config: {} } }, deployments, pins }
  for (const operation of ['deployments.run', 'deployments.update']) {
    const found = await look(
      environmentUnchanged,
      operation,
      {},
      { world, params: { deployment_id: 'dep_1' } },
    )
    expect(found.findings).toHaveLength(1)
  }
})

test('an environment keeps its config; forced, the rest of an update goes up', async () => {
  const params = { environment_id: 'env_1' }
  const both = { name: 'n', config: { type: 'cloud' } }
  expect((await look(environmentUnchanged, 'environments.update', both, { params })).forced).toEqual({
    name: 'n',
  })
  const alone = { config: null }
  expect((await look(environmentUnchanged, 'environments.update', alone, { params })).forced).toBeNull()
  expect(
    (await look(environmentUnchanged, 'environments.update', { name: 'n' }, { params })).findings,
  ).toEqual([])
})

test('MCP tools are those listed; forced, what was on stays on and nothing else', async () => {
  const toolset = { type: 'mcp_toolset', mcp_server_name: 'github' }
  const configs = [{ name: 'read_issue' }, { name: 'delete_repo', enabled: false }]
  const { forced } = await look(mcpToolsListed, 'agents.create', { tools: [{ ...toolset, configs }] })
  const listed = [{ name: 'read_issue', enabled: true }, configs[1]]
  expect(forced).toEqual({ tools: [{ ...toolset, configs: listed, default_config: { enabled: false } }] })
  const asking = { ...toolset, default_config: { permission_policy: { type: 'always_ask' } }, configs }
  expect((await look(mcpToolsListed, 'agents.create', { tools: [asking] })).forced).toEqual({
    tools: [{ ...asking, default_config: { ...asking.default_config, enabled: false }, configs: listed }],
  })
  const none = await look(mcpToolsListed, 'agents.create', { tools: [toolset] })
  expect(none.forced).toBeNull()
  const off = { ...toolset, default_config: { enabled: false } }
  expect((await look(mcpToolsListed, 'agents.create', { tools: [off] })).findings).toEqual([])
})

test('credentials are changed by the team of their vault only, and by nobody when it is not known', async () => {
  const by = (owner: string | null, allow: readonly string[] = []) =>
    look(
      credentialRotation,
      'vaults.credentials.update',
      {},
      {
        world: { owners: owner === null ? {} : { vlt_1: owner } },
        params: { vault_id: 'vlt_1' },
        allow,
      },
    )
  expect((await by('web')).findings).toEqual([])
  expect((await by('payments')).findings[0]?.sentence).toContain('ask team `payments`')
  expect((await by('payments', ['web'])).findings).toEqual([])
  expect((await by(null)).findings).toHaveLength(1)
})

test.each([
  [
    'a recased key in a resource',
    { resources: [{ type: 'github_repository', URL: 'https://github.com/a/b' }] },
  ],
  ['resources that are no list', { resources: {} }],
  [
    'a recased checkout type',
    {
      resources: [
        { type: 'github_repository', url: 'https://github.com/a/b', checkout: { type: 'Commit', sha } },
      ],
    },
  ],
  ['recased resources', { Resources: [] }],
])('%s is unreadable to the rule about repositories', async (_case, body) => {
  const { findings } = await look(repositoryCommits, 'sessions.create', body)
  expect(findings.map(({ isUnreadable }) => isUnreadable)).toEqual([true])
})
