// What sessions borrow for as long as they live: vaults and memory stores, which outlive them.

import { invalidRequest, notFound } from '../http/api-error.ts'
import type { JsonObject } from '../json.ts'
import { findMemoryStore, memoryMountPath } from '../memory/memory-store-record.ts'
import type { World } from '../world.ts'

/** Throws a 404 for a vault that is not there, a 400 for an archived one. */
export function checkVaults(world: World, vaultIds: readonly string[]): void {
  for (const id of vaultIds) {
    const found = world.vaults.get(id)
    if (found === undefined) throw notFound(`vault \`${id}\` not found`)
    if (found.vault.archived_at !== null) throw invalidRequest(`vault_ids: \`${id}\` is archived`)
  }
}

type StoreAttachment = {
  readonly memory_store_id: string
  readonly access?: 'read_write' | 'read_only' | null | undefined
  readonly instructions?: string | null | undefined
}

/** Throws a 404 for a memory store that is not there, a 400 for an archived one. */
export function checkStore(world: World, { memory_store_id }: StoreAttachment): void {
  if (findMemoryStore(world, memory_store_id).store.archived_at === null) return
  throw invalidRequest(`resources: memory store \`${memory_store_id}\` is archived`)
}

/** An attached memory store, its name and description as they are at this moment. */
export function attachStore(world: World, params: StoreAttachment): JsonObject {
  const { store } = findMemoryStore(world, params.memory_store_id)
  return {
    type: 'memory_store',
    memory_store_id: store.id,
    access: params.access ?? 'read_write',
    instructions: params.instructions ?? null,
    name: store.name,
    description: store.description,
    mount_path: memoryMountPath(store.name),
  }
}
