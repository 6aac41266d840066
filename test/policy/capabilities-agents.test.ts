// What an agent is made of, spelled out: defaults that nobody wrote count as if somebody had.
import { expect, test } from 'vitest'
import { askedOf, carriedBy } from '../support/asked-of.ts'

const github = { type: 'url', name: 'github', url: 'https://mcp.github.com/mcp' }
const builtIns = (policy: string) =>
  ['bash', 'read', 'write', 'edit', 'glob', 'grep', 'web_fetch', 'web_search'].flatMap((tool) =>
    tool === 'web_fetch'
      ? [`tool.enable tool/${tool}:${policy}`, 'web.reach domain/*']
      : [`tool.enable tool/${tool}:${policy}`],
  )
const toolset = { type: 'agent_toolset_20260401' }
const off = { enabled: false }
const ask = { type: 'always_ask' }

test.each<[string, object, readonly string[]]>([
  [
    'a model by name',
    { model: 'claude-opus-5-5' },
    ['model.use model/claude-opus-5-5', 'model.locate geo/unset'],
  ],
  [
    'a model with everything said of it',
    { model: { id: 'claude-opus-5-5', speed: 'fast', effort: { type: 'max' }, inference_geo: 'us' } },
    [
      'model.use model/claude-opus-5-5',
      'model.fast model/claude-opus-5-5',
      'model.locate geo/us',
      'model.effort effort/max',
    ],
  ],
  [
    'a speed nobody here knows',
    { model: { id: 'm', speed: 'warp', effort: 'low' } },
    [
      'model.use model/m',
      'unknown.use unknown/model.speed:warp',
      'model.locate geo/unset',
      'model.effort effort/low',
    ],
  ],
  ['the built-in toolset, of which nothing is said', { tools: [toolset] }, builtIns('always_allow')],
  [
    'the toolset as a default for all',
    { tools: [{ ...toolset, default_config: { enabled: null, permission_policy: ask } }] },
    builtIns('always_ask'),
  ],
  [
    'one tool of it',
    {
      tools: [
        { ...toolset, default_config: off, configs: [{ name: 'read', enabled: true }, { name: 'bash' }] },
      ],
    },
    ['tool.enable tool/read:always_allow'],
  ],
  [
    'one tool under a policy of its own, the others under the default',
    {
      tools: [
        {
          ...toolset,
          default_config: { permission_policy: { type: 'auto' } },
          configs: [
            { name: 'bash', permission_policy: ask },
            { name: 'web_fetch', enabled: false },
            { name: 'web_search', allowed_domains: ['Docs.example.com', 'example.org/handbook'] },
            { name: 'write', enabled: false },
            { name: 'edit', enabled: false },
            { name: 'glob', enabled: false },
          ],
        },
      ],
    },
    [
      'tool.enable tool/bash:always_ask',
      'tool.enable tool/web_search:auto',
      'web.reach domain/docs.example.com',
      'web.reach domain/example.org',
      'tool.enable tool/read:auto',
      'tool.enable tool/grep:auto',
    ],
  ],
  [
    'a tool that is blocked from some domains reaches all others',
    {
      tools: [
        {
          ...toolset,
          default_config: off,
          configs: [{ name: 'web_fetch', enabled: true, blocked_domains: ['a.b'] }],
        },
      ],
    },
    ['tool.enable tool/web_fetch:always_allow', 'web.reach domain/*'],
  ],
  [
    'a tool configured twice, of which either may hold',
    {
      tools: [
        { ...toolset, default_config: off, configs: [{ name: 'bash', enabled: true }, { name: 'bash' }] },
      ],
    },
    ['tool.enable tool/bash:always_allow'],
  ],
  [
    'a built-in tool and a policy nobody here knows',
    {
      tools: [
        {
          ...toolset,
          default_config: off,
          configs: [{ name: 'drive', enabled: true, permission_policy: { type: 'vote' } }],
        },
      ],
    },
    [
      'unknown.use unknown/permission_policy.type:vote',
      'unknown.use unknown/tool:drive',
      'tool.enable tool/drive:vote',
    ],
  ],
  [
    'a server and all of its tools, which ask by default',
    { mcp_servers: [github], tools: [{ type: 'mcp_toolset', mcp_server_name: 'github' }] },
    [
      'mcp.connect mcp/https://mcp.github.com/mcp',
      'tool.enable tool/mcp:always_ask:https://mcp.github.com/mcp',
    ],
  ],
  [
    'one tool of a server',
    {
      mcp_servers: [github],
      tools: [
        {
          type: 'mcp_toolset',
          mcp_server_name: 'github',
          default_config: off,
          configs: [{ name: 'search', enabled: true, permission_policy: { type: 'always_allow' } }],
        },
      ],
    },
    [
      'mcp.connect mcp/https://mcp.github.com/mcp',
      'tool.enable tool/mcp:always_allow:https://mcp.github.com/mcp!search',
    ],
  ],
  [
    'tools of a server that is named elsewhere may be of any',
    { tools: [{ type: 'mcp_toolset', mcp_server_name: 'github', configs: [{ name: 'push' }] }] },
    ['tool.enable tool/mcp:always_ask:*'],
  ],
  [
    'tools of the client and kinds nobody here knows',
    { tools: [{ type: 'custom', name: 'lookup', input_schema: {} }, { type: 'browser_20270101' }] },
    ['tool.enable tool/custom:lookup', 'unknown.use unknown/tools.type:browser_20270101'],
  ],
  [
    'skills, fixed and floating',
    {
      skills: [
        { type: 'anthropic', skill_id: 'xlsx' },
        { type: 'anthropic', skill_id: 'pdf', version: 'latest' },
        { type: 'custom', skill_id: 'skill_01', version: 'skver_02' },
        { type: 'rented', skill_id: 'r', version: '1' },
      ],
    },
    [
      'skill.use skill/xlsx@latest',
      'skill.float skill/xlsx',
      'skill.use skill/pdf@latest',
      'skill.float skill/pdf',
      'skill.use skill/skill_01@skver_02',
      'unknown.use unknown/skills.type:rented',
      'skill.use skill/r@1',
    ],
  ],
  ['nobody else’s identity', { execution_identity: { type: 'service_account' } }, []],
  [
    'a role of one’s own cloud',
    { execution_identity: { type: 'aws_role', role_arn: 'arn:aws:iam::123456789012:role/reader' } },
    ['identity.assume identity/arn:aws:iam::123456789012:role/reader'],
  ],
  [
    'an identity nobody here knows',
    { execution_identity: { type: 'gcp_account' } },
    ['unknown.use unknown/execution_identity.type:gcp_account'],
  ],
  ['nothing', { name: 'n', metadata: {}, tools: null, skills: [], mcp_servers: null, multiagent: null }, []],
])('an agent with %s', (_name, body, expected) => {
  expect(askedOf('agents.create', body)).toEqual(expected)
  expect(askedOf('agents.update', body)).toEqual(expected)
  expect(carriedBy(body)).toEqual(expected)
})

