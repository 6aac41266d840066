// The routes of /v1/environments: where sessions run. Not versioned, as upstream.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { newId } from '../ids.ts'
import { type JsonObject, metadata, metadataPatch, parseBody, patchMetadata } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import { type Environment, findEnvironment, type World } from '../world.ts'

const names = z.array(z.string()).nullish()
const packageManagers = ['apt', 'cargo', 'gem', 'go', 'npm', 'pip'] as const

const configParams = z.discriminatedUnion('type', [
  z.object({ type: z.literal('self_hosted') }),
  z.object({
    type: z.literal('cloud'),
    networking: z
      .discriminatedUnion('type', [
        z.object({ type: z.literal('unrestricted') }),
        z.object({
          type: z.literal('limited'),
          allowed_hosts: names,
          allow_mcp_servers: z.boolean().nullish(),
          allow_package_managers: z.boolean().nullish(),
        }),
      ])
      .nullish(),
    packages: z.partialRecord(z.enum([...packageManagers, 'type']), z.unknown()).nullish(),
  }),
])

const sharedParams = z.object({
  config: configParams.nullish(),
  description: z.string().nullish(),
  scope: z.enum(['organization', 'account']).nullish(),
})
const createParams = sharedParams.extend({ name: z.string().min(1), metadata: metadata.default({}) })
const updateParams = sharedParams.extend({
  name: z.string().min(1).nullish(),
  metadata: metadataPatch.optional(),
})

const unrestricted = { type: 'unrestricted' } as const

/** The whole configuration: unrestricted network and no packages unless said, or unless `previous` said so. */
function resolveConfig(params: z.infer<typeof configParams>, previous: JsonObject): JsonObject {
  if (params.type === 'self_hosted') return { type: 'self_hosted' }
  const network = params.networking ?? unrestricted
  const networking =
    network.type === 'unrestricted'
      ? network
      : {
          type: 'limited',
          allowed_hosts: network.allowed_hosts ?? [],
          allow_mcp_servers: network.allow_mcp_servers ?? false,
          allow_package_managers: network.allow_package_managers ?? false,
        }
  const packages = Object.fromEntries(packageManagers.map((name) => [name, params.packages?.[name] ?? []]))
  return {
    type: 'cloud',
    networking:
      params.networking === undefined && previous['networking'] ? previous['networking'] : networking,
    packages:
      params.packages === undefined && previous['packages']
        ? previous['packages']
        : { type: 'packages', ...packages },
  }
}

function createEnvironment(world: World, request: ApiRequest): Environment {
  const params = parseBody(createParams, request.body)
  const now = timestamp(world.clock.nowMs())
  const environment: Environment = {
    id: newId('env'),
    type: 'environment',
    name: params.name,
    description: params.description ?? null,
    config: resolveConfig(params.config ?? { type: 'cloud' }, {}),
    metadata: params.metadata,
    scope: params.scope ?? 'organization',
    created_at: now,
    updated_at: now,
    archived_at: null,
  }
  world.environments.set(environment.id, { order: world.nextOrder(), item: environment })
  return environment
}

function change(world: World, id: string, edit: (current: Environment) => Partial<Environment>): Environment {
  const { order, item } = findEnvironment(world, id)
  const changed: Environment = { ...item, ...edit(item), updated_at: timestamp(world.clock.nowMs()) }
  world.environments.set(id, { order, item: changed })
  return changed
}

const updateEnvironment = (world: World, request: ApiRequest): Environment =>
  change(world, request.param('id'), (current) => {
    const params = parseBody(updateParams, request.body)
    if (current.archived_at !== null) {
      throw invalidRequest(`environment \`${current.id}\` is archived`, 'environment_archived')
    }
    if (params.config && params.config.type !== current.config['type']) {
      throw invalidRequest('config.type: cannot be changed', 'invalid_config_type_change')
    }
    // On environments an empty string removes a metadata key, as null does.
    const patch = Object.entries(params.metadata ?? {}).map(([key, value]) => [
      key,
      value === '' ? null : value,
    ])
    return {
      name: params.name ?? current.name,
      description: params.description === undefined ? current.description : params.description,
      config: params.config ? resolveConfig(params.config, current.config) : current.config,
      scope: params.scope ?? current.scope,
      metadata: patchMetadata(current.metadata, Object.fromEntries(patch)),
    }
  })

function deleteEnvironment(world: World, request: ApiRequest) {
  const { item } = findEnvironment(world, request.param('id'))
  world.environments.delete(item.id)
  return { id: item.id, type: 'environment_deleted' }
}

function listEnvironments(world: World, request: ApiRequest) {
  const isArchivedToo = request.query.get('include_archived') === 'true'
  const items = [...world.environments.values()].filter(
    ({ item }) => isArchivedToo || item.archived_at === null,
  )
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
    {
      method: 'POST',
      pattern: `${one}/archive`,
      access,
      run: (r) =>
        json(
          change(world, r.param('id'), (current) => ({
            archived_at: current.archived_at ?? timestamp(world.clock.nowMs()),
          })),
        ),
    },
  ]
}
