// Ways 9 to 16 and 21 to 24: what a saved agent is made of, and who changes it.

import type Anthropic from '@anthropic-ai/sdk'
import { toFile } from '@anthropic-ai/sdk'
import { model, of, off, prepareRun, swap, type Way } from './way.ts'

type Multiagent = NonNullable<Anthropic.Beta.Agents.AgentCreateParams['multiagent']>

const create = (client: Anthropic, multiagent: Multiagent) =>
  client.beta.agents.create({ name: 'lead', model, multiagent })
const agents = () => '/v1/agents'
const offText = '{"type":"disabled"}'
const named = (id: string | undefined) => `{"type":"agent","id":"${id}","version":1}`

/** A saved agent whose roster is this, run by its exact version. */
const runOf = (way: number, requirement: string, multiagent: (member: string) => Multiagent): Way => ({
  way,
  requirement,
  about: `a session of a version that was saved so (${requirement})`,
  prepare: async (client) => {
    const { agent: member, environment } = await prepareRun(client)
    return { environment, lead: (await create(client, multiagent(member))).id }
  },
  send: (client, made) =>
    client.beta.sessions.create({
      agent: { type: 'agent', id: of(made, 'lead'), version: 1 },
      environment_id: of(made, 'environment'),
    }),
  path: () => '/v1/sessions',
  forced: null,
})

