// The routes of /v1/sessions: create, read, change, list, archive, delete.

import { z } from 'zod'
import { overridableParams, resolveConfig } from '../agents/agent-config.ts'
import { invalidRequest } from '../http/api-error.ts'
import { paginate, paginateForward, readOrder } from '../http/page.ts'
import { type ApiRequest, json, queryList, type Route } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import { newId } from '../ids.ts'
import { jsonObject, metadataPatch, parseBody, patchMetadata } from '../json.ts'
import { findSession, type SessionRecord, type World } from '../world.ts'
import { timestamp } from './live-session.ts'
import { createSession } from './session-create.ts'
import { sessionView } from './session-view.ts'

const updateParams = z.object({
  agent: overridableParams.pick({ tools: true, mcp_servers: true }).optional(),
  budget: jsonObject.nullish(),
  metadata: metadataPatch.optional(),
  title: z.string().nullish(),
  vault_ids: z.array(z.string()).optional(),
})

const view = (world: World, { live }: SessionRecord) => sessionView(live, world.clock.nowMs())

function updateSession(world: World, request: ApiRequest) {
  const record = findSession(world, request.param('id'))
  const { live } = record
  const params = parseBody(updateParams, request.body)
  if (live.status === 'terminated') throw invalidRequest(`session \`${live.id}\` is terminated`)
  if (params.vault_ids !== undefined) throw invalidRequest('vault_ids: cannot be changed')
  if (params.budget && live.budget === null) {
    throw invalidRequest('budget: can only be given at creation', 'budget_create_only')
  }
  if (params.agent !== undefined && live.status !== 'idle') {
    throw invalidRequest('agent: can only be changed while the session is idle')
  }
  const agent =
    params.agent === undefined ? live.agent : { ...live.agent, ...resolveConfig(params.agent, live.agent) }
  const changed: Record<string, unknown> = {}
  if (params.agent !== undefined) {
    // A tool change keeps the version: the saved agent is not touched, only what this session runs.
    live.agent = { ...agent, multiagent: live.agent.multiagent }
    changed['agent'] = live.agent
  }
  if (params.budget !== undefined) {
    live.budget = params.budget
    changed['budget'] = live.budget
  }
  if (params.metadata !== undefined) {
    live.metadata = patchMetadata(live.metadata, params.metadata)
    if (Object.keys(live.metadata).length > 0) changed['metadata'] = live.metadata
  }
  if (params.title !== undefined) {
    live.title = params.title
    changed['title'] = live.title
  }
  live.updatedAtMs = world.clock.nowMs()
  live.emit(live.primary, 'session.updated', changed)
  return view(world, record)
}

function archiveSession(world: World, request: ApiRequest) {
  const record = findSession(world, request.param('id'))
  const { live, player } = record
  if (live.status === 'running') throw invalidRequest('session is running: interrupt it before archiving it')
  if (live.archivedAtMs === null) {
    player.stop()
    live.archivedAtMs = world.clock.nowMs()
    live.emit(live.primary, 'session.thread_status_terminated', {
      session_thread_id: live.primary.id,
      agent_name: live.primary.agent.name,
    })
    live.emit(live.primary, 'session.status_terminated')
  }
  return view(world, record)
}

function deleteSession(world: World, request: ApiRequest) {
  const record = findSession(world, request.param('id'))
  const { live, player } = record
  if (live.status === 'running') throw invalidRequest('session is running: interrupt it before deleting it')
  player.stop()
  record.isDeleted = true
  const event = { id: newId('sevt'), type: 'session.deleted', processed_at: timestamp(world.clock.nowMs()) }
  for (const thread of live.threads.values()) thread.log.endWith(event)
  return { id: live.id, type: 'session_deleted' }
}

function isListed({ live, isDeleted }: SessionRecord, query: URLSearchParams): boolean {
  const statuses = queryList(query, 'statuses')
  const agentId = query.get('agent_id')
  const agentVersion = query.get('agent_version')
  const storeId = query.get('memory_store_id')
  return (
    !isDeleted &&
    (live.archivedAtMs === null || query.get('include_archived') === 'true') &&
    (statuses.length === 0 || statuses.includes(live.status)) &&
    (agentId === null || live.agent.id === agentId) &&
    (agentId === null || agentVersion === null || String(live.agent.version) === agentVersion) &&
    (storeId === null || live.resources.some((resource) => resource['memory_store_id'] === storeId)) &&
    query.get('deployment_id') === null &&
    isWithin(query, 'created_at', timestamp(live.createdAtMs))
  )
}

function listSessions(world: World, request: ApiRequest) {
  const items = [...world.sessions.values()]
    .filter((record) => isListed(record, request.query))
    .map((record) => ({ order: record.order, item: record }))
  const page = paginate(items, request.query, readOrder(request.query, 'desc'))
  return { ...page, data: page.data.map((record) => view(world, record)) }
}

function listResources(world: World, request: ApiRequest) {
  const { live } = findSession(world, request.param('id'))
  const items = live.resources.map((item, order) => ({ order, item }))
  return paginateForward(items, request.query, 'asc')
}

/** The session routes over `world`. */
export function sessionRoutes(world: World): readonly Route[] {
  const access = 'managed-agents'
  const one = '/v1/sessions/:id'
  return [
    {
      method: 'POST',
      pattern: '/v1/sessions',
      access,
      run: (r) => json(view(world, createSession(world, r.body))),
    },
    { method: 'GET', pattern: '/v1/sessions', access, run: (r) => json(listSessions(world, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(view(world, findSession(world, r.param('id')))) },
    { method: 'POST', pattern: one, access, run: (r) => json(updateSession(world, r)) },
    { method: 'DELETE', pattern: one, access, run: (r) => json(deleteSession(world, r)) },
    { method: 'POST', pattern: `${one}/archive`, access, run: (r) => json(archiveSession(world, r)) },
    { method: 'GET', pattern: `${one}/resources`, access, run: (r) => json(listResources(world, r)) },
  ]
}
