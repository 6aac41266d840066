// What an agent is made of, with every default filled in as the upstream does when it saves one
// (SDK 1.12.0 resources/beta/agents).

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import { type JsonObject, jsonObject } from '../json.ts'

const effortLevel = z.enum(['low', 'medium', 'high', 'xhigh', 'max'])

const modelParams = z.union([
  z.string().min(1),
  z.object({
    id: z.string().min(1),
    effort: z.union([effortLevel, z.object({ type: effortLevel })]).nullish(),
    inference_geo: z.string().nullish(),
    speed: z.enum(['standard', 'fast']).nullish(),
  }),
])

const policy = z.object({ type: z.enum(['always_allow', 'always_ask', 'auto']) })
const toolSettings = z.looseObject({ enabled: z.boolean().nullish(), permission_policy: policy.nullish() })
const namedSettings = toolSettings.extend({ name: z.string() })

const toolParams = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('agent_toolset_20260401'),
    configs: z.array(namedSettings).optional(),
    default_config: toolSettings.nullish(),
  }),
  z.looseObject({
    type: z.literal('mcp_toolset'),
    mcp_server_name: z.string(),
    configs: z.array(namedSettings).optional(),
    default_config: toolSettings.nullish(),
  }),
  z.looseObject({
    type: z.literal('custom'),
    name: z.string().min(1).max(128),
    description: z.string(),
    input_schema: z.looseObject({ type: z.literal('object') }),
  }),
])

/** The parts of an agent that a session may override, as clients send them. */
export const overridableParams = z.object({
  model: modelParams.optional(),
  system: z.string().max(100_000).nullish(),
  tools: z.array(toolParams).max(256).nullish(),
  mcp_servers: z
    .array(z.object({ type: z.literal('url'), name: z.string(), url: z.string().max(2048) }))
    .max(20)
    .nullish(),
  skills: z
    .array(
      z.object({
        type: z.enum(['anthropic', 'custom']),
        skill_id: z.string(),
        version: z.string().nullish(),
      }),
    )
    .nullish(),
})

/** The fields of an agent create or update, as clients send them. */
export const agentParams = overridableParams.extend({
  name: z.string().min(1).max(255).optional(),
  description: z.string().nullish(),
  execution_identity: jsonObject.nullish(),
  multiagent: jsonObject.nullish(),
})

export type AgentParams = z.infer<typeof agentParams>

export type ModelConfig = {
  readonly id: string
  readonly effort: { readonly type: string }
  readonly inference_geo?: string
  readonly speed: 'standard' | 'fast'
}
type McpServer = { readonly type: 'url'; readonly name: string; readonly url: string }

/** An agent's configuration with nothing left to default. */
export type AgentConfig = {
  readonly name: string
  readonly description: string | null
  readonly model: ModelConfig
  readonly system: string | null
  readonly tools: readonly JsonObject[]
  readonly mcp_servers: readonly McpServer[]
  readonly skills: readonly JsonObject[]
  readonly execution_identity: JsonObject
  readonly multiagent: JsonObject | null
}

/** A configuration under an agent's id and version: what a session or thread really runs. */
export type AgentSnapshot = AgentConfig & {
  readonly type: 'agent'
  readonly id: string
  readonly version: number
}

/** The model object of a string or partial object. `previous` lends its effort when the model id is the same. */
export function resolveModel(params: z.infer<typeof modelParams>, previous?: ModelConfig): ModelConfig {
  const given = typeof params === 'string' ? { id: params } : params
  const kept = previous?.id === given.id ? previous.effort.type : 'high'
  const effort = given.effort ?? kept
  return {
    id: given.id,
    effort: typeof effort === 'string' ? { type: effort } : effort,
    ...(given.inference_geo ? { inference_geo: given.inference_geo } : {}),
    speed: given.speed ?? 'standard',
  }
}

function resolveToolset(tool: Exclude<z.infer<typeof toolParams>, { type: 'custom' }>): JsonObject {
  const isAgentToolset = tool.type === 'agent_toolset_20260401'
  const defaults = {
    enabled: tool.default_config?.enabled ?? true,
    permission_policy: tool.default_config?.permission_policy ?? {
      type: isAgentToolset ? 'always_allow' : 'always_ask',
    },
  }
  const configs = (tool.configs ?? []).map((config) => ({
    ...(isAgentToolset ? { type: config.name } : {}),
    ...(config.name === 'web_fetch' ? { url_sources: null } : {}),
    ...config,
    enabled: config.enabled ?? defaults.enabled,
    permission_policy: config.permission_policy ?? defaults.permission_policy,
  }))
  return isAgentToolset
    ? { type: tool.type, default_config: defaults, configs }
    : { type: tool.type, mcp_server_name: tool.mcp_server_name, default_config: defaults, configs }
}

const resolveSkill = (skill: NonNullable<AgentParams['skills']>[number]): JsonObject => ({
  ...skill,
  version:
    skill.version && skill.version !== 'latest'
      ? skill.version
      : skill.type === 'anthropic'
        ? '20251013'
        : newId('skver'),
})

const emptyConfig = {
  description: null,
  system: null,
  tools: [],
  mcp_servers: [],
  skills: [],
  execution_identity: { type: 'service_account' },
  multiagent: null,
}

/** Every MCP server must be named by an `mcp_toolset` and the reverse. Throws a 400 otherwise. */
function checkMcpReferences(config: AgentConfig): AgentConfig {
  const servers = new Set(config.mcp_servers.map(({ name }) => name))
  const used = new Set(
    config.tools.flatMap((tool) => (tool['type'] === 'mcp_toolset' ? [tool['mcp_server_name']] : [])),
  )
  for (const name of servers) {
    if (!used.has(name)) throw invalidRequest(`mcp_servers: \`${name}\` is not used by any \`mcp_toolset\``)
  }
  for (const name of used) {
    if (typeof name === 'string' && servers.has(name)) continue
    throw invalidRequest(`tools: \`mcp_toolset\` names \`${String(name)}\`, which is not in \`mcp_servers\``)
  }
  return config
}

/**
 * The configuration after `params` are laid over `previous` (or over the defaults, for a new agent):
 * absent fields stay, lists are replaced whole, null clears. Throws a 400 when a new agent lacks model or name.
 */
export function resolveConfig(params: AgentParams, previous?: AgentConfig): AgentConfig {
  const name = params.name ?? previous?.name
  const model = params.model === undefined ? previous?.model : resolveModel(params.model, previous?.model)
  if (name === undefined) throw invalidRequest('name: required')
  if (model === undefined) throw invalidRequest('model: required', 'agent_model_required')
  const start: AgentConfig = previous ?? { ...emptyConfig, name, model }
  return checkMcpReferences({
    name,
    model,
    description: params.description === undefined ? start.description : params.description,
    system: params.system === undefined ? start.system : params.system,
    tools:
      params.tools === undefined
        ? start.tools
        : (params.tools ?? []).map((tool) => (tool.type === 'custom' ? tool : resolveToolset(tool))),
    mcp_servers: params.mcp_servers === undefined ? start.mcp_servers : (params.mcp_servers ?? []),
    skills: params.skills === undefined ? start.skills : (params.skills ?? []).map(resolveSkill),
    execution_identity:
      params.execution_identity === undefined
        ? start.execution_identity
        : (params.execution_identity ?? emptyConfig.execution_identity),
    multiagent: start.multiagent,
  })
}
