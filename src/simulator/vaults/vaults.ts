// The routes of /v1/vaults. Archiving and deleting a vault takes its credentials along, each with its own webhook.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { newId } from '../ids.ts'
import { metadata, metadataPatch, parseBody, patchMetadata } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import { archiveCredential, credentialRoutes } from './credentials.ts'
import { findVault, type Vault } from './vault-record.ts'

const displayName = z.string().min(1).max(255)
const createParams = z.object({ display_name: displayName, metadata: metadata.default({}) })
const updateParams = z.object({ display_name: displayName.nullish(), metadata: metadataPatch.optional() })

function createVault(world: World, request: ApiRequest): Vault {
  const params = parseBody(createParams, request.body)
  const now = timestamp(world.clock.nowMs())
  const vault: Vault = {
    id: newId('vlt'),
    type: 'vault',
    ...params,
    created_at: now,
    updated_at: now,
    archived_at: null,
  }
  world.vaults.set(vault.id, { order: world.nextOrder(), vault, credentials: new Map() })
  world.announce('vault.created', { id: vault.id })
  return vault
}

function updateVault(world: World, request: ApiRequest): Vault {
  const record = findVault(world, request.param('id'))
  const params = parseBody(updateParams, request.body)
  const { vault } = record
  if (vault.archived_at !== null) throw invalidRequest(`vault \`${vault.id}\` is archived`)
  record.vault = {
    ...vault,
    display_name: params.display_name ?? vault.display_name,
    metadata: patchMetadata(vault.metadata, params.metadata),
    updated_at: timestamp(world.clock.nowMs()),
  }
  return record.vault
}

function archiveVault(world: World, request: ApiRequest): Vault {
  const record = findVault(world, request.param('id'))
  if (record.vault.archived_at === null) {
    const now = timestamp(world.clock.nowMs())
    record.vault = { ...record.vault, updated_at: now, archived_at: now }
    world.announce('vault.archived', { id: record.vault.id })
    for (const each of record.credentials.values()) archiveCredential(world, each)
  }
  return record.vault
}

function deleteVault(world: World, request: ApiRequest) {
  const { vault, credentials } = findVault(world, request.param('id'))
  world.vaults.delete(vault.id)
  world.announce('vault.deleted', { id: vault.id })
  for (const id of credentials.keys()) world.announce('vault_credential.deleted', { id, vault_id: vault.id })
  return { id: vault.id, type: 'vault_deleted' }
}

function listVaults(world: World, request: ApiRequest) {
  const isArchivedToo = request.query.get('include_archived') === 'true'
  const items = [...world.vaults.values()]
    .filter(({ vault }) => isArchivedToo || vault.archived_at === null)
    .map(({ order, vault }) => ({ order, item: vault }))
  return paginateForward(items, request.query, 'desc')
}

/** The routes of vaults and of their credentials over `world`. */
export function vaultRoutes(world: World): readonly Route[] {
  const access = 'managed-agents'
  const one = '/v1/vaults/:id'
  return [
    { method: 'POST', pattern: '/v1/vaults', access, run: (r) => json(createVault(world, r)) },
    { method: 'GET', pattern: '/v1/vaults', access, run: (r) => json(listVaults(world, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(findVault(world, r.param('id')).vault) },
    { method: 'POST', pattern: one, access, run: (r) => json(updateVault(world, r)) },
    { method: 'DELETE', pattern: one, access, run: (r) => json(deleteVault(world, r)) },
    { method: 'POST', pattern: `${one}/archive`, access, run: (r) => json(archiveVault(world, r)) },
    ...credentialRoutes(world),
  ]
}
