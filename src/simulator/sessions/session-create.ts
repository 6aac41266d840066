// Making a session: which agent version it runs, with which overrides, resources and first messages.

import { z } from 'zod'
import { checkMcpReach } from '../environments/mcp-reach.ts'
import { invalidRequest } from '../http/api-error.ts'
import { jsonObject, metadata, parseBody } from '../json.ts'
import { createPlayer } from '../play/player.ts'
import type { Scenario } from '../play/scenario.ts'
import { findEnvironment, type SessionRecord, type World } from '../world.ts'
import { checkEvents } from './inbox-check.ts'
import { parseFirstEvents, parseInitialEvents } from './inbox-events.ts'
import { createLiveSession } from './live-session.ts'
import { agentReference, resolveAgent } from './session-agent.ts'
import { announceSession, createEventAnnouncer } from './session-announcements.ts'
import { budgetParams, checkBudgetable } from './session-budget.ts'
import { acceptEvents } from './session-inbox.ts'
import { mountResources, resourcesParams } from './session-resources.ts'
import { checkVaults } from './session-stores.ts'

const createParams = z.object({
  agent: agentReference,
  environment_id: z.string().min(1),
  budget: budgetParams.optional(),
  initial_events: z.array(jsonObject).max(50).default([]),
  metadata: metadata.default({}),
  resources: resourcesParams.default([]),
  title: z.string().nullish(),
  vault_ids: z.array(z.string()).max(50).default([]),
})

/** The metadata key that chooses a session's scenario. */
export const scenarioKey = 'simulator_scenario'

/** Who starts a session that no client asked for by itself. */
export type SessionOrigin = { readonly deploymentId: string }

function chooseScenario(world: World, pairs: Readonly<Record<string, string>>): Scenario {
  const name = pairs[scenarioKey]
  if (name === undefined) return world.defaultScenario
  const found = world.scenarios.get(name)
  if (found !== undefined) return found
  const known = [...world.scenarios.keys()].join('`, `')
  throw invalidRequest(`metadata.${scenarioKey}: no scenario \`${name}\`; there are \`${known}\``)
}

/**
 * Creates a session from a request body, and sets it going when it brings messages. A deployment's may begin with a
 * system message too. Throws 400 and 404, and nothing has happened then.
 */
export function createSession(world: World, body: unknown, origin?: SessionOrigin): SessionRecord {
  const params = parseBody(createParams, body)
  const agent = resolveAgent(world, params.agent)
  const { item: environment } = findEnvironment(world, params.environment_id)
  if (environment.archived_at !== null) {
    throw invalidRequest(`environment \`${environment.id}\` is archived`, 'environment_archived')
  }
  checkMcpReach(environment.config, agent)
  checkVaults(world, params.vault_ids)
  if (params.budget !== undefined) checkBudgetable(agent)
  const parseEvents = origin === undefined ? parseInitialEvents : parseFirstEvents
  const events = parseEvents(params.initial_events)
  const scenario = chooseScenario(world, params.metadata)
  const live = createLiveSession(
    {
      agent,
      environmentId: environment.id,
      title: params.title ?? null,
      metadata: params.metadata,
      budget: params.budget ?? null,
      deploymentId: origin?.deploymentId ?? null,
      isSelfHosted: environment.config.type === 'self_hosted',
      vaultIds: params.vault_ids,
    },
    world.clock,
    createEventAnnouncer(world),
  )
  const player = createPlayer({ session: live, scenario, clock: world.clock })
  const record: SessionRecord = { order: world.nextOrder(), live, player, isDeleted: false }
  checkEvents(record, events)
  mountResources(world, live, params.resources)
  world.sessions.set(live.id, record)
  announceSession(world, live, 'session.created')
  acceptEvents(world, record, events)
  return record
}
