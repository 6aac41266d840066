// The routes of a session's resources: files come and go, a repository's token is rotated, memory stores stay
// (SDK 1.12.0 resources/beta/sessions/resources).

import { z } from 'zod'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { type JsonObject, parseBody } from '../json.ts'
import { findSession, type World } from '../world.ts'
import { type LiveSession, timestamp } from './live-session.ts'
import { dropFile } from './session-files.ts'
import { fileParams, mountResources } from './session-resources.ts'

const updateParams = z.object({ authorization_token: z.string().min(1) })

/** A store carries no id of its own: it goes by the store's. */
const idOf = (resource: JsonObject): unknown => resource['id'] ?? resource['memory_store_id']

function findResource({ resources }: LiveSession, id: string): JsonObject {
  const found = resources.find((each) => idOf(each) === id)
  if (found === undefined) throw notFound(`resource \`${id}\` not found`)
  return found
}

/** A session whose resources can still change. */
function findOpen(world: World, request: ApiRequest): LiveSession {
  const { live } = findSession(world, request.param('id'))
  if (live.status === 'terminated') throw invalidRequest(`session \`${live.id}\` is terminated`)
  return live
}

function listResources(world: World, request: ApiRequest) {
  const { live } = findSession(world, request.param('id'))
  const items = live.resources.map((item, order) => ({ order, item }))
  return paginateForward(items, request.query, 'asc')
}

function addResource(world: World, request: ApiRequest) {
  const live = findOpen(world, request)
  const [added] = mountResources(world, live, [parseBody(fileParams, request.body)])
  live.updatedAtMs = world.clock.nowMs()
  return added
}

/** The new token is taken and forgotten: only the time of the change can be seen. */
function rotateToken(world: World, request: ApiRequest): JsonObject {
  const live = findOpen(world, request)
  const current = findResource(live, request.param('resource'))
  parseBody(updateParams, request.body)
  if (current['type'] !== 'github_repository') {
    throw invalidRequest('authorization_token: only a `github_repository` has one')
  }
  const rotated = { ...current, updated_at: timestamp(world.clock.nowMs()) }
  live.resources = live.resources.map((each) => (each === current ? rotated : each))
  return rotated
}

async function deleteResource(world: World, request: ApiRequest) {
  const live = findOpen(world, request)
  const id = request.param('resource')
  const current = findResource(live, id)
  if (current['type'] !== 'file') {
    throw invalidRequest(
      `a \`${String(current['type'])}\` stays for as long as its session: make another session`,
    )
  }
  live.resources = live.resources.filter((each) => each !== current)
  live.updatedAtMs = world.clock.nowMs()
  await dropFile(world, live.id, current['file_id'])
  return { id, type: 'session_resource_deleted' }
}

/** The resource routes over `world`. */
export function resourceRoutes(world: World): readonly Route[] {
  const access = 'managed-agents'
  const all = '/v1/sessions/:id/resources'
  const one = `${all}/:resource`
  const retrieve = (request: ApiRequest): JsonObject =>
    findResource(findSession(world, request.param('id')).live, request.param('resource'))
  return [
    { method: 'GET', pattern: all, access, run: (r) => json(listResources(world, r)) },
    { method: 'POST', pattern: all, access, run: (r) => json(addResource(world, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(retrieve(r)) },
    { method: 'POST', pattern: one, access, run: (r) => json(rotateToken(world, r)) },
    { method: 'DELETE', pattern: one, access, run: async (r) => json(await deleteResource(world, r)) },
  ]
}
