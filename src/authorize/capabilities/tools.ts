// Which tools an agent gets, under which permission policy, defaults included; which MCP servers and sites they reach.
// SDK 1.12.0 `BetaManagedAgentsAgentToolset20260401Params`, `…MCPToolsetParams`, and the same as answers hold them.
import { hostName, urlName } from './addresses.ts'
import { type Fields, fieldsOf, flagOf, isAbsent, listOf, textOf, unreadable, wordOf } from './fields.ts'
import { addUnknown, asName, type Gathering } from './gathering.ts'

/** The tools of `agent_toolset_20260401`; all are enabled unless a request says otherwise. */
export const builtInTools = [
  'bash',
  'read',
  'write',
  'edit',
  'glob',
  'grep',
  'web_fetch',
  'web_search',
] as const

const policies: ReadonlySet<string> = new Set(['always_allow', 'always_ask', 'auto'])
const toolNames = new Set(['type', 'name', 'mcp_server_name', 'default_config', 'configs'])
const serverNames = new Set(['type', 'name', 'url'])
const defaultNames = new Set(['enabled', 'permission_policy'])
const configNames = new Set([
  ...['type', 'name', 'enabled', 'permission_policy'],
  ...['allowed_domains', 'blocked_domains', 'url_sources', 'max_content_tokens', 'user_location'],
])
const policyNames = new Set(['type'])

/** Name -> address of the servers a body names; empty where it names none. */
export type Servers = ReadonlyMap<string, string>

/** `mcp_servers`: each is connected to. The names are what `mcp_toolset` calls them by. */
export function addServers(to: Gathering, servers: unknown, at: string): Servers {
  const known = new Map<string, string>()
  if (isAbsent(servers)) return known
  for (const [index, server] of listOf(servers, at).entries()) {
    const here = `${at}.${index}`
    const fields = fieldsOf(server, here, serverNames)
    const type = wordOf(fields['type'], `${here}.type`)
    if (type !== 'url') addUnknown(to, 'mcp_servers.type', type)
    if (type !== 'url' && isAbsent(fields['url'])) continue
    const url = urlName(fields['url'], `${here}.url`)
    to.add('mcp.connect', 'mcp', url)
    const name = textOf(fields['name'], `${here}.name`)
    // Which of two the toolset would mean, only the upstream knows.
    if (known.has(name)) unreadable(`${here}.name`, 'is the name of two servers; each needs its own')
    known.set(name, url)
  }
  return known
}

/** `tools`: every tool that is left enabled, with the policy that would hold for it. */
export function addTools(to: Gathering, tools: unknown, at: string, servers: Servers): void {
  if (isAbsent(tools)) return
  for (const [index, tool] of listOf(tools, at).entries()) {
    const here = `${at}.${index}`
    const fields = fieldsOf(tool, here, toolNames)
    const type = wordOf(fields['type'], `${here}.type`)
    if (type === 'agent_toolset_20260401') addBuiltIns(to, fields, here)
    else if (type === 'mcp_toolset') addServerTools(to, fields, here, servers)
    else if (type === 'custom') to.add('tool.enable', 'tool', `custom:${toolName(fields['name'], here)}`)
    else addUnknown(to, 'tools.type', type)
  }
}

type Setting = { readonly enabled: boolean; readonly policy: string }

function addBuiltIns(to: Gathering, toolset: Fields, at: string): void {
  const standard = readDefault(to, toolset, at, 'always_allow')
  const configured = new Set<string>()
  for (const { name, setting, fields, here } of readConfigs(to, toolset, at, standard)) {
    configured.add(name)
    if (!setting.enabled) continue
    if (!isBuiltIn(name)) addUnknown(to, 'tool', name)
    to.add('tool.enable', 'tool', `${asName(name)}:${setting.policy}`)
    if (isWeb(name)) addDomains(to, fields['allowed_domains'], `${here}.allowed_domains`)
  }
  if (!standard.enabled) return
  for (const name of builtInTools) {
    if (configured.has(name)) continue
    to.add('tool.enable', 'tool', `${name}:${standard.policy}`)
    if (isWeb(name)) addDomains(to, undefined, at)
  }
}

/** What a server's tools are, only the server knows: all of them are one object, each one configured is another. */
function addServerTools(to: Gathering, toolset: Fields, at: string, servers: Servers): void {
  const server = textOf(toolset['mcp_server_name'], `${at}.mcp_server_name`)
  // Named in another request: it may be any.
  const url = servers.get(server) ?? '*'
  const standard = readDefault(to, toolset, at, 'always_ask')
  if (standard.enabled) to.add('tool.enable', 'tool', `mcp:${standard.policy}:${url}`)
  for (const { name, setting } of readConfigs(to, toolset, at, standard)) {
    if (!setting.enabled) continue
    const one = url === '*' ? url : `${url}!${asName(name)}`
    to.add('tool.enable', 'tool', `mcp:${setting.policy}:${one}`)
  }
}

function readDefault(to: Gathering, toolset: Fields, at: string, policy: string): Setting {
  const config = toolset['default_config']
  if (isAbsent(config)) return { enabled: true, policy }
  const here = `${at}.default_config`
  return readSetting(to, fieldsOf(config, here, defaultNames), here, { enabled: true, policy })
}

function* readConfigs(to: Gathering, toolset: Fields, at: string, standard: Setting) {
  if (isAbsent(toolset['configs'])) return
  for (const [index, config] of listOf(toolset['configs'], `${at}.configs`).entries()) {
    const here = `${at}.configs.${index}`
    const fields = fieldsOf(config, here, configNames)
    const name = textOf(fields['name'], `${here}.name`)
    if (!isAbsent(fields['type']) && fields['type'] !== name) unreadable(`${here}.type`, 'is not the `name`')
    yield { name, setting: readSetting(to, fields, here, standard), fields, here }
  }
}

function readSetting(to: Gathering, config: Fields, at: string, standard: Setting): Setting {
  const enabled = flagOf(config['enabled'], `${at}.enabled`, standard.enabled)
  const written = config['permission_policy']
  if (isAbsent(written)) return { enabled, policy: standard.policy }
  const here = `${at}.permission_policy`
  const policy = wordOf(fieldsOf(written, here, policyNames)['type'], `${here}.type`)
  if (!policies.has(policy)) addUnknown(to, 'permission_policy.type', policy)
  return { enabled, policy: asName(policy) }
}

/** Where a web tool may go. A list of what is blocked leaves all the rest. */
export function addDomains(to: Gathering, allowed: unknown, at: string): void {
  const domains = isAbsent(allowed) ? [] : listOf(allowed, at)
  if (domains.length === 0) to.add('web.reach', 'domain', '*')
  for (const [index, domain] of domains.entries()) {
    // A search takes `example.com/docs`: what is below it is within the domain.
    const host = typeof domain === 'string' ? domain.replace(/\/.*$/s, '') : domain
    to.add('web.reach', 'domain', hostName(host, `${at}.${index}`))
  }
}

/** The name of a tool that its maker chose. */
export function toolName(name: unknown, at: string): string {
  return asName(textOf(name, `${at}.name`))
}

const isWeb = (name: string): boolean => name === 'web_fetch' || name === 'web_search'
const isBuiltIn = (name: string): boolean => builtInTools.some((known) => known === name)
