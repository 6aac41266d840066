// The tools of an MCP server are whatever the server says today. Listed by name, new ones stay off.
import { isObject } from '../json-values.ts'
import type { Edit, PinRule } from '../rule.ts'
import { contentRule, type Flaw } from './definitions.ts'
import { fieldsAt, isAbsent, listAt, pathText, unreadable, wordAt } from './reading.ts'

const toolNames = new Set(['type', 'mcp_server_name', 'default_config', 'configs'])
const configNames = new Set(['type', 'name', 'enabled', 'permission_policy'])

/**
 * Way 22: `default_config.enabled` is false on every `mcp_toolset`, so only the tools in `configs` exist. Forced, those
 * that were on by default are written as on. `allow` lists server names that may bring what they like.
 */
export const mcpToolsListed: PinRule = contentRule(
  'mcp_tools_listed',
  [22],
  (definition, at, _request, allow) =>
    listAt(definition.fields['tools'], [...at, 'tools']).flatMap((tool, index): readonly Flaw[] => {
      const path = [...at, 'tools', index]
      const fields = fieldsAt(tool, path, toolNames)
      if (wordAt(fields['type'], [...path, 'type']) !== 'mcp_toolset') return []
      const server = fields['mcp_server_name']
      if (typeof server !== 'string') return unreadable([...path, 'mcp_server_name'])
      if (allow.has(server) || isOffByDefault(fields['default_config'], [...path, 'default_config']))
        return []
      const edits = editsOf(fields['default_config'], fields['configs'], path)
      return [
        {
          ...{ path, requested: 'all tools', resolved: edits === null ? '' : 'listed tools', edits },
          what: `enables whatever tools the server \`${pathText([server])}\` offers`,
          instead: '`"default_config": {"enabled": false}` with the tools that it needs in `configs`',
        },
      ]
    }),
)

function isOffByDefault(config: unknown, path: readonly (string | number)[]): boolean {
  if (isAbsent(config)) return false
  const { enabled } = fieldsAt(config, path, configNames)
  if (isAbsent(enabled)) return false
  return typeof enabled === 'boolean' ? !enabled : unreadable([...path, 'enabled'])
}

/** Null when no tool is listed: there would be none left. */
function editsOf(
  config: unknown,
  configs: unknown,
  path: readonly (string | number)[],
): readonly Edit[] | null {
  const listed = listAt(configs, [...path, 'configs'])
  if (listed.length === 0) return null
  // What said nothing was on by the default that is turned off here.
  const kept = listed.flatMap((each, index): readonly Edit[] => {
    const here = [...path, 'configs', index]
    const { enabled } = fieldsAt(each, here, configNames)
    return isAbsent(enabled) ? [{ kind: 'set', path: [...here, 'enabled'], text: 'true' }] : []
  })
  const whole: Edit = { kind: 'set', path: [...path, 'default_config'], text: '{"enabled":false}' }
  const within: Edit = { kind: 'set', path: [...path, 'default_config', 'enabled'], text: 'false' }
  return [isObject(config) ? within : whole, ...kept]
}
