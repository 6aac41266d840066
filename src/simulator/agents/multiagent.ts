// References from an agent to other agents: resolved to versions when the agent is saved, and to whole
// definitions when a session starts (SDK 1.12.0 `BetaManagedAgentsMultiagent*`).

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { type JsonObject, jsonObject, parseBody } from '../json.ts'
import type { AgentSnapshot } from './agent-config.ts'

/** Finds an agent by id and version (latest when absent). Throws a 404 when there is none. */
export type FindAgent = (id: string, version?: number) => AgentSnapshot

type Owner = { readonly id: string; readonly version: number }

const reference = z.union([
  z.string(),
  z.object({ type: z.literal('agent'), id: z.string(), version: z.int().min(1).optional() }),
  z.object({ type: z.literal('self') }),
])
const toggle = z.object({ type: z.enum(['enabled', 'disabled']) })
const members = z.object({
  type: z.enum(['enabled', 'disabled']),
  inline_agents: toggle.nullish(),
  predefined_agents: z.array(reference).max(20).nullish(),
})
const enabledPart = z.object({
  type: z.literal('enabled'),
  inline_agents: toggle,
  predefined_agents: z.array(jsonObject),
})
const advisor = z.union([
  z.object({ type: z.literal('disabled') }),
  z.object({ type: z.literal('enabled'), model: z.string() }),
])

const multiagentParams = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('coordinator'),
    agents: z
      .array(z.union([z.object({ type: z.literal('advisor'), model: z.string() }), reference]))
      .max(20),
  }),
  z.object({
    type: z.literal('multiagent_20261001'),
    advisor: advisor.nullish(),
    subagents: members.nullish(),
    workflows: members.nullish(),
  }),
])

function resolveReference(entry: z.infer<typeof reference>, owner: Owner, find: FindAgent) {
  if (typeof entry !== 'string' && entry.type === 'self') return { type: 'agent', ...owner }
  const found = typeof entry === 'string' ? find(entry) : find(entry.id, entry.version)
  return { type: 'agent', id: found.id, version: found.version }
}

/** One part as it is saved. What an update leaves out of an enabled part stays as it was; null is its default. */
function resolveMembers(
  name: string,
  params: z.infer<typeof members> | null | undefined,
  stored: unknown,
  owner: Owner,
  find: FindAgent,
) {
  if (params?.type === 'disabled') return { type: 'disabled' }
  const kept = params ? enabledPart.safeParse(stored).data : undefined
  const inline = params?.inline_agents === undefined ? kept?.inline_agents : params.inline_agents
  const predefined =
    params?.predefined_agents === undefined && kept !== undefined
      ? kept.predefined_agents
      : (params?.predefined_agents ?? []).map((entry) => resolveReference(entry, owner, find))
  if (inline?.type === 'disabled' && predefined.length === 0) {
    throw invalidRequest(
      `multiagent.${name}.predefined_agents: needs an agent while \`inline_agents\` is disabled`,
    )
  }
  return {
    type: 'enabled',
    inline_agents: { type: inline?.type ?? 'enabled' },
    predefined_agents: predefined,
  }
}

/**
 * The `multiagent` of a saved agent: every reference carries a version, every absent member its default
 * (subagents and workflows on, advisor off). `stored` is what the agent had; the same type merges, level by level.
 * Throws a 400 for a part that could start nobody.
 */
export function resolveMultiagent(
  params: JsonObject | null | undefined,
  stored: JsonObject | null,
  owner: Owner,
  find: FindAgent,
): JsonObject | null {
  if (params === undefined) return stored
  if (params === null) return null
  const parsed = parseBody(multiagentParams, params)
  if (parsed.type === 'coordinator') {
    return {
      type: 'coordinator',
      agents: parsed.agents.map((entry) =>
        typeof entry !== 'string' && entry.type === 'advisor' ? entry : resolveReference(entry, owner, find),
      ),
    }
  }
  const kept = stored?.['type'] === parsed.type ? stored : {}
  const keep = (member: unknown, key: string): unknown => (member === undefined ? kept[key] : undefined)
  return {
    type: parsed.type,
    advisor: keep(parsed.advisor, 'advisor') ?? parsed.advisor ?? { type: 'disabled' },
    subagents:
      keep(parsed.subagents, 'subagents') ??
      resolveMembers('subagents', parsed.subagents, kept['subagents'], owner, find),
    workflows:
      keep(parsed.workflows, 'workflows') ??
      resolveMembers('workflows', parsed.workflows, kept['workflows'], owner, find),
  }
}

const savedReference = z.object({ type: z.literal('agent'), id: z.string(), version: z.number() })

/** The `multiagent` of a session: the same shape with each reference replaced by the whole definition. */
export function expandMultiagent(
  saved: JsonObject | null,
  owner: AgentSnapshot,
  find: FindAgent,
): JsonObject | null {
  if (saved === null) return null
  const expand = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(expand)
    const ref = savedReference.safeParse(value)
    if (ref.success) {
      const isSelf = ref.data.id === owner.id && ref.data.version === owner.version
      const { multiagent: _, ...definition } = isSelf ? owner : find(ref.data.id, ref.data.version)
      return definition
    }
    const object = z.record(z.string(), z.unknown()).safeParse(value)
    if (!object.success) return value
    return Object.fromEntries(Object.entries(object.data).map(([key, member]) => [key, expand(member)]))
  }
  return z.record(z.string(), z.unknown()).parse(expand(saved))
}
