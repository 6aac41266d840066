// Model calls that go around agents, spelled out.
import { expect, test } from 'vitest'
import { askedOf } from '../support/asked-of.ts'

const model = { model: 'm', max_tokens: 1 }
const asks = ['model.use model/m', 'model.locate geo/unset']
const server = { type: 'url', name: 's', url: 'https://mcp.example.com' }
const addition = (definition: object) => ({
  type: 'tool_addition',
  tool: { type: 'tool_definition', definition },
})

test.each<[string, object, readonly string[]]>([
  [
    'a question',
    { messages: [{ role: 'user', content: 'hello' }], system: 's', thinking: { type: 'adaptive' } },
    [],
  ],
  [
    'tools of the client, of the provider, and kinds nobody here knows',
    {
      tools: [
        { name: 'lookup', input_schema: {} },
        { type: 'custom', name: 'other', input_schema: {} },
        { type: 'bash_20250124', name: 'bash' },
        { type: 'code_execution_20260521', name: 'code_execution' },
        { type: 'web_search_20260318', name: 'web_search', allowed_domains: ['example.com'] },
        { type: 'web_fetch_20270101', name: 'web_fetch' },
        { type: 'advisor_20260301', name: 'advisor', model: 'claude-fable-5-2' },
        { type: 'teleport_20270101', name: 'teleport' },
      ],
    },
    [
      'tool.enable tool/custom:lookup',
      'tool.enable tool/custom:other',
      'tool.enable tool/bash:client',
      'tool.enable tool/code_execution:server',
      'tool.enable tool/web_search:server',
      'web.reach domain/example.com',
      'tool.enable tool/web_fetch:server',
      'web.reach domain/*',
      'model.use model/claude-fable-5-2',
      'unknown.use unknown/tools.type:teleport_20270101',
    ],
  ],
  [
    'MCP servers, whose tools nobody is asked about',
    {
      mcp_servers: [server],
      tools: [
        { type: 'mcp_toolset', mcp_server_name: 's' },
        { type: 'mcp_toolset', mcp_server_name: 't' },
      ],
    },
    [
      'mcp.connect mcp/https://mcp.example.com/',
      'tool.enable tool/mcp:always_allow:https://mcp.example.com/',
      'tool.enable tool/mcp:always_allow:*',
    ],
  ],
  [
    'other models when the first declines',
    { fallbacks: [{ model: 'n', speed: 'fast' }] },
    ['model.use model/n', 'model.fast model/n'],
  ],
  ['whatever model the provider falls back to', { fallbacks: 'default' }, ['model.use model/*']],
  [
    'skills in a container',
    { container: { skills: [{ type: 'anthropic', skill_id: 'xlsx', version: '20251013' }] } },
    ['skill.use skill/xlsx@20251013'],
  ],
  ['a container by id', { container: 'container_1' }, []],
  [
    'files and tools on the way',
    {
      messages: [
        { role: 'user', content: [{ type: 'container_upload', file_id: 'file_1' }] },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 't',
              content: [{ type: 'image', source: { type: 'file', file_id: 'file_2' } }],
            },
            {
              type: 'web_search_tool_result',
              tool_use_id: 't',
              content: { type: 'web_search_tool_result_error' },
            },
            addition({ type: 'custom', name: 'late' }),
            {
              type: 'compaction',
              content: 'so far',
              tool_changes: [addition({ type: 'bash_20250124', name: 'bash' })],
            },
            { type: 'tool_addition', tool: { type: 'tool_reference', name: 'lookup' } },
            { type: 'tool_addition', tool: { type: 'tool_bundle', id: 'b' } },
          ],
        },
      ],
    },
    [
      'file.mount file/file_1',
      'file.mount file/file_2',
      'tool.enable tool/custom:late',
      'tool.enable tool/bash:client',
      'unknown.use unknown/tool_addition.type:tool_bundle',
    ],
  ],
])('a message with %s', (_name, body, expected) => {
  expect(askedOf('messages.create', { ...model, ...body })).toEqual([...asks, ...expected])
  expect(askedOf('messages.count_tokens', { ...model, ...body })).toEqual([...asks, ...expected])
  const requests = [{ custom_id: '1', params: { ...model, ...body } }]
  expect(askedOf('messages.batches.create', { requests })).toEqual([...asks, ...expected])
})

test('speed and place of a message count', () => {
  expect(askedOf('messages.create', { ...model, speed: 'fast', inference_geo: 'eu' })).toEqual([
    'model.use model/m',
    'model.fast model/m',
    'model.locate geo/eu',
  ])
})

test('a batch asks for everything that any of its requests asks for, once', () => {
  const requests = ['m', 'n', 'm'].map((name) => ({ custom_id: name, params: { model: name } }))
  expect(askedOf('messages.batches.create', { requests })).toEqual([
    'model.use model/m',
    'model.locate geo/unset',
    'model.use model/n',
  ])
})

test.each<[string, object]>([
  ['`model`', { model: ['m'] }],
  ['`body` has the key `MODEL`', { MODEL: 'm' }],
  ['`fallbacks.0.model`', { fallbacks: [{}] }],
  ['`tools.0.name`', { tools: [{}] }],
  ['`tools.0.type`', { tools: [{ type: 7 }] }],
  ['`messages`', { messages: {} }],
  ['`messages.0`', { messages: ['hello'] }],
  ['`messages.0.content.0.tool`', { messages: [{ content: [{ type: 'tool_addition' }] }] }],
  [
    '`messages.0.content.0.tool.definition.name`',
    { messages: [{ content: [addition({ type: 'custom' })] }] },
  ],
  ['`mcp_servers.0.url`', { mcp_servers: [{ type: 'url', name: 's' }] }],
])('what cannot be read is refused by its name: %s', (field, body) => {
  expect(askedOf('messages.create', body)).toContain(field)
  const inBatch = askedOf('messages.batches.create', { requests: [{ params: body }] })
  expect(inBatch).toContain(
    `\`requests.0.params${field === '`body` has the key `MODEL`' ? '`' : `.${field.slice(1)}`}`,
  )
})