const inline = (part: string) => `subagent.inline multiagent/${part}`

test.each<[string, object, readonly string[]]>([
  [
    'the type alone turns subagents, workflows and inline agents on',
    { type: 'multiagent_20261001' },
    [
      'subagent.spawn multiagent/subagents',
      inline('subagents'),
      'workflow.run multiagent/workflows',
      inline('workflows'),
    ],
  ],
  [
    'so does null',
    { type: 'multiagent_20261001', subagents: null, workflows: null, advisor: null },
    [
      'subagent.spawn multiagent/subagents',
      inline('subagents'),
      'workflow.run multiagent/workflows',
      inline('workflows'),
    ],
  ],
  [
    'all of it said to be off',
    {
      type: 'multiagent_20261001',
      subagents: { type: 'disabled' },
      workflows: { type: 'disabled' },
      advisor: { type: 'disabled' },
    },
    [],
  ],
  [
    'predefined agents without inline ones',
    {
      type: 'multiagent_20261001',
      subagents: {
        type: 'enabled',
        inline_agents: { type: 'disabled' },
        predefined_agents: ['agent_1', { type: 'agent', id: 'agent_2', version: 3 }, { type: 'self' }],
      },
      workflows: {
        type: 'enabled',
        inline_agents: null,
        predefined_agents: [{ type: 'agent', id: 'agent_2' }],
      },
    },
    [
      'subagent.spawn multiagent/subagents',
      'agent.use agent/agent_1',
      'agent.float agent/agent_1',
      'agent.use agent/agent_2',
      'workflow.run multiagent/workflows',
      inline('workflows'),
      'agent.float agent/agent_2',
    ],
  ],
  [
    'an advisor is a model',
    {
      type: 'multiagent_20261001',
      subagents: { type: 'disabled' },
      workflows: { type: 'disabled' },
      advisor: { type: 'enabled', model: 'claude-fable-5-2' },
    },
    ['model.use model/claude-fable-5-2'],
  ],
  [
    'a coordinator and its roster',
    {
      type: 'coordinator',
      agents: [
        'agent_1',
        { type: 'agent', id: 'agent_2', version: 1 },
        { type: 'advisor', model: 'm' },
        { type: 'robot' },
      ],
    },
    [
      'subagent.spawn multiagent/coordinator',
      'agent.use agent/agent_1',
      'agent.float agent/agent_1',
      'agent.use agent/agent_2',
      'model.use model/m',
      'unknown.use unknown/multiagent.agents.type:robot',
    ],
  ],
  [
    'a type nobody here knows is judged as the newest one that is known',
    { type: 'multiagent_20270101', workflows: { type: 'disabled' }, subagents: { type: 'sometimes' } },
    [
      'unknown.use unknown/multiagent.type:multiagent_20270101',
      'unknown.use unknown/multiagent.subagents.type:sometimes',
      'subagent.spawn multiagent/subagents',
      inline('subagents'),
    ],
  ],
  [
    'whole definitions in place of references, as a session holds them',
    {
      type: 'coordinator',
      agents: [
        {
          type: 'agent',
          id: 'agent_2',
          version: 1,
          model: { id: 'm' },
          tools: [{ type: 'custom', name: 'c' }],
        },
      ],
    },
    [
      'subagent.spawn multiagent/coordinator',
      'agent.use agent/agent_2',
      'model.use model/m',
      'model.locate geo/unset',
      'tool.enable tool/custom:c',
    ],
  ],
])('multiagent: %s', (_name, multiagent, expected) => {
  expect(askedOf('agents.create', { multiagent })).toEqual(expected)
  expect(carriedBy({ multiagent })).toEqual(expected)
})

