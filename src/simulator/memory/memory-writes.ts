// Every change to a memory, by whomever: through the API, or by an agent on its mounted directory.
// Each real change adds one version; a change that changes nothing adds none.

import { createHash } from 'node:crypto'
import { ApiError, invalidRequest } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import type { Actor } from './actor.ts'
import { overlaps } from './memory-path.ts'
import { type Content, findMemoryStore, type Memory, type MemoryStoreRecord } from './memory-store-record.ts'

/** The most memories of one store. */
export const memoriesMax = 2_000
const contentBytesMax = 102_400

/** A memory as its author wants it. */
export type Draft = { readonly path: string; readonly content: string }

function measure(content: string): Content {
  const content_size_bytes = Buffer.byteLength(content)
  if (content_size_bytes > contentBytesMax) {
    throw invalidRequest(`content: is ${content_size_bytes} bytes, at most ${contentBytesMax} are allowed`)
  }
  return {
    content,
    content_sha256: createHash('sha256').update(content).digest('hex'),
    content_size_bytes,
  }
}

function checkWritable({ store }: MemoryStoreRecord): void {
  if (store.archived_at !== null) throw invalidRequest(`memory store \`${store.id}\` is archived`)
}

/** 409: another memory is in the way of `path`. */
function checkPath({ memories }: MemoryStoreRecord, path: string, ownId?: string): void {
  for (const other of memories.values()) {
    if (other.id === ownId || !overlaps(other.path, path)) continue
    const message = `path: \`${other.path}\` is in the way`
    const fields = { conflicting_memory_id: other.id, conflicting_path: other.path }
    throw new ApiError(409, 'memory_path_conflict_error', message, undefined, { fields })
  }
}

/** Throws a 409 unless the memory's content still has this hash. */
export function checkHash(memory: Memory, expectedSha256: string): void {
  if (memory.content_sha256 === expectedSha256) return
  const message = `the content of memory \`${memory.id}\` does not have the expected content_sha256`
  throw new ApiError(409, 'memory_precondition_failed_error', message)
}

type Operation = 'created' | 'modified' | 'deleted'

/** Adds a version that shows the memory as it is now, and answers the version's id. */
function record(
  world: World,
  { store, versions }: MemoryStoreRecord,
  change: { readonly id: string; readonly path: string; readonly operation: Operation; readonly by: Actor },
  content: Content | null,
): string {
  const id = newId('memver')
  versions.set(id, {
    order: world.nextOrder(),
    version: {
      id,
      type: 'memory_version',
      memory_id: change.id,
      memory_store_id: store.id,
      operation: change.operation,
      path: change.path,
      content: content?.content ?? null,
      content_sha256: content?.content_sha256 ?? null,
      content_size_bytes: content?.content_size_bytes ?? null,
      created_at: timestamp(world.clock.nowMs()),
      created_by: change.by,
      redacted_at: null,
      redacted_by: null,
    },
  })
  return id
}

/** Makes a memory. Throws 409 when its path is taken, 400 when the store is full or archived or the text too long. */
export function createMemory(world: World, target: MemoryStoreRecord, draft: Draft, by: Actor): Memory {
  checkWritable(target)
  const content = measure(draft.content)
  checkPath(target, draft.path)
  if (target.memories.size >= memoriesMax) {
    throw invalidRequest(`memory store \`${target.store.id}\` holds the most memories it can, ${memoriesMax}`)
  }
  const id = newId('mem')
  const now = timestamp(world.clock.nowMs())
  const memory: Memory = {
    ...content,
    id,
    type: 'memory',
    memory_store_id: target.store.id,
    memory_version_id: record(world, target, { id, path: draft.path, operation: 'created', by }, content),
    path: draft.path,
    created_at: now,
    updated_at: now,
  }
  target.memories.set(id, memory)
  return memory
}

/**
 * Gives a memory another text, path, or both. With `expectedSha256` only if its content has that hash, or is already
 * what is asked for. Throws 409 when it has not or the path is taken, 400 as `createMemory` does.
 */
export function updateMemory(
  world: World,
  target: MemoryStoreRecord,
  memory: Memory,
  draft: Partial<Draft>,
  by: Actor,
  expectedSha256?: string,
): Memory {
  checkWritable(target)
  const { path = memory.path } = draft
  const content = measure(draft.content ?? memory.content)
  if (path === memory.path && content.content_sha256 === memory.content_sha256) return memory
  if (expectedSha256 !== undefined) checkHash(memory, expectedSha256)
  checkPath(target, path, memory.id)
  const changed: Memory = {
    ...memory,
    ...content,
    path,
    memory_version_id: record(world, target, { id: memory.id, path, operation: 'modified', by }, content),
    updated_at: timestamp(world.clock.nowMs()),
  }
  target.memories.set(memory.id, changed)
  return changed
}

/** Removes a memory; its versions stay. */
export function deleteMemory(world: World, target: MemoryStoreRecord, memory: Memory, by: Actor): void {
  target.memories.delete(memory.id)
  record(world, target, { id: memory.id, path: memory.path, operation: 'deleted', by }, null)
}

/** What an agent writes to a file of its mounted store: a new memory, or a new text for the one at that path. */
export function writeSessionMemory(
  world: World,
  session: { readonly sessionId: string; readonly memoryStoreId: string },
  draft: Draft,
): Memory {
  const target = findMemoryStore(world, session.memoryStoreId)
  const by: Actor = { type: 'session_actor', session_id: session.sessionId }
  const existing = [...target.memories.values()].find(({ path }) => path === draft.path)
  return existing === undefined
    ? createMemory(world, target, draft, by)
    : updateMemory(world, target, existing, { content: draft.content }, by)
}
