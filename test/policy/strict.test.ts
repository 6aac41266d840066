// The strict preset against what people really send: the defaults of the API are refused by name, and what the guide to a
// secure deployment recommends passes.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { expandAgent, expandCapabilities } from '../../src/authorize/capabilities.ts'
import type { Capability } from '../../src/authorize/permit.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'
import type { Denial } from '../../src/kernel/errors.ts'
import { operationOf } from '../support/asked-of.ts'

const read = (name: string) => readFileSync(new URL(`../../policies/${name}`, import.meta.url), 'utf8')
const added = [
  // Rules of somebody's own, later and wider: what the preset denies to everybody stays denied.
  'p, role:powers, *, subagent.*, multiagent/*, allow',
  'p, role:powers, *, workflow.run, *, allow',
  'p, role:powers, *, session.budget, budget/removed, allow',
  'p, role:powers, *, unknown.use, unknown/*, allow',
  'p, role:powers, *, tool.enable, tool/mcp:*, allow',
  // Hosts that are listed.
  'p, role:powers, *, mcp.connect, mcp/https://mcp.github.com/*, allow',
  'p, role:powers, *, web.reach, domain/docs.example.com, allow',
  'p, role:developer, *, egress.open, host/api.example.com, allow',
]
const policyText = [read('presets/strict/policy.csv'), ...added].join('\n')
const grants = ['developer', 'service', 'admin'].map((role) => ({ caller: role, role, team: 't' }))
for (const role of ['developer', 'sensitive']) grants.push({ caller: 'careful', role, team: 't' })
const snapshot = await createSnapshot({
  modelText: read('model.conf'),
  policyText,
  policy: parsePolicy(policyText, 'policy.csv'),
  grants,
  teams: new Set(['t']),
})

/** `allowed`, or every pair that is not, with the rule that denies it. */
function judge(who: string, id: string, parsed: unknown): string {
  return judgeAll(who, expandCapabilities({ operation: operationOf(id), params: {}, parsed }))
}

function judgeAll(who: string, asked: readonly Capability[] | Denial): string {
  if ('kind' in asked) return asked.message
  const refused = asked.flatMap(({ action, object }) => {
    const { allowed, rule } = snapshot.decide(`caller:${who}`, 't', action, object)
    return allowed ? [] : [`\`${action}\` on \`${object}\`${rule === '' ? '' : ` denied by ${rule}`}`]
  })
  return refused.length === 0 ? 'allowed' : refused.join('; ')
}

const everybody = ['developer', 'admin', 'careful']
const model = 'claude-sonnet-5-5'
const budget = { type: 'limit', max_list_cost: { amount: '500', currency: 'USD' } }
const pinned = { type: 'agent', id: 'agent_1', version: 3 }
const ask = { type: 'always_ask' }
const toolset = (more: object) => [{ type: 'agent_toolset_20260401', ...more }]
const allowList = ['web_fetch', 'web_search'].map((name) => ({ name, allowed_domains: ['docs.example.com'] }))

const recommended: readonly [string, string, object][] = [
  [
    'an agent with tools that ask, on listed domains',
    'agents.create',
    { model, tools: toolset({ default_config: { permission_policy: ask }, configs: allowList }) },
  ],
  [
    'an agent with the reading tools alone',
    'agents.create',
    {
      model,
      tools: toolset({ default_config: { enabled: false }, configs: [{ name: 'read', enabled: true }] }),
    },
  ],
  [
    'a listed MCP server that asks',
    'agents.create',
    {
      model,
      mcp_servers: [{ type: 'url', name: 'g', url: 'https://mcp.github.com/mcp' }],
      tools: [{ type: 'mcp_toolset', mcp_server_name: 'g' }],
    },
  ],
  [
    'limited networking to a listed host',
    'environments.create',
    { config: { type: 'cloud', networking: { type: 'limited', allowed_hosts: ['api.example.com'] } } },
  ],
  ['a session with a budget', 'sessions.create', { agent: pinned, environment_id: 'env_1', budget }],
  [
    'a repository at a commit',
    'sessions.create',
    {
      agent: pinned,
      budget,
      resources: [
        {
          type: 'github_repository',
          url: 'https://github.com/acme/app',
          checkout: { type: 'commit', sha: 'a'.repeat(40) },
        },
      ],
    },
  ],
  [
    'a memory to read',
    'sessions.create',
    {
      agent: pinned,
      budget,
      resources: [{ type: 'memory_store', memory_store_id: 'ms_1', access: 'read_only' }],
    },
  ],
]

