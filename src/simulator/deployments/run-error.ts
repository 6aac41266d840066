// Why a run made no session, in the words of SDK 1.12.0 resources/beta/deployment-runs, and whether that pauses the
// deployment.

import { z } from 'zod'
import { ApiError } from '../http/api-error.ts'
import { findAgentVersion, type World } from '../world.ts'
import type { AgentPin, DeploymentConfig } from './deployment-record.ts'

export type RunError = { readonly type: string; readonly message: string }

/** These may pass by themselves or have no paused reason in the API; every other one pauses a scheduled deployment. */
const harmless: ReadonlySet<string> = new Set([
  'session_rate_limited_error',
  'session_creation_rejected_error',
])

/** Whether a scheduled run that failed so pauses its deployment. */
export const isPausing = ({ type }: RunError): boolean => !harmless.has(type)

const agentInRoster = z.object({ type: z.literal('agent'), id: z.string(), version: z.number() })

/** The ids of every agent that a saved `multiagent` refers to. */
function rosterIds(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const reference = agentInRoster.safeParse(value)
  return reference.success ? [reference.data.id] : Object.values(value).flatMap(rosterIds)
}

function findArchivedAgent(world: World, pin: AgentPin): string | undefined {
  const { multiagent } = findAgentVersion(world, pin.id, pin.version)
  return [pin.id, ...rosterIds(multiagent)].find((id) => world.agents.get(id)?.archivedAt !== null)
}

/** What stands in the way of a session at this moment, as far as it can be seen before one is made; null for nothing. */
export function findObstacle(world: World, config: DeploymentConfig): RunError | null {
  const agentId = findArchivedAgent(world, config.agent)
  if (agentId !== undefined)
    return { type: 'agent_archived_error', message: `agent \`${agentId}\` is archived` }

  const id = config.environmentId
  const environment = world.environments.get(id)?.item
  if (environment === undefined) {
    return { type: 'environment_not_found_error', message: `environment \`${id}\` not found` }
  }
  if (environment.archived_at !== null) {
    return { type: 'environment_archived_error', message: `environment \`${id}\` is archived` }
  }
  const needsCloud = config.resources.some(({ type }) => type !== 'memory_store')
  if (needsCloud && environment.config.type === 'self_hosted') {
    const message = `environment \`${id}\` is self-hosted and cannot mount files or repositories`
    return { type: 'self_hosted_resources_unsupported_error', message }
  }
  for (const vaultId of config.vaultIds) {
    const vault = world.vaults.get(vaultId)?.vault
    if (vault === undefined)
      return { type: 'vault_not_found_error', message: `vault \`${vaultId}\` not found` }
    if (vault.archived_at !== null) {
      return { type: 'vault_archived_error', message: `vault \`${vaultId}\` is archived` }
    }
  }
  return null
}

const byMessage: readonly (readonly [pattern: RegExp, type: string])[] = [
  [/memory.?store.* archived/i, 'memory_store_archived_error'],
  [/skill.* not found/i, 'skill_not_found_error'],
  [/file.* not found/i, 'file_not_found_error'],
  [/ of MCP server /, 'mcp_egress_blocked_error'],
]

/** What a refusal to create the session says about the run. */
export function explainRefusal(error: unknown): RunError {
  if (!(error instanceof ApiError)) return { type: 'unknown_error', message: String(error) }
  const { message, status } = error
  if (status === 429) return { type: 'session_rate_limited_error', message }
  const known = byMessage.find(([pattern]) => pattern.test(message))?.[1]
  const fallback = status === 404 ? 'session_resource_not_found_error' : 'session_creation_rejected_error'
  return { type: known ?? fallback, message }
}
