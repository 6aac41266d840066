// The routes of /v1/memory_stores and of everything in them.

import { z } from 'zod'
import { dreamWritingTo } from '../dreams/dream-record.ts'
import { invalidRequest } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import { newId } from '../ids.ts'
import { metadata, metadataPatch, parseBody, patchMetadata } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import { memoryRoutes } from './memories.ts'
import { findMemoryStore, type MemoryStore, type MemoryStoreRecord } from './memory-store-record.ts'
import { memoryVersionRoutes } from './memory-versions.ts'

const storeName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^\P{Cc}*$/u, 'must not have control characters')
const description = z.string().max(1024)
const createParams = z.object({
  name: storeName,
  description: description.default(''),
  metadata: metadata.default({}),
})
const updateParams = z.object({
  name: storeName.nullish(),
  description: description.nullish(),
  metadata: metadataPatch.optional(),
})

/** Makes an empty store and announces it. */
export function createMemoryStore(
  world: World,
  params: Pick<MemoryStore, 'name' | 'description' | 'metadata'>,
): MemoryStoreRecord {
  const now = timestamp(world.clock.nowMs())
  const store: MemoryStore = {
    id: newId('memstore'),
    type: 'memory_store',
    ...params,
    created_at: now,
    updated_at: now,
    archived_at: null,
  }
  const record = { order: world.nextOrder(), store, memories: new Map(), versions: new Map() }
  world.memoryStores.set(store.id, record)
  world.announce('memory_store.created', { id: store.id })
  return record
}

function updateStore(world: World, request: ApiRequest): MemoryStore {
  const record = findMemoryStore(world, request.param('id'))
  const params = parseBody(updateParams, request.body)
  const { store } = record
  if (store.archived_at !== null) throw invalidRequest(`memory store \`${store.id}\` is archived`)
  record.store = {
    ...store,
    name: params.name ?? store.name,
    description: params.description ?? store.description,
    metadata: patchMetadata(store.metadata, params.metadata),
    updated_at: timestamp(world.clock.nowMs()),
  }
  return record.store
}

/** Throws a 400 while a dream writes into the store. */
function checkUndreamt(world: World, { store }: MemoryStoreRecord): void {
  const dream = dreamWritingTo(world, store.id)
  if (dream !== undefined) {
    throw invalidRequest(
      `memory store \`${store.id}\` is the output of dream \`${dream.id}\`: cancel it first`,
    )
  }
}

function archiveStore(world: World, request: ApiRequest): MemoryStore {
  const record = findMemoryStore(world, request.param('id'))
  if (record.store.archived_at !== null) return record.store
  checkUndreamt(world, record)
  const now = timestamp(world.clock.nowMs())
  record.store = { ...record.store, updated_at: now, archived_at: now }
  world.announce('memory_store.archived', { id: record.store.id })
  return record.store
}

function deleteStore(world: World, request: ApiRequest) {
  const record = findMemoryStore(world, request.param('id'))
  checkUndreamt(world, record)
  const { id } = record.store
  world.memoryStores.delete(id)
  world.announce('memory_store.deleted', { id })
  return { id, type: 'memory_store_deleted' }
}

function listStores(world: World, { query }: ApiRequest) {
  const isArchivedToo = query.get('include_archived') === 'true'
  const items = [...world.memoryStores.values()]
    .filter(({ store }) => isArchivedToo || store.archived_at === null)
    .filter(({ store }) => isWithin(query, 'created_at', store.created_at))
    .map(({ order, store }) => ({ order, item: store }))
  return paginateForward(items, query, 'desc')
}

/** The routes of memory stores, memories and their versions over `world`. */
export function memoryStoreRoutes(world: World): readonly Route[] {
  const access = 'agent-memory'
  const all = '/v1/memory_stores'
  const one = `${all}/:id`
  return [
    {
      method: 'POST',
      pattern: all,
      access,
      run: (r) => json(createMemoryStore(world, parseBody(createParams, r.body)).store),
    },
    { method: 'GET', pattern: all, access, run: (r) => json(listStores(world, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(findMemoryStore(world, r.param('id')).store) },
    { method: 'POST', pattern: one, access, run: (r) => json(updateStore(world, r)) },
    { method: 'DELETE', pattern: one, access, run: (r) => json(deleteStore(world, r)) },
    { method: 'POST', pattern: `${one}/archive`, access, run: (r) => json(archiveStore(world, r)) },
    ...memoryRoutes(world),
    ...memoryVersionRoutes(world),
  ]
}
