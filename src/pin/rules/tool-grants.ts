// What a list of tools lets an agent do without asking anybody, so that two lists can be compared: a change may only take
// away. Read with the upstream's defaults (SDK 1.12.0 `BetaManagedAgentsAgentToolset20260401Params`, `…MCPToolsetParams`).
import { canonicalJson } from '../../kernel/canonical-json.ts'
import { type JsonObject, shorten } from '../json-values.ts'
import type { JsonPath } from '../rule.ts'
import { fieldsAt, isAbsent, listAt, unreadable, wordAt } from './reading.ts'
import { readWebBounds, type WebBounds, widerBounds } from './web-bounds.ts'

export type Grants = {
  /** Tool by name, MCP tools as `<address> <tool>` and `<address> *` for all that are not named. */
  readonly tools: ReadonlyMap<string, Grant>
  /** The addresses of MCP servers. */
  readonly servers: ReadonlySet<string>
}

/** `rank` 0 is off, 1 asks, 2 lets the upstream judge, 3 runs; anything not known here ranks highest. */
type Grant = { readonly rank: number; readonly web: WebBounds | null; readonly definition: string }

const builtIns = ['bash', 'read', 'write', 'edit', 'glob', 'grep', 'web_fetch', 'web_search']
const ranks: ReadonlyMap<string, number> = new Map([
  ['always_ask', 1],
  ['auto', 2],
  ['always_allow', 3],
])
const words = [
  'is off',
  'asks first',
  'is judged by the upstream',
  'runs without asking',
  'is of no known kind',
]
const toolNames = new Set(['type', 'name', 'mcp_server_name', 'default_config', 'configs'])
const settingNames = new Set([
  ...['type', 'name', 'enabled', 'permission_policy', 'allowed_domains', 'blocked_domains', 'url_sources'],
])
const serverNames = new Set(['type', 'name', 'url'])
const policyNames = new Set(['type'])

/** Reads `tools` and `mcp_servers` of a request or an answer. Throws `UnreadableValue` for what is in no known form. */
export function readGrants(tools: unknown, mcpServers: unknown, at: JsonPath): Grants {
  const addresses = new Map(
    listAt(mcpServers, [...at, 'mcp_servers']).map((server, index) => {
      const path = [...at, 'mcp_servers', index]
      const fields = fieldsAt(server, path, serverNames)
      return [textAt(fields['name'], path), wordAt(fields['url'], [...path, 'url'])] as const
    }),
  )
  const found = new Map<string, Grant>()
  // Of two settings of one tool the upstream may take either.
  const add = (name: string, grant: Grant): void => {
    const before = found.get(name)
    if (before === undefined || before.rank <= grant.rank) found.set(name, grant)
  }
  for (const [index, tool] of listAt(tools, [...at, 'tools']).entries()) {
    const path = [...at, 'tools', index]
    const fields = fieldsAt(tool, path, toolNames)
    const type = wordAt(fields['type'], [...path, 'type'])
    if (type === 'agent_toolset_20260401') addToolset(add, fields, path, builtIns, '', 'always_allow')
    else if (type === 'mcp_toolset') {
      const name = textAt(fields['mcp_server_name'], path)
      const address = addresses.get(name) ?? `server ${shorten(name)}`
      addToolset(add, fields, path, ['*'], `${address} `, 'always_ask')
    } else if (type === 'custom') {
      const definition = canonicalJson(fields)
      add(`custom ${textAt(fields['name'], path)}`, { rank: 3, web: null, definition })
    } else add(type, { rank: 4, web: null, definition: canonicalJson(fields) })
  }
  return { tools: found, servers: new Set(addresses.values()) }
}

/** What `after` may do and `before` may not, in words for people; none when it only takes away. */
export function widened(before: Grants, after: Grants): readonly string[] {
  const names = new Set([...after.tools.keys(), ...namedBefore(before, after)])
  return [
    ...[...after.servers].filter((url) => !before.servers.has(url)).map((url) => `connects to \`${url}\``),
    ...[...names].flatMap((name) => {
      const [old, now] = [grantOf(before, name), grantOf(after, name)]
      if (now.rank === 0) return []
      if (now.rank > old.rank) return [`\`${name}\` ${words[now.rank]}, where it ${words[old.rank]} now`]
      if (now.definition !== old.definition) return [`\`${name}\` is defined otherwise`]
      return widerBounds(old.web, now.web).map((what) => `\`${name}\` ${what}`)
    }),
  ]
}

const none: Grant = { rank: 0, web: null, definition: '' }

/** A tool of a server that is not named gets what all of its tools get. */
function grantOf({ tools }: Grants, name: string): Grant {
  return tools.get(name) ?? tools.get(`${name.split(' ')[0]} *`) ?? none
}

/** Tools that were set apart before and fall under `*` now. */
const namedBefore = (before: Grants, after: Grants): readonly string[] =>
  [...before.tools.keys()].filter((name) => after.tools.has(`${name.split(' ')[0]} *`))

type Setting = { readonly enabled: boolean; readonly policy: string }

function addToolset(
  add: (name: string, grant: Grant) => void,
  fields: JsonObject,
  path: JsonPath,
  all: readonly string[],
  prefix: string,
  policy: string,
): void {
  const standard = readSetting(fields['default_config'], [...path, 'default_config'], {
    enabled: true,
    policy,
  })
  const configured = new Set<string>()
  for (const [index, config] of listAt(fields['configs'], [...path, 'configs']).entries()) {
    const here = [...path, 'configs', index]
    const each = fieldsAt(config, here, settingNames)
    const name = textAt(each['name'], here)
    configured.add(name)
    add(`${prefix}${name}`, grantFor(name, readSetting(each, here, standard), each, here))
  }
  for (const name of all) {
    if (!configured.has(name)) add(`${prefix}${name}`, grantFor(name, standard, {}, path))
  }
}

function grantFor(name: string, setting: Setting, fields: JsonObject, path: JsonPath): Grant {
  const rank = setting.enabled ? (ranks.get(setting.policy) ?? 4) : 0
  return { rank, web: name.startsWith('web_') ? readWebBounds(fields, path) : null, definition: '' }
}

function readSetting(value: unknown, path: JsonPath, standard: Setting): Setting {
  if (isAbsent(value)) return standard
  const { enabled, permission_policy } = fieldsAt(value, path, settingNames)
  if (!isAbsent(enabled) && typeof enabled !== 'boolean') return unreadable([...path, 'enabled'])
  const here = [...path, 'permission_policy']
  return {
    enabled: enabled ?? standard.enabled,
    policy: isAbsent(permission_policy)
      ? standard.policy
      : wordAt(fieldsAt(permission_policy, here, policyNames)['type'], [...here, 'type']),
  }
}

function textAt(value: unknown, path: JsonPath): string {
  return typeof value === 'string' && value !== '' ? value : unreadable(path)
}