test.each(recommended)('%s passes', (_name, id, body) => {
  for (const who of everybody) expect(judge(who, id, body)).toBe('allowed')
})

const refused: readonly [string, string, object, string][] = [
  [
    'the built-in toolset as it comes',
    'agents.create',
    { model, tools: toolset({}) },
    '`tool.enable` on `tool/bash:always_allow`',
  ],
  [
    'web tools without a list',
    'agents.create',
    { model, tools: toolset({ default_config: { permission_policy: ask } }) },
    '`web.reach` on `domain/*`',
  ],
  [
    'an unlisted MCP server',
    'agents.create',
    { model, mcp_servers: [{ type: 'url', name: 'e', url: 'https://mcp.github.com.evil.example/mcp' }] },
    '`mcp.connect` on `mcp/https://mcp.github.com.evil.example/mcp`',
  ],
  [
    'subagents as they come',
    'agents.create',
    { model, multiagent: { type: 'multiagent_20261001' } },
    '`workflow.run` on `multiagent/workflows`',
  ],
  [
    'inline agents',
    'agents.create',
    { model, multiagent: { type: 'multiagent_20261001', workflows: { type: 'disabled' } } },
    '`subagent.inline` on `multiagent/subagents`',
  ],
  [
    'a cloud role',
    'agents.create',
    { model, execution_identity: { type: 'aws_role', role_arn: 'arn:aws:iam::1:role/x' } },
    '`identity.assume` on',
  ],
  [
    'a tool nobody has heard of',
    'agents.create',
    { model, tools: [{ type: 'drone_20270101' }] },
    '`unknown.use` on `unknown/tools.type:drone_20270101`',
  ],
  ['an environment as it comes', 'environments.create', { name: 'n' }, '`egress.open` on `host/*`'],
  ['a session without a budget', 'sessions.create', { agent: pinned }, '`session.budget` on `budget/none`'],
  ['a budget taken away', 'sessions.update', { budget: null }, '`session.budget` on `budget/removed`'],
  [
    'a memory to write',
    'sessions.create',
    { agent: pinned, budget, resources: [{ type: 'memory_store', memory_store_id: 'ms_1' }] },
    '`memory.alter` on',
  ],
  [
    'an override',
    'sessions.create',
    { agent: { ...pinned, type: 'agent_with_overrides', system: 's' }, budget },
    '`override.set` on `field/system`',
  ],
]

test.each(refused)('%s is refused for everybody, and the denial says which part', (_name, id, body, part) => {
  for (const who of everybody) expect(judge(who, id, body)).toContain(part)
})

test('what floats passes for developers and not for the sensitive class', () => {
  const resources = [{ type: 'github_repository', url: 'https://github.com/acme/app' }]
  const floating: readonly [string, object][] = [
    ['sessions.create', { agent: 'agent_1', budget }],
    ['sessions.create', { agent: pinned, budget, resources }],
    ['agents.create', { model, skills: [{ type: 'anthropic', skill_id: 'xlsx' }] }],
  ]
  for (const [id, body] of floating) {
    expect(judge('developer', id, body)).toBe('allowed')
    expect(judge('careful', id, body)).toMatch(/`\w+\.float` on .* denied by policy\.csv:\d+/)
  }
})

test('nothing acts alone for the sensitive class, whatever a rule of somebody’s own allows', () => {
  const body = {
    model,
    mcp_servers: [{ type: 'url', name: 'g', url: 'https://mcp.github.com/mcp' }],
    tools: [
      {
        type: 'mcp_toolset',
        mcp_server_name: 'g',
        default_config: { permission_policy: { type: 'always_allow' } },
      },
    ],
  }
  expect(judge('developer', 'agents.create', body)).toBe('allowed')
  expect(judge('careful', 'agents.create', body)).toContain('`tool.enable` on `tool/mcp:always_allow:')
})

test('an agent made elsewhere gets no free pass', () => {
  const agent = {
    model: { id: model },
    tools: toolset({
      default_config: { enabled: true, permission_policy: { type: 'always_allow' } },
      configs: [],
    }),
  }
  for (const who of [...everybody, 'service']) {
    expect(judgeAll(who, expandAgent(agent))).toContain('`tool.enable` on `tool/bash:always_allow`')
  }
})
