// Which agent a session runs: the latest version, a named one, or one with parts of it replaced for this session
// (SDK 1.12.0 `SessionCreateParams.agent`).

import { z } from 'zod'
import { type AgentSnapshot, overridableParams, resolveConfig } from '../agents/agent-config.ts'
import { expandMultiagent } from '../agents/multiagent.ts'
import { invalidRequest } from '../http/api-error.ts'
import { findAgentRecord, findAgentVersion, type World } from '../world.ts'

const { model, system, tools, mcp_servers, skills } = overridableParams.shape
const version = z.int().min(1).optional()

/** Only `system` may be null, which clears it; a list is cleared by an empty one (SDK 1.12.0). */
const overrides = z.object({
  model,
  system,
  tools: tools.unwrap().unwrap().optional(),
  mcp_servers: mcp_servers.unwrap().unwrap().optional(),
  skills: skills.unwrap().unwrap().optional(),
})

/** The part of an agent that a running session may still change. */
export const agentUpdateParams = overrides.pick({ tools: true, mcp_servers: true })

const asReference = (agent: unknown): unknown =>
  typeof agent === 'string' ? { type: 'agent', id: agent } : agent

/** An agent as a session names it: an id, an id with a version, or either with overrides. */
export const agentReference = z.preprocess(
  asReference,
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('agent'), id: z.string().min(1), version }),
    overrides.extend({ type: z.literal('agent_with_overrides'), id: z.string().min(1), version }),
  ]),
)

type Overrides = z.infer<typeof overrides>

/** An overriding model brings nothing of the saved one along: its own effort is ignored for the model's default. */
function applyOverrides(saved: AgentSnapshot, { model: given, ...others }: Overrides): AgentSnapshot {
  const replaced =
    given === undefined
      ? {}
      : { model: { ...(typeof given === 'string' ? { id: given } : given), effort: 'high' as const } }
  return { ...saved, ...resolveConfig({ ...others, ...replaced }, saved) }
}

/**
 * The whole definition a session copies, its members' definitions included. The id and version are those of the
 * saved agent even when parts are replaced. Throws a 404 for an unknown agent or version, a 400 for an archived one.
 */
export function resolveAgent(world: World, reference: z.infer<typeof agentReference>): AgentSnapshot {
  if (findAgentRecord(world, reference.id).archivedAt !== null) {
    throw invalidRequest(`agent: \`${reference.id}\` is archived`)
  }
  const saved = findAgentVersion(world, reference.id, reference.version)
  const { metadata: _, created_at: __, updated_at: ___, ...snapshot } = saved
  const agent = reference.type === 'agent_with_overrides' ? applyOverrides(snapshot, reference) : snapshot
  const find = (id: string, wanted?: number) => findAgentVersion(world, id, wanted)
  return { ...agent, multiagent: expandMultiagent(agent.multiagent, agent, find) }
}
