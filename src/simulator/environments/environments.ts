// The routes of /v1/environments: where sessions run. Not versioned, as upstream.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { newId } from '../ids.ts'
import { metadata, metadataPatch, parseBody, patchMetadata } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import { type Environment, findEnvironment, type World } from '../world.ts'
import { configParams, resolveEnvironmentConfig } from './environment-config.ts'

const sharedParams = z.object({
  config: configParams.nullish(),
  description: z.string().nullish(),
  scope: z.enum(['organization', 'account']).nullish(),
})
const createParams = sharedParams.extend({ name: z.string().min(1), metadata: z.unknown().optional() })
const updateParams = sharedParams.extend({
  name: z.string().min(1).nullish(),
  metadata: z.unknown().optional(),
})

/** Metadata has an error code of its own on environments and their work. */
export function parseMetadata<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw invalidRequest(`metadata: ${parsed.error.issues[0]?.message ?? 'invalid'}`, 'invalid_metadata')
}

function checkScope(scope: string | null | undefined): void {
  if (scope === 'account') throw invalidRequest('scope: an API organization can only use `organization`')
}

function createEnvironment(world: World, request: ApiRequest): Environment {
  const params = parseBody(createParams, request.body)
  checkScope(params.scope)
  return addEnvironment(world, {
    id: newId('env'),
    name: params.name,
    description: params.description ?? null,
    config: resolveEnvironmentConfig(params.config ?? { type: 'cloud' }),
    metadata: parseMetadata(metadata, params.metadata ?? {}),
  })
}

/** Adds an environment to the world and tells of it. */
export function addEnvironment(
  world: World,
  fields: Pick<Environment, 'id' | 'name' | 'description' | 'config' | 'metadata'>,
): Environment {
  const now = timestamp(world.clock.nowMs())
  const environment: Environment = {
    ...fields,
    type: 'environment',
    scope: 'organization',
    created_at: now,
    updated_at: now,
    archived_at: null,
  }
  world.environments.set(environment.id, { order: world.nextOrder(), item: environment })
  world.announce('environment.created', { id: environment.id })
  return environment
}

function change(
  world: World,
  { order, item }: ReturnType<typeof findEnvironment>,
  edit: Partial<Environment>,
) {
  const changed: Environment = { ...item, ...edit, updated_at: timestamp(world.clock.nowMs()) }
  world.environments.set(item.id, { order, item: changed })
  return changed
}

function updateEnvironment(world: World, request: ApiRequest): Environment {
  const found = findEnvironment(world, request.param('id'))
  const current = found.item
  const params = parseBody(updateParams, request.body)
  checkScope(params.scope)
  if (current.archived_at !== null) {
    throw invalidRequest(`environment \`${current.id}\` is archived`, 'environment_archived')
  }
  // On environments an empty string removes a metadata key, as null does.
  const given = Object.entries(parseMetadata(metadataPatch.optional(), params.metadata) ?? {})
  const patch = Object.fromEntries(given.map(([key, value]) => [key, value === '' ? null : value]))
  const changed = change(world, found, {
    name: params.name ?? current.name,
    description: params.description === undefined ? current.description : params.description,
    config: params.config ? resolveEnvironmentConfig(params.config, current.config) : current.config,
    metadata: patchMetadata(current.metadata, patch),
  })
  world.announce('environment.updated', { id: current.id })
  return changed
}

function archiveEnvironment(world: World, request: ApiRequest): Environment {
  const found = findEnvironment(world, request.param('id'))
  if (found.item.archived_at !== null) return found.item
  const changed = change(world, found, { archived_at: timestamp(world.clock.nowMs()) })
  world.announce('environment.archived', { id: changed.id })
  return changed
}

function deleteEnvironment(world: World, request: ApiRequest) {
  const { item } = findEnvironment(world, request.param('id'))
  world.environments.delete(item.id)
  world.announce('environment.deleted', { id: item.id })
  return { id: item.id, type: 'environment_deleted' }
}

function listEnvironments(world: World, request: ApiRequest) {
  const isArchivedToo = request.query.get('include_archived') === 'true'
  const items = [...world.environments.values()].filter(
    ({ item }) => isArchivedToo || item.archived_at === null,
  )
  // A changed environment keeps its place: a page read before the change continues after it.
  return paginateForward(
    items.toSorted((a, b) => a.order - b.order),
    request.query,
    'desc',
  )
}

/** The environment routes over `world`. */
export function environmentRoutes(world: World): readonly Route[] {
  const access = 'managed-agents'
  const one = '/v1/environments/:id'
  return [
    { method: 'POST', pattern: '/v1/environments', access, run: (r) => json(createEnvironment(world, r)) },
    { method: 'GET', pattern: '/v1/environments', access, run: (r) => json(listEnvironments(world, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(findEnvironment(world, r.param('id')).item) },
    { method: 'POST', pattern: one, access, run: (r) => json(updateEnvironment(world, r)) },
    { method: 'DELETE', pattern: one, access, run: (r) => json(deleteEnvironment(world, r)) },
    { method: 'POST', pattern: `${one}/archive`, access, run: (r) => json(archiveEnvironment(world, r)) },
  ]
}
