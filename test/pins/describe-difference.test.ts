// What a reviewer is shown of two versions: effective permissions, defaults included, and what widens.
import { expect, test } from 'vitest'
import { hashAgent, resolveAgent } from '../../src/pin/config-hash.ts'
import { describeDifference } from '../../src/pin/describe-difference.ts'
import { compareLines } from '../../src/pin/line-difference.ts'
import type { AgentVersion } from '../../src/pin/rule.ts'

type Config = { readonly [key: string]: unknown }
const version = (config: Config, number = 1, id = 'agent_1'): AgentVersion => ({
  id,
  version: number,
  config: {
    type: 'agent',
    id,
    version: number,
    name: 'helper',
    model: { id: 'claude-opus-5-5' },
    tools: [],
    ...config,
  },
})
const resolved = (config: Config, members: readonly AgentVersion[] = []) => ({
  agent: version(config),
  members,
})
const told = (before: Config, after: Config) =>
  describeDifference(resolved(before), resolved(after)).map(
    ({ kind, about, before: old, after: now, widens }) =>
      `${kind} ${about}: ${old}>${now}${widens ? ' !' : ''}`,
  )
const toolset = (more: Config = {}) => ({ tools: [{ type: 'agent_toolset_20260401', ...more }] })
const ask = { permission_policy: { type: 'always_ask' } }

test('defaults count: a toolset of nothing but its name turns every tool on, without asking', () => {
  const lines = told({}, toolset())
  expect(lines).toContain('added tool bash: >always_allow !')
  expect(lines).toContain('added tool web_fetch may reach anything: >yes !')
  expect(told(toolset(), toolset({ default_config: { enabled: true }, configs: [] }))).toEqual([])
})

test('always_ask to always_allow widens, and the way back does not', () => {
  const asking = toolset({ default_config: ask, configs: [{ name: 'bash', enabled: false }] })
  const open = toolset({ default_config: ask, configs: [{ name: 'bash', ...ask }] })
  expect(told(asking, open)).toEqual(['changed tool bash: off>always_ask !'])
  expect(told(open, asking)).toEqual(['changed tool bash: always_ask>off'])
})

test('an MCP tool that leaves the list falls to the default of its server', () => {
  const server = (configs: readonly Config[], policy: string) => ({
    tools: [
      {
        type: 'mcp_toolset',
        mcp_server_name: 'git',
        default_config: { permission_policy: { type: policy } },
        configs,
      },
    ],
  })
  const named = [{ name: 'push', permission_policy: { type: 'always_ask' } }]
  expect(told(server(named, 'always_allow'), server([], 'always_allow'))).toEqual([
    'removed MCP server git: push: always_ask> !',
  ])
  expect(told(server([], 'always_allow'), server(named, 'always_allow'))).toEqual([
    'added MCP server git: push: >always_ask',
  ])
})

test('domains: from anything to some narrows, one more widens, one blocked less widens', () => {
  const fetching = (more: Config) => toolset({ configs: [{ name: 'web_fetch', ...more }] })
  const some = fetching({ allowed_domains: ['a.example'] })
  expect(told(fetching({}), some).filter((line) => line.endsWith('!'))).toEqual([])
  expect(told(some, fetching({ allowed_domains: ['a.example', 'b.example'] }))).toEqual([
    'added tool web_fetch may reach b.example: >yes !',
  ])
  expect(told(fetching({ blocked_domains: ['x.example'] }), fetching({}))).toEqual([
    'removed tool web_fetch is kept from x.example: yes> !',
  ])
})

test.each([
  [
    'another MCP host',
    { mcp_servers: [{ name: 'git', url: 'https://a' }] },
    { mcp_servers: [{ name: 'git', url: 'https://b' }] },
  ],
  [
    'another identity',
    { execution_identity: { type: 'service_account' } },
    { execution_identity: { type: 'aws_role', role_arn: 'x' } },
  ],
  [
    'a place of inference that is no longer said',
    { model: { id: 'm', inference_geo: 'us' } },
    { model: { id: 'm' } },
  ],
  ['one more skill', { skills: [] }, { skills: [{ type: 'custom', skill_id: 'skill_1', version: '2' }] }],
  [
    'inline agents',
    {
      multiagent: {
        type: 'multiagent_20261001',
        subagents: { type: 'enabled', inline_agents: { type: 'disabled' } },
      },
    },
    {
      multiagent: {
        type: 'multiagent_20261001',
        subagents: { type: 'enabled', inline_agents: { type: 'enabled' } },
      },
    },
  ],
  [
    'one more member',
    { multiagent: { type: 'coordinator', agents: [] } },
    { multiagent: { type: 'coordinator', agents: [{ type: 'agent', id: 'agent_2', version: 1 }] } },
  ],
  ['something nobody here knows', {}, { new_power: { enabled: true } }],
])('%s is marked as widening', (_name, before, after) => {
  expect(told(before, after).some((line) => line.endsWith(' !'))).toBe(true)
})

test('the system prompt is told line by line', () => {
  expect(told({ system: 'a\nb\nc' }, { system: 'a\nB\nc\nd' })).toEqual([
    ...['removed system prompt: b>', 'added system prompt: >B', 'added system prompt: >d'],
  ])
  expect(compareLines('1\n2\n3\n4', '2\n3\n5\n4')).toEqual([
    { kind: 'removed', line: '1' },
    { kind: 'added', line: '5' },
  ])
})

test('members that both versions have are compared too', () => {
  const member = (system: string) => [version({ system }, 2, 'agent_2')]
  expect(
    describeDifference(resolved({}, member('kind')), resolved({}, member('cruel'))).map(({ about }) => about),
  ).toEqual([...['member agent_2: system prompt', 'member agent_2: system prompt']])
})

test('the hash is of content: not of times, metadata or order, but of every member', async () => {
  const roster = {
    multiagent: { type: 'coordinator', agents: [{ type: 'agent', id: 'agent_2', version: 2 }] },
  }
  const hashOf = async (own: Config, ofMember: Config) => {
    const found = await resolveAgent(
      async (id) => (id === 'agent_1' ? version({ ...own, ...roster }) : version(ofMember, 2, id)),
      'agent_1',
      1,
    )
    return found === null ? '' : hashAgent(found)
  }
  const hash = await hashOf({ system: 'a', updated_at: '1', metadata: { a: 'b' } }, { system: 'm' })
  expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(await hashOf({ metadata: {}, updated_at: '2', system: 'a' }, { system: 'm' })).toBe(hash)
  expect(await hashOf({ system: 'b' }, { system: 'm' })).not.toBe(hash)
  expect(await hashOf({ system: 'a' }, { system: 'other' })).not.toBe(hash)
  expect(
    await resolveAgent(async (id) => (id === 'agent_1' ? version(roster) : null), 'agent_1', 1),
  ).toBeNull()
})
