// Whether a tool may run: what the session's agent says of it at this moment, and what the server judged under `auto`.

import { z } from 'zod'
import type { JsonObject } from '../json.ts'
import type { Permission } from './scenario.ts'

const setting = z.looseObject({
  enabled: z.boolean(),
  permission_policy: z.looseObject({ type: z.enum(['always_allow', 'always_ask', 'auto']) }),
})
const toolset = z.looseObject({
  type: z.string(),
  mcp_server_name: z.string().optional(),
  default_config: setting,
  configs: z.array(setting.extend({ name: z.string() })).default([]),
})

type Use = { readonly name: string; readonly mcpServer: string | undefined }

/** The policy of a tool, or `refused` when the agent has tools but not this one. An agent without any allows all. */
function configuredPolicy(tools: readonly JsonObject[], use: Use) {
  if (tools.length === 0) return 'always_allow'
  const sets = tools.flatMap((tool) => {
    const parsed = toolset.safeParse(tool)
    return parsed.success ? [parsed.data] : []
  })
  const set = sets.find(({ mcp_server_name }) => mcp_server_name === use.mcpServer)
  const config = set?.configs.find(({ name }) => name === use.name) ?? set?.default_config
  return config?.enabled ? config.permission_policy.type : 'refused'
}

const defaultReasons = { ask: 'indeterminate', deny: 'high_risk' } as const

/**
 * The permission fields of a tool use (SDK 1.12.0 `BetaManagedAgentsAgentToolUseEvent`). A refusal before any policy
 * has no `evaluation`.
 */
export function evaluatePermission(
  permission: Permission,
  tools: readonly JsonObject[],
  use: Use,
): JsonObject {
  const { policy, verdict } = permission
  const effective = policy === 'configured' ? configuredPolicy(tools, use) : policy
  if (effective === 'refused') return { evaluated_permission: 'deny' }
  if (effective === 'always_allow') return { evaluated_permission: 'allow', evaluation: { type: effective } }
  if (effective === 'always_ask') return { evaluated_permission: 'ask', evaluation: { type: effective } }
  const grounds = verdict === 'allow' ? {} : { reason_code: permission.reason ?? defaultReasons[verdict] }
  return {
    evaluated_permission: verdict,
    evaluation: { type: effective, evaluated_permission: { type: verdict, ...grounds } },
  }
}
