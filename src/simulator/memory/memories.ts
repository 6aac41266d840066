// The routes of /v1/memory_stores/:store/memories.

import { z } from 'zod'
import { notFound } from '../http/api-error.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { parseBody } from '../json.ts'
import type { World } from '../world.ts'
import { actorOf } from './actor.ts'
import { listMemories } from './memory-list.ts'
import { memoryPath } from './memory-path.ts'
import { findMemoryStore, type Memory, type MemoryStoreRecord } from './memory-store-record.ts'
import { checkHash, createMemory, deleteMemory, updateMemory } from './memory-writes.ts'
import { inView, readView } from './view.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal characters')
const createParams = z.object({ content: z.string().nullable(), path: memoryPath })
const updateParams = z.object({
  content: z.string().nullish(),
  path: memoryPath.nullish(),
  precondition: z.object({ type: z.literal('content_sha256'), content_sha256: sha256 }).optional(),
})
const deleteParams = z.object({ expected_content_sha256: sha256.optional() })

function findMemory(world: World, request: ApiRequest): { store: MemoryStoreRecord; memory: Memory } {
  const store = findMemoryStore(world, request.param('store'))
  const memory = store.memories.get(request.param('id'))
  if (memory === undefined) throw notFound(`memory \`${request.param('id')}\` not found`)
  return { store, memory }
}

function create(world: World, request: ApiRequest) {
  const view = readView(request.query, 'basic')
  const store = findMemoryStore(world, request.param('store'))
  const { path, content } = parseBody(createParams, request.body)
  return inView(createMemory(world, store, { path, content: content ?? '' }, actorOf(request.identity)), view)
}

function retrieve(world: World, request: ApiRequest) {
  const view = readView(request.query, 'full')
  return inView(findMemory(world, request).memory, view)
}

function update(world: World, request: ApiRequest) {
  const view = readView(request.query, 'basic')
  const { store, memory } = findMemory(world, request)
  const { path, content, precondition } = parseBody(updateParams, request.body)
  const draft = { path: path ?? memory.path, content: content ?? memory.content }
  const by = actorOf(request.identity)
  return inView(updateMemory(world, store, memory, draft, by, precondition?.content_sha256), view)
}

function remove(world: World, request: ApiRequest) {
  const { store, memory } = findMemory(world, request)
  const expected = request.query.get('expected_content_sha256')
  const params = parseBody(deleteParams, expected === null ? {} : { expected_content_sha256: expected })
  if (params.expected_content_sha256 !== undefined) checkHash(memory, params.expected_content_sha256)
  deleteMemory(world, store, memory, actorOf(request.identity))
  return { id: memory.id, type: 'memory_deleted' }
}

/** The memory routes over `world`. */
export function memoryRoutes(world: World): readonly Route[] {
  const access = 'agent-memory'
  const all = '/v1/memory_stores/:store/memories'
  const one = `${all}/:id`
  return [
    { method: 'POST', pattern: all, access, run: (r) => json(create(world, r)) },
    {
      method: 'GET',
      pattern: all,
      access,
      run: (r) => json(listMemories(findMemoryStore(world, r.param('store')), r.query)),
    },
    { method: 'GET', pattern: one, access, run: (r) => json(retrieve(world, r)) },
    { method: 'POST', pattern: one, access, run: (r) => json(update(world, r)) },
    { method: 'DELETE', pattern: one, access, run: (r) => json(remove(world, r)) },
  ]
}
