// The routes of /v1/agents: immutable versions, optimistic updates, archive.

import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { conflict, invalidRequest } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import { newId } from '../ids.ts'
import { metadata, metadataPatch, parseBody, patchMetadata } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import {
  type AgentRecord,
  type AgentVersion,
  findAgentRecord,
  findAgentVersion,
  type World,
} from '../world.ts'
import { agentParams, resolveConfig } from './agent-config.ts'
import { resolveMultiagent } from './multiagent.ts'

const createParams = agentParams.extend({ metadata: metadata.default({}) })
const updateParams = agentParams.extend({
  metadata: metadataPatch.optional(),
  version: z.int().min(1).optional(),
})

/** An agent version as the API answers it. */
const agentView = (record: AgentRecord, version: AgentVersion) => ({
  ...version,
  archived_at: record.archivedAt,
})

function createAgent(world: World, request: ApiRequest) {
  const params = parseBody(createParams, request.body)
  const id = newId('agent')
  const now = timestamp(world.clock.nowMs())
  const config = resolveConfig(params)
  const find = (agentId: string, version?: number) => findAgentVersion(world, agentId, version)
  const first: AgentVersion = {
    ...config,
    multiagent: resolveMultiagent(params.multiagent, null, { id, version: 1 }, find),
    type: 'agent',
    id,
    version: 1,
    metadata: params.metadata,
    created_at: now,
    updated_at: now,
  }
  const record: AgentRecord = {
    order: world.nextOrder(),
    first,
    latest: first,
    versions: [first],
    archivedAt: null,
  }
  world.agents.set(id, record)
  world.announce('agent.created', { id })
  return agentView(record, first)
}

function updateAgent(world: World, request: ApiRequest) {
  const record = findAgentRecord(world, request.param('id'))
  const params = parseBody(updateParams, request.body)
  const { latest } = record
  if (record.archivedAt !== null) throw invalidRequest(`agent \`${latest.id}\` is archived`)
  if (params.version !== undefined && params.version !== latest.version) {
    throw conflict(`agent \`${latest.id}\` is at version ${latest.version}, not ${params.version}`)
  }
  const version = latest.version + 1
  const find = (agentId: string, wanted?: number) => findAgentVersion(world, agentId, wanted)
  const next: AgentVersion = {
    ...latest,
    ...resolveConfig(params, latest),
    multiagent: resolveMultiagent(params.multiagent, latest.multiagent, { id: latest.id, version }, find),
    metadata: patchMetadata(latest.metadata, params.metadata),
  }
  // An update that changes nothing makes no version.
  if (!isDeepStrictEqual(next, latest)) {
    record.latest = { ...next, version, updated_at: timestamp(world.clock.nowMs()) }
    record.versions.push(record.latest)
    world.announce('agent.updated', { id: latest.id })
  }
  return agentView(record, record.latest)
}

function retrieveAgent(world: World, request: ApiRequest) {
  const record = findAgentRecord(world, request.param('id'))
  const text = request.query.get('version')
  const version = text === null ? undefined : Number(text)
  if (version !== undefined && !(Number.isInteger(version) && version >= 1)) {
    throw invalidRequest('version: must be a whole number from 1')
  }
  return agentView(record, findAgentVersion(world, record.first.id, version))
}

function archiveAgent(world: World, request: ApiRequest) {
  const record = findAgentRecord(world, request.param('id'))
  if (record.archivedAt === null) {
    record.archivedAt = timestamp(world.clock.nowMs())
    world.announce('agent.archived', { id: record.first.id })
  }
  return agentView(record, record.latest)
}

function listAgents(world: World, request: ApiRequest) {
  const isArchivedToo = request.query.get('include_archived') === 'true'
  const items = [...world.agents.values()]
    .filter(({ archivedAt }) => isArchivedToo || archivedAt === null)
    .filter(({ first }) => isWithin(request.query, 'created_at', first.created_at))
    .map((record) => ({ order: record.order, item: agentView(record, record.latest) }))
  return paginateForward(items, request.query, 'desc')
}

function listVersions(world: World, request: ApiRequest) {
  const record = findAgentRecord(world, request.param('id'))
  const items = record.versions.map((version) => ({
    order: version.version,
    item: agentView(record, version),
  }))
  return paginateForward(items, request.query, 'desc')
}

/** The agent routes over `world`. */
export function agentRoutes(world: World): readonly Route[] {
  const access = 'managed-agents'
  return [
    { method: 'POST', pattern: '/v1/agents', access, run: (request) => json(createAgent(world, request)) },
    { method: 'GET', pattern: '/v1/agents', access, run: (request) => json(listAgents(world, request)) },
    {
      method: 'GET',
      pattern: '/v1/agents/:id',
      access,
      run: (request) => json(retrieveAgent(world, request)),
    },
    {
      method: 'POST',
      pattern: '/v1/agents/:id',
      access,
      run: (request) => json(updateAgent(world, request)),
    },
    {
      method: 'POST',
      pattern: '/v1/agents/:id/archive',
      access,
      run: (request) => json(archiveAgent(world, request)),
    },
    {
      method: 'GET',
      pattern: '/v1/agents/:id/versions',
      access,
      run: (request) => json(listVersions(world, request)),
    },
  ]
}