test.each<[string, object]>([
  ['`model`', { model: 7 }],
  ['`model.id`', { model: { effort: 'low' } }],
  ['`model`', { model: 'claude-opus-5 ' }],
  ['`model` has the key `ID`', { model: { id: 'm', ID: 'n' } }],
  ['`body` has the key `Tools`', { Tools: [] }],
  ['`tools`', { tools: {} }],
  ['`tools.1.type`', { tools: [toolset, {}] }],
  ['`tools.0.default_config.enabled`', { tools: [{ ...toolset, default_config: { enabled: 'no' } }] }],
  [
    '`tools.0.default_config.permission_policy`',
    { tools: [{ ...toolset, default_config: { permission_policy: 'always_ask' } }] },
  ],
  ['`tools.0.configs.0.name`', { tools: [{ ...toolset, configs: [{ enabled: false }] }] }],
  [
    '`tools.0.configs.0.type`',
    { tools: [{ ...toolset, configs: [{ type: 'bash', name: 'read', enabled: false }] }] },
  ],
  ['`mcp_servers.0.url`', { mcp_servers: [{ ...github, url: 'https://user@mcp.github.com/' }] }],
  ['`mcp_servers.1.name`', { mcp_servers: [github, { ...github, url: 'https://evil.example/' }] }],
  ['`skills.0.skill_id`', { skills: [{ type: 'custom' }] }],
  ['`multiagent.agents.0`', { multiagent: { type: 'coordinator', agents: ['a/b'] } }],
  [
    '`multiagent.agents.0.version`',
    { multiagent: { type: 'coordinator', agents: [{ type: 'agent', id: 'a', version: '2' }] } },
  ],
  [
    '`multiagent.advisor.model`',
    { multiagent: { type: 'multiagent_20261001', advisor: { type: 'enabled' } } },
  ],
  ['`execution_identity.role_arn`', { execution_identity: { type: 'aws_role' } }],
])('what cannot be read is refused by its name: %s in %j', (field, body) => {
  expect(askedOf('agents.create', body)).toContain(field)
  expect(carriedBy(body)).toContain(field.replace('`body`', '`agent`'))
})
