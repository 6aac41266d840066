// Making a session: which agent version it runs, with which overrides, resources and first messages.

import { z } from 'zod'
import { type AgentSnapshot, overridableParams, resolveConfig } from '../agents/agent-config.ts'
import { expandMultiagent } from '../agents/multiagent.ts'
import { invalidRequest } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import { type JsonObject, jsonObject, metadata, parseBody } from '../json.ts'
import { createPlayer } from '../play/player.ts'
import type { Scenario } from '../play/scenario.ts'
import {
  findAgentRecord,
  findAgentVersion,
  findEnvironment,
  type SessionRecord,
  type World,
} from '../world.ts'
import { createLiveSession, timestamp } from './live-session.ts'
import { acceptEvents, parseInitialEvents } from './session-inbox.ts'

const version = z.int().min(1).optional()

const agentReference = z.union([
  z.string().min(1),
  z.object({ type: z.literal('agent'), id: z.string(), version }),
  overridableParams.extend({ type: z.literal('agent_with_overrides'), id: z.string(), version }),
])

const createParams = z.object({
  agent: agentReference,
  environment_id: z.string(),
  budget: jsonObject.nullish(),
  initial_events: z.array(jsonObject).max(50).default([]),
  metadata: metadata.default({}),
  resources: z.array(jsonObject).max(500).default([]),
  title: z.string().nullish(),
  vault_ids: z.array(z.string()).max(50).default([]),
})

/** The metadata key that chooses a session's scenario. */
export const scenarioKey = 'simulator_scenario'

function resolveAgent(world: World, reference: z.infer<typeof agentReference>): AgentSnapshot {
  const given = typeof reference === 'string' ? { type: 'agent' as const, id: reference } : reference
  const wanted = 'version' in given ? given.version : undefined
  const record = findAgentRecord(world, given.id)
  if (record.archivedAt !== null) throw invalidRequest(`agent \`${given.id}\` is archived`)
  const saved = findAgentVersion(world, given.id, wanted)
  const { metadata: _, created_at: __, updated_at: ___, ...snapshot } = saved
  if (given.type === 'agent') return snapshot
  const { model, ...others } = given
  // An overriding model never inherits the saved model's effort or geography.
  const merged = resolveConfig(
    { ...others, ...(model === undefined ? {} : { model: withoutEffort(model) }) },
    snapshot,
  )
  return { ...snapshot, ...merged }
}

function withoutEffort(model: NonNullable<z.infer<typeof overridableParams>['model']>) {
  return { ...(typeof model === 'string' ? { id: model } : model), effort: 'high' as const }
}

/** A resource as it is mounted. A repository's token is write-only and never shown again. */
function mountResource(resource: JsonObject, now: string): JsonObject {
  const { authorization_token: _, ...shown } = resource
  if (shown['type'] === 'memory_store') return { access: 'read_write', ...shown }
  const path =
    shown['type'] === 'file'
      ? `/mnt/session/uploads/${String(shown['file_id'])}`
      : `/workspace/${String(shown['url']).split('/').at(-1) ?? 'repository'}`
  return { mount_path: path, ...shown, id: newId('sesrsc'), created_at: now, updated_at: now }
}

function chooseScenario(world: World, pairs: Readonly<Record<string, string>>): Scenario {
  const name = pairs[scenarioKey]
  if (name === undefined) return world.defaultScenario
  const found = world.scenarios.get(name)
  if (found !== undefined) return found
  const known = [...world.scenarios.keys()].join('`, `')
  throw invalidRequest(`metadata.${scenarioKey}: no scenario \`${name}\`; there are \`${known}\``)
}

/** Creates a session from a request body, and sets it going when it brings messages. Throws 400 and 404. */
export function createSession(world: World, body: unknown): SessionRecord {
  const params = parseBody(createParams, body)
  const agent = resolveAgent(world, params.agent)
  const { item: environment } = findEnvironment(world, params.environment_id)
  if (environment.archived_at !== null) {
    throw invalidRequest(`environment \`${environment.id}\` is archived`, 'environment_archived')
  }
  const initialEvents = parseInitialEvents(params.initial_events)
  const scenario = chooseScenario(world, params.metadata)
  const find = (id: string, wanted?: number) => findAgentVersion(world, id, wanted)
  const now = timestamp(world.clock.nowMs())
  const live = createLiveSession(
    {
      agent: { ...agent, multiagent: expandMultiagent(agent.multiagent, agent, find) },
      environmentId: environment.id,
      title: params.title ?? null,
      metadata: params.metadata,
      budget: params.budget ?? null,
      resources: params.resources.map((resource) => mountResource(resource, now)),
      vaultIds: params.vault_ids,
    },
    world.clock,
  )
  const player = createPlayer({ session: live, scenario, clock: world.clock })
  const record: SessionRecord = { order: world.nextOrder(), live, player, isDeleted: false }
  world.sessions.set(live.id, record)
  acceptEvents(record, initialEvents, world.clock.nowMs())
  return record
}
