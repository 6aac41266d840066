// What clients may ask of a deployment: read, checked, and resolved to what will run.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { type JsonObject, metadata, metadataPatch, parseBody, patchMetadata } from '../json.ts'
import { parseFirstEvents } from '../sessions/inbox-events.ts'
import { budgetParams, checkBudgetable } from '../sessions/session-budget.ts'
import { checkFile } from '../sessions/session-files.ts'
import { resourcesParams } from '../sessions/session-resources.ts'
import { checkStore, checkVaults } from '../sessions/session-stores.ts'
import { findAgentRecord, findAgentVersion, findEnvironment, type World } from '../world.ts'
import { readCron } from './cron.ts'
import type { AgentPin, DeploymentConfig, DeploymentSchedule } from './deployment-record.ts'

const agentReference = z.union([
  z.string().min(1),
  z.object({ type: z.literal('agent'), id: z.string().min(1), version: z.int().min(1).optional() }),
])
const initialEvent = z.looseObject({
  type: z.enum(['user.message', 'user.define_outcome', 'system.message']),
})
const cronSchedule = z.object({ type: z.literal('cron'), expression: z.string(), timezone: z.string() })

const fields = {
  agent: agentReference,
  budget: budgetParams.nullish(),
  description: z.string().nullish(),
  environment_id: z.string().min(1),
  initial_events: z.array(initialEvent).min(1).max(50),
  name: z.string().min(1),
  resources: resourcesParams,
  schedule: cronSchedule.nullish(),
  vault_ids: z.array(z.string()).max(50),
} as const

const createParams = z.object({
  ...fields,
  metadata: metadata.default({}),
  resources: fields.resources.default([]),
  vault_ids: fields.vault_ids.default([]),
})
const updateParams = z
  .object({ ...fields, resources: fields.resources.nullable(), vault_ids: fields.vault_ids.nullable() })
  .partial()
  .extend({ metadata: metadataPatch.optional() })

type AgentReference = z.infer<typeof agentReference>

/** The version a reference stands for at this moment: the latest unless it names one. */
function pinAgent(world: World, reference: AgentReference): AgentPin {
  const given: { id: string; version?: number | undefined } =
    typeof reference === 'string' ? { id: reference } : reference
  const { archivedAt } = findAgentRecord(world, given.id)
  if (archivedAt !== null) throw invalidRequest(`agent \`${given.id}\` is archived`)
  const { id, version } = findAgentVersion(world, given.id, given.version)
  return { type: 'agent', id, version }
}

function checkEnvironment(world: World, id: string): string {
  const { item } = findEnvironment(world, id)
  if (item.archived_at === null) return id
  throw invalidRequest(`environment \`${id}\` is archived`, 'environment_archived')
}

/** The events as they are kept. They are read as a session will read them, so that no fire fails over their shape. */
function checkEvents(events: readonly z.infer<typeof initialEvent>[]): readonly JsonObject[] {
  if (events.every(({ type }) => type === 'system.message')) {
    throw invalidRequest('initial_events: needs a `user.message` or a `user.define_outcome`')
  }
  parseFirstEvents(events)
  return events
}

type Borrowed = Pick<DeploymentConfig, 'resources' | 'vaultIds'>

/** The vaults, files and stores must be there at this moment. What becomes of them later, a run will tell. */
function checkBorrowed(world: World, { resources, vaultIds }: Borrowed): void {
  checkVaults(world, vaultIds)
  for (const resource of resources) {
    if (resource.type === 'memory_store') checkStore(world, resource)
    if (resource.type === 'file') checkFile(world, resource.file_id)
  }
}

function readSchedule(params: z.infer<typeof cronSchedule> | null | undefined): DeploymentSchedule | null {
  if (!params) return null
  const { expression, timezone } = params
  try {
    return { expression, timezone, cron: readCron(expression, timezone) }
  } catch (error) {
    throw invalidRequest(`schedule: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A deployment may be capped only when every model it could run has a price. */
function checkBudget(world: World, { agent, budget }: DeploymentConfig): void {
  if (budget !== null) checkBudgetable(findAgentVersion(world, agent.id, agent.version))
}

/** The configuration of a new deployment. Throws 400 and 404. */
export function readCreate(world: World, body: unknown): DeploymentConfig {
  const params = parseBody(createParams, body)
  const config: DeploymentConfig = {
    agent: pinAgent(world, params.agent),
    budget: params.budget ?? null,
    description: params.description || null,
    environmentId: checkEnvironment(world, params.environment_id),
    initialEvents: checkEvents(params.initial_events),
    metadata: params.metadata,
    name: params.name,
    resources: params.resources,
    schedule: readSchedule(params.schedule),
    vaultIds: params.vault_ids,
  }
  checkBorrowed(world, config)
  checkBudget(world, config)
  return config
}

/** The configuration after an update: what the body leaves out stays. Throws 400 and 404. */
export function readUpdate(world: World, body: unknown, current: DeploymentConfig): DeploymentConfig {
  const params = parseBody(updateParams, body)
  const { agent, budget, description, environment_id, initial_events, resources, schedule } = params
  const config: DeploymentConfig = {
    agent: agent === undefined ? current.agent : pinAgent(world, agent),
    budget: budget === undefined ? current.budget : budget,
    description: description === undefined ? current.description : description || null,
    environmentId:
      environment_id === undefined ? current.environmentId : checkEnvironment(world, environment_id),
    initialEvents: initial_events === undefined ? current.initialEvents : checkEvents(initial_events),
    metadata: patchMetadata(current.metadata, params.metadata),
    name: params.name ?? current.name,
    resources: resources === undefined ? current.resources : (resources ?? []),
    schedule: schedule === undefined ? current.schedule : readSchedule(schedule),
    vaultIds: params.vault_ids === undefined ? current.vaultIds : (params.vault_ids ?? []),
  }
  // What was saved before may be gone by now, and is no reason to refuse a new name.
  checkBorrowed(world, { resources: resources ?? [], vaultIds: params.vault_ids ?? [] })
  checkBudget(world, config)
  return config
}
