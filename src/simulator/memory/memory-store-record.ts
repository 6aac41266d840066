// Memory stores, their memories and every version of them, as the simulator keeps them
// (SDK 1.12.0 resources/beta/memory-stores).

import { notFound } from '../http/api-error.ts'
import type { World } from '../world.ts'
import type { Actor } from './actor.ts'

/** A store as the API shows it. */
export type MemoryStore = {
  readonly id: string
  readonly type: 'memory_store'
  readonly name: string
  readonly description: string
  readonly metadata: Readonly<Record<string, string>>
  readonly created_at: string
  readonly updated_at: string
  readonly archived_at: string | null
}

/** A text with its measures, as both memories and versions show them. */
export type Content = {
  readonly content: string
  readonly content_sha256: string
  readonly content_size_bytes: number
}

/** A memory as the API shows it with `view=full`. */
export type Memory = Content & {
  readonly id: string
  readonly type: 'memory'
  readonly memory_store_id: string
  readonly memory_version_id: string
  readonly path: string
  readonly created_at: string
  readonly updated_at: string
}

/** A version as the API shows it with `view=full`. Content and its measures are null after a deletion or a redaction. */
export type MemoryVersion = { readonly [Field in keyof Content]: Content[Field] | null } & {
  readonly id: string
  readonly type: 'memory_version'
  readonly memory_id: string
  readonly memory_store_id: string
  readonly operation: 'created' | 'modified' | 'deleted'
  readonly path: string | null
  readonly created_at: string
  readonly created_by: Actor
  readonly redacted_at: string | null
  readonly redacted_by: Actor | null
}

export type VersionRecord = { readonly order: number; version: MemoryVersion }

export type MemoryStoreRecord = {
  readonly order: number
  store: MemoryStore
  readonly memories: Map<string, Memory>
  /** Oldest first; they outlive their memories. */
  readonly versions: Map<string, VersionRecord>
}

/** The store of an id, archived or not. Throws a 404 when there is none. */
export function findMemoryStore(world: World, id: string): MemoryStoreRecord {
  const found = world.memoryStores.get(id)
  if (found === undefined) throw notFound(`memory store \`${id}\` not found`)
  return found
}

/** Where sessions find a store of this name: lower case, every run of other characters one hyphen. */
export const memoryMountPath = (name: string): string =>
  `/mnt/memory/${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`
