// The routes of /v1/memory_stores/:store/memory_versions: who changed what and when, and the removal of old texts.

import { invalidRequest, notFound } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import { actorOf, isBy } from './actor.ts'
import { findMemoryStore, type MemoryVersion, type VersionRecord } from './memory-store-record.ts'
import { inView, limitIn, readView } from './view.ts'

const operations = ['created', 'modified', 'deleted'] as const

function readOperation(query: URLSearchParams): MemoryVersion['operation'] | null {
  const text = query.get('operation')
  const operation = operations.find((each) => each === text)
  if (text === null || operation !== undefined) return operation ?? null
  throw invalidRequest('operation: must be `created`, `modified` or `deleted`')
}

function listVersions(world: World, { param, query }: ApiRequest) {
  const { versions } = findMemoryStore(world, param('store'))
  const view = readView(query, 'basic')
  const operation = readOperation(query)
  const memoryId = query.get('memory_id')
  const items = [...versions.values()]
    .filter(({ version }) => memoryId === null || version.memory_id === memoryId)
    .filter(({ version }) => operation === null || version.operation === operation)
    .filter(({ version }) => isBy(version.created_by, query))
    .filter(({ version }) => isWithin(query, 'created_at', version.created_at))
    .map(({ order, version }) => ({ order, item: inView(version, view) }))
  const capped = new URLSearchParams(query)
  capped.set('limit', String(limitIn(query, view)))
  return paginateForward(items, capped, 'desc')
}

function findVersion(world: World, request: ApiRequest): VersionRecord {
  const found = findMemoryStore(world, request.param('store')).versions.get(request.param('id'))
  if (found === undefined) throw notFound(`memory version \`${request.param('id')}\` not found`)
  return found
}

function redact(world: World, request: ApiRequest) {
  const record = findVersion(world, request)
  const { version } = record
  if (version.redacted_at !== null) return version
  const memory = findMemoryStore(world, request.param('store')).memories.get(version.memory_id)
  if (memory?.memory_version_id === version.id) {
    const message = `memory version \`${version.id}\` is what its memory holds now: change or delete the memory first`
    throw invalidRequest(message)
  }
  record.version = {
    ...version,
    path: null,
    content: null,
    content_sha256: null,
    content_size_bytes: null,
    redacted_at: timestamp(world.clock.nowMs()),
    redacted_by: actorOf(request.identity),
  }
  return record.version
}

/** The routes of memory versions over `world`. */
export function memoryVersionRoutes(world: World): readonly Route[] {
  const access = 'agent-memory'
  const all = '/v1/memory_stores/:store/memory_versions'
  const one = `${all}/:id`
  return [
    { method: 'GET', pattern: all, access, run: (r) => json(listVersions(world, r)) },
    {
      method: 'GET',
      pattern: one,
      access,
      run: (r) => json(inView(findVersion(world, r).version, readView(r.query, 'full'))),
    },
    { method: 'POST', pattern: `${one}/redact`, access, run: (r) => json(redact(world, r)) },
  ]
}
