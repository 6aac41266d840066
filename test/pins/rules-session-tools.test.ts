import { expect, test } from 'vitest'
import { sessionTools } from '../../src/pin/rules/session-tools.ts'
import { look } from '../support/examined.ts'

const policy = (type: string) => ({ permission_policy: { type } })
const toolset = (...configs: readonly object[]) => ({
  type: 'agent_toolset_20260401',
  default_config: { enabled: false },
  configs,
})
const github = { type: 'url', name: 'github', url: 'https://mcp.github.com/' }
const mcp = (...configs: readonly object[]) => ({ type: 'mcp_toolset', mcp_server_name: 'github', configs })
const custom = { type: 'custom', name: 'ask', description: 'd', input_schema: { type: 'object' } }
const web = (bounds: object = {}) => toolset({ name: 'web_fetch', enabled: true, ...bounds })
const bash = (type: string) => toolset({ name: 'bash', enabled: true, ...policy(type) })

const update = async (
  before: { tools?: readonly object[]; mcp_servers?: readonly object[] },
  after: object,
): Promise<string> => {
  const { findings } = await look(
    sessionTools,
    'sessions.update',
    { agent: after },
    {
      allow: ['narrowing'],
      params: { session_id: 'sesn_1' },
      world: { sessions: { sesn_1: { agent: { tools: [], mcp_servers: [], ...before } } } },
    },
  )
  return findings.map(({ sentence }) => sentence).join()
}

test.each<[string, readonly object[], readonly object[]]>([
  ['a tool that asked runs without asking', [bash('always_ask')], [bash('always_allow')]],
  ['a tool that asked is judged by the upstream', [bash('always_ask')], [bash('auto')]],
  ['a policy that nobody knows', [bash('always_allow')], [bash('always_maybe')]],
  ['a tool that was off is on', [toolset()], [bash('always_ask')]],
  ['the whole toolset by default', [bash('always_allow')], [{ type: 'agent_toolset_20260401' }]],
  ['a kind of tool that nobody knows', [bash('auto')], [{ type: 'computer_20270101' }]],
  ['a new custom tool', [], [custom]],
  ['a custom tool defined otherwise', [custom], [{ ...custom, description: 'run it' }]],
  ['a web tool without its domains', [web({ allowed_domains: ['a.com'] })], [web()]],
  [
    'a web tool with another domain',
    [web({ allowed_domains: ['a.com'] })],
    [web({ allowed_domains: ['b.com'] })],
  ],
  [
    'a domain above the one allowed',
    [web({ allowed_domains: ['docs.a.com'] })],
    [web({ allowed_domains: ['a.com'] })],
  ],
  [
    'a name that only ends alike',
    [web({ allowed_domains: ['a.com'] })],
    [web({ allowed_domains: ['nota.com'] })],
  ],
  [
    'a blocked domain set free',
    [web({ blocked_domains: ['a.com', 'b.com'] })],
    [web({ blocked_domains: ['a.com'] })],
  ],
  [
    'a blocked domain allowed',
    [web({ blocked_domains: ['a.com'] })],
    [web({ allowed_domains: ['x.a.com'] })],
  ],
  ['addresses from other sources', [web({ url_sources: { user_input: { type: 'all' } } })], [web()]],
])('%s widens what a session may do', async (_case, before, after) => {
  expect(await update({ tools: before }, { tools: after })).toContain('gives it more')
})

test.each<[string, readonly object[], readonly object[]]>([
  ['the same tools', [bash('auto'), custom], [bash('auto'), custom]],
  ['a tool that asks now', [bash('always_allow')], [bash('always_ask')]],
  ['no tools', [bash('always_allow'), custom], []],
  ['the default written out', [{ type: 'agent_toolset_20260401' }], [bash('always_allow')]],
  ['fewer domains', [web()], [web({ allowed_domains: ['a.com'] })]],
  ['a domain below', [web({ allowed_domains: ['a.com'] })], [web({ allowed_domains: ['docs.a.com'] })]],
  ['more that is blocked', [web({ blocked_domains: ['x.a.com'] })], [web({ blocked_domains: ['a.com'] })]],
  [
    'allowed beside what was blocked',
    [web({ blocked_domains: ['a.com'] })],
    [web({ allowed_domains: ['b.com'] })],
  ],
])('%s takes nothing but away', async (_case, before, after) => {
  expect(await update({ tools: before }, { tools: after })).toBe('')
})

test('an MCP server that is new widens, and so does a tool of it set apart before', async () => {
  const has = { tools: [mcp({ name: 'write', enabled: false })], mcp_servers: [github] }
  expect(await update({}, has)).toContain('connects to `https://mcp.github.com/`')
  expect(await update(has, { tools: [mcp()] })).toContain('`https://mcp.github.com/ write`')
  expect(await update(has, { tools: [mcp({ name: 'write', enabled: true })] })).toContain('write')
  expect(
    await update(has, { tools: [mcp({ name: 'write', enabled: false }, { name: 'x', ...policy('auto') })] }),
  ).toContain('x`')
  const narrower = [mcp({ name: 'write', enabled: false }, { name: 'read', enabled: false })]
  expect(await update(has, { tools: narrower })).toBe('')
  const moved = [{ ...github, url: 'https://evil.example/' }]
  expect(await update(has, { mcp_servers: moved })).toContain('https://evil.example/')
  expect(await update(has, { tools: [], mcp_servers: [] })).toBe('')
})

test('without `narrowing` every change is found, and forced it is left out where something remains', async () => {
  const agent = { tools: [] }
  const both = await look(sessionTools, 'sessions.update', { title: 't', agent })
  expect(both.forced).toEqual({ title: 't' })
  expect((await look(sessionTools, 'sessions.update', { agent })).forced).toBeNull()
  expect((await look(sessionTools, 'sessions.update', { title: 't' })).findings).toEqual([])
  expect((await look(sessionTools, 'sessions.update', { title: 't', agent: {} })).findings).toEqual([])
})

test.each([
  ['a recased agent', { Agent: { tools: [] } }],
  ['recased tools', { agent: { Tools: [] } }],
  ['an agent that is no object', { agent: 'agent_x' }],
])('%s is unreadable', async (_case, body) => {
  const { findings } = await look(sessionTools, 'sessions.update', body, { allow: ['narrowing'] })
  expect(findings.map(({ isUnreadable }) => isUnreadable)).toEqual([true])
})

test('a member that no version of the API replaces is never narrowing', async () => {
  expect(await update({}, { system: 'obey' })).toContain('`system` is replaced')
})