export const definitionWays: readonly Way[] = [
  {
    way: 9,
    requirement: 'roster_versions',
    about: 'a coordinator with a member by its id',
    prepare: (client) => prepareRun(client),
    send: (client, made) => create(client, { type: 'coordinator', agents: [of(made, 'agent')] }),
    path: agents,
    forced: (sent, { agent }) => swap(sent, `"${agent}"`, named(agent)),
  },
  {
    way: 10,
    requirement: 'roster_versions',
    about: 'members without versions in both lists of predefined agents',
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      create(client, {
        type: 'multiagent_20261001',
        subagents: { type: 'enabled', predefined_agents: [of(made, 'agent')] },
        workflows: { type: 'enabled', predefined_agents: [{ type: 'agent', id: of(made, 'agent') }] },
      }),
    path: agents,
    forced: (sent, { agent }) =>
      swap(swap(sent, `["${agent}"]`, `[${named(agent)}]`), `"${agent}"}`, `"${agent}","version":1}`),
  },
  {
    way: 11,
    requirement: 'no_self_members',
    about: 'an agent in its own roster',
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      create(client, { type: 'coordinator', agents: [{ type: 'self' }, of(made, 'agent')] }),
    path: agents,
    forced: (sent) => swap(sent, '{"type":"self"},', ''),
  },
  {
    way: 12,
    requirement: 'no_inline_agents',
    about: 'subagents whose switch is left out',
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      create(client, {
        type: 'multiagent_20261001',
        subagents: { type: 'enabled', predefined_agents: [of(made, 'agent')] },
        workflows: off,
      }),
    path: agents,
    forced: (sent, { agent }) => swap(sent, `["${agent}"]`, `["${agent}"],"inline_agents":${offText}`),
  },
  {
    way: 12,
    requirement: 'no_inline_agents',
    about: 'subagents that are nothing but inline',
    prepare: (client) => prepareRun(client),
    send: (client) =>
      create(client, { type: 'multiagent_20261001', subagents: { type: 'enabled' }, workflows: off }),
    path: agents,
    forced: null,
  },
  runOf(12, 'no_inline_agents', () => ({ type: 'multiagent_20261001', workflows: off })),
  {
    way: 13,
    requirement: 'no_workflows',
    about: 'workflows that null turns on',
    prepare: (client) => prepareRun(client),
    send: (client) => create(client, { type: 'multiagent_20261001', workflows: null }),
    path: agents,
    forced: (sent) => swap(sent, 'null', offText),
  },
  {
    way: 13,
    requirement: 'no_workflows',
    about: 'a change from coordinator that says nothing of workflows',
    prepare: async (client) => {
      const { agent } = await prepareRun(client)
      return { agent, lead: (await create(client, { type: 'coordinator', agents: [agent] })).id }
    },
    send: (client, made) =>
      client.beta.agents.update(of(made, 'lead'), { multiagent: { type: 'multiagent_20261001' } }),
    path: ({ lead }) => `/v1/agents/${lead}`,
    forced: (sent) => swap(sent, '"multiagent_20261001"', `"multiagent_20261001","workflows":${offText}`),
  },
  {
    way: 13,
    requirement: 'no_inline_agents',
    about: 'an update that keeps the inline agents it says nothing of',
    prepare: async (client) => {
      const { agent } = await prepareRun(client)
      const lead = await create(client, {
        type: 'multiagent_20261001',
        subagents: { type: 'enabled', predefined_agents: [agent] },
        workflows: off,
      })
      return { agent, lead: lead.id }
    },
    send: (client, made) =>
      client.beta.agents.update(of(made, 'lead'), { multiagent: { type: 'multiagent_20261001' } }),
    path: ({ lead }) => `/v1/agents/${lead}`,
    forced: (sent) =>
      swap(
        sent,
        '"multiagent_20261001"',
        `"multiagent_20261001","subagents":{"type":"enabled","inline_agents":${offText}}`,
      ),
  },
  runOf(14, 'no_workflows', () => ({ type: 'multiagent_20261001', subagents: off })),
  runOf(11, 'no_self_members', (member) => ({
    type: 'coordinator',
    agents: [member, { type: 'self' }],
  })),
  {
    way: 15,
    requirement: 'advisor_models',
    about: 'an advisor that is not allowed',
    allow: ['claude-opus-5-5'],
    prepare: (client) => prepareRun(client),
    send: (client) =>
      create(client, {
        type: 'multiagent_20261001',
        advisor: { type: 'enabled', model: 'claude-opus-4-8' },
      }),
    path: agents,
    forced: (sent) => swap(sent, '{"type":"enabled","model":"claude-opus-4-8"}', offText),
  },
  {
    way: 16,
    requirement: 'skill_versions',
    about: 'a skill without a version',
    prepare: async (client) => {
      const text = '---\nname: counter\ndescription: counts\n---\n# How\n'
      const file = await toFile(Buffer.from(text), 'counter/SKILL.md')
      const skill = await client.beta.skills.create({ files: [file] })
      return { skill: skill.id, version: skill.latest_version_id }
    },
    send: (client, made) =>
      client.beta.agents.create({
        name: 's',
        model,
        skills: [{ type: 'custom', skill_id: of(made, 'skill') }],
      }),
    path: agents,
    forced: (sent, { skill, version }) => swap(sent, `"${skill}"`, `"${skill}","version":"${version}"`),
  },
  {
    way: 21,
    requirement: 'dated_models',
    about: 'a model by the name that can move',
    prepare: async () => ({}),
    send: (client) => client.beta.agents.create({ name: 'm', model: 'claude-opus-4-5' }),
    path: agents,
    forced: (sent) => swap(sent, '"claude-opus-4-5"', '"claude-opus-4-5-20251101"'),
  },
  {
    way: 22,
    requirement: 'mcp_tools_listed',
    about: 'whatever tools a server offers',
    prepare: async () => ({}),
    send: (client) =>
      client.beta.agents.create({
        name: 'm',
        model,
        mcp_servers: [{ type: 'url', name: 'github', url: 'https://mcp.github.com/' }],
        tools: [{ type: 'mcp_toolset', mcp_server_name: 'github', configs: [{ name: 'read_issue' }] }],
      }),
    path: agents,
    forced: (sent) =>
      swap(
        sent,
        '[{"name":"read_issue"}]',
        '[{"name":"read_issue","enabled":true}],"default_config":{"enabled":false}',
      ),
  },
  {
    way: 23,
    requirement: 'version_guard',
    about: 'an update that overwrites whatever there is',
    prepare: (client) => prepareRun(client),
    send: (client, made) => client.beta.agents.update(of(made, 'agent'), { system: 'obey' }),
    path: ({ agent }) => `/v1/agents/${agent}`,
    forced: (sent) => swap(sent, '"obey"', '"obey","version":1'),
  },
  {
    way: 24,
    requirement: 'credential_rotation',
    about: 'a new secret for a vault that is not the team’s own',
    prepare: async (client) => {
      const vault = await client.beta.vaults.create({ display_name: 'v' })
      const credential = await client.beta.vaults.credentials.create(vault.id, {
        auth: { type: 'static_bearer', token: 'old', mcp_server_url: 'https://mcp.github.com/' },
      })
      return { vault: vault.id, credential: credential.id }
    },
    send: (client, made) =>
      client.beta.vaults.credentials.update(of(made, 'credential'), {
        vault_id: of(made, 'vault'),
        display_name: 'renamed',
      }),
    path: ({ vault, credential }) => `/v1/vaults/${vault}/credentials/${credential}`,
    forced: null,
  },
]
