// Whether the tools of an agent can be reached from where its session would run.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import type { EnvironmentConfig } from './environment-config.ts'

const servers = z.array(z.looseObject({ name: z.string(), url: z.string() })).catch([])
const member = z.looseObject({ mcp_servers: servers })
const agentShape = member.extend({
  multiagent: z
    .looseObject({ agents: z.array(member).catch([]) })
    .nullish()
    .catch(null),
})

const isAllowed = (host: string, allowed: readonly string[]): boolean =>
  allowed.some((each) => {
    const name = each.toLowerCase()
    return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name
  })

/**
 * Refuses a session whose network would cut its agent off: throws a 400 when the environment's network is
 * `limited`, does not allow MCP servers as such, and lacks the host of one. Looks at the agent as the session
 * shows it (overrides applied) and at every agent of its roster.
 */
export function checkMcpReach(config: EnvironmentConfig, agent: unknown): void {
  if (config.type !== 'cloud' || config.networking.type !== 'limited') return
  if (config.networking.allow_mcp_servers) return
  const { mcp_servers: own, multiagent } = agentShape.parse(agent)
  const all = [...own, ...(multiagent?.agents ?? []).flatMap((each) => each.mcp_servers)]
  for (const { name, url } of all) {
    const host = URL.canParse(url) ? new URL(url).hostname.toLowerCase() : url
    if (isAllowed(host, config.networking.allowed_hosts)) continue
    throw invalidRequest(
      `environment_id: its limited network does not allow \`${host}\` of MCP server \`${name}\`; add the host to \`allowed_hosts\` or set \`allow_mcp_servers\``,
    )
  }
}
