// A session that runs keeps the tools it was started with: its version says nothing of what replaced them.
import { isObject, member } from '../json-values.ts'
import type { Examined, Finding, PinRule } from '../rule.ts'
import { fieldsAt, readably } from './reading.ts'
import { readGrants, widened } from './tool-grants.ts'

const bodyNames = new Set(['agent'])
const updateNames = new Set(['tools', 'mcp_servers'])

/**
 * Way 6: `sessions.update` brings no `agent`. With `narrowing` in `allow` it may take away: fewer tools, stricter
 * policies, fewer servers and domains than the session has now. Forced, `agent` is left out where something else remains.
 */
export const sessionTools: PinRule = {
  requirement: 'session_tools',
  ways: [6],
  operations: new Set(['sessions.update']),
  examine: readably('session_tools', async (request, { allow }) => {
    const { agent } = fieldsAt(request.parsed, [], bodyNames)
    if (agent === undefined) return []
    const fields = fieldsAt(agent, ['agent'], updateNames)
    if (Object.keys(fields).length === 0) return []
    if (!allow.includes('narrowing')) {
      return [findingOf(request, 'the tools and MCP servers of a running session stay as they are')]
    }
    const others = Object.keys(fields).filter((key) => !updateNames.has(key))
    const wider = [...others.map((key) => `\`${key}\` is replaced`), ...(await widening(request, fields))]
    if (wider.length === 0) return []
    const more = wider.length > 5 ? ` and ${wider.length - 5} more` : ''
    const what = `a running session may only lose tools, and this gives it more: ${wider.slice(0, 5).join('; ')}${more}`
    return [findingOf(request, what)]
  }),
}

async function widening(
  { params, facts }: Examined,
  fields: { readonly [key: string]: unknown },
): Promise<readonly string[]> {
  const session = await facts.session(params['session_id'] ?? '')
  // The upstream says itself that there is none.
  if (session === null) return []
  const current = member(session, 'agent')
  if (!isObject(current)) return ['what the session has now is not readable']
  const { tools = current['tools'], mcp_servers = current['mcp_servers'] } = fields
  const before = readGrants(current['tools'], current['mcp_servers'], ['agent'])
  return widened(before, readGrants(tools, mcp_servers, ['agent']))
}

function findingOf({ parsed }: Examined, what: string): Finding {
  const remains = Object.keys(parsed).length > 1
  return {
    requirement: 'session_tools',
    path: ['agent'],
    ...{ requested: 'other tools', resolved: remains ? 'left out' : '' },
    sentence: `${what}; leave \`agent\` out, or start a session on a version that has them`,
    edits: remains ? [{ kind: 'remove', path: ['agent'] }] : null,
  }
}
