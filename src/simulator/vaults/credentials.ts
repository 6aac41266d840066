// The routes of /v1/vaults/:vault/credentials. What is secret comes in and never goes out again.

import { z } from 'zod'
import { conflict, invalidRequest } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { newId } from '../ids.ts'
import { metadata, metadataPatch, parseBody, patchMetadata } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import { authParams, changeAuth, makeAuth } from './credential-auth.ts'
import { validateCredential } from './credential-validation.ts'
import {
  type Credential,
  type CredentialRecord,
  credentialKey,
  findCredential,
  findVault,
  type VaultRecord,
} from './vault-record.ts'

const credentialsMax = 20

const createParams = z.object({
  auth: authParams.create,
  display_name: z.string().max(255).nullish(),
  metadata: metadata.default({}),
})
const updateParams = z.object({
  auth: authParams.update.optional(),
  display_name: z.string().min(1).max(255).nullish(),
  metadata: metadataPatch.optional(),
})

function checkLiveVault({ vault }: VaultRecord): void {
  if (vault.archived_at !== null) throw invalidRequest(`vault \`${vault.id}\` is archived`)
}

function createCredential(world: World, request: ApiRequest): Credential {
  const record = findVault(world, request.param('vault'))
  const params = parseBody(createParams, request.body)
  checkLiveVault(record)
  const nowMs = world.clock.nowMs()
  const auth = makeAuth(params.auth, nowMs)
  const live = [...record.credentials.values()].filter(({ credential }) => credential.archived_at === null)
  const key = credentialKey(auth)
  const same = live.find(({ credential }) => credentialKey(credential.auth) === key)
  if (same !== undefined) {
    const field = auth.type === 'environment_variable' ? 'secret_name' : 'mcp_server_url'
    throw conflict(`auth.${field}: credential \`${same.credential.id}\` of this vault already has it`)
  }
  if (live.length >= credentialsMax) {
    throw invalidRequest(`vault \`${record.vault.id}\` holds the most credentials it can, ${credentialsMax}`)
  }
  const credential: Credential = {
    id: newId('vcrd'),
    type: 'vault_credential',
    vault_id: record.vault.id,
    auth,
    display_name: params.display_name ?? null,
    metadata: params.metadata,
    created_at: timestamp(nowMs),
    updated_at: timestamp(nowMs),
    archived_at: null,
  }
  record.credentials.set(credential.id, { order: world.nextOrder(), credential })
  world.announce('vault_credential.created', { id: credential.id, vault_id: record.vault.id })
  return credential
}

const find = (world: World, request: ApiRequest): CredentialRecord =>
  findCredential(world, request.param('vault'), request.param('id'))

function updateCredential(world: World, request: ApiRequest): Credential {
  const record = find(world, request)
  const params = parseBody(updateParams, request.body)
  const { credential } = record
  if (credential.archived_at !== null) throw invalidRequest(`credential \`${credential.id}\` is archived`)
  const nowMs = world.clock.nowMs()
  record.credential = {
    ...credential,
    auth: params.auth === undefined ? credential.auth : changeAuth(credential.auth, params.auth, nowMs),
    display_name: params.display_name === undefined ? credential.display_name : params.display_name,
    metadata: patchMetadata(credential.metadata, params.metadata),
    updated_at: timestamp(nowMs),
  }
  return record.credential
}

/** Archives a credential, which frees its server or variable for another one. A second time changes nothing. */
export function archiveCredential(world: World, record: CredentialRecord): Credential {
  const { credential } = record
  if (credential.archived_at === null) {
    const now = timestamp(world.clock.nowMs())
    record.credential = { ...credential, updated_at: now, archived_at: now }
    world.announce('vault_credential.archived', { id: credential.id, vault_id: credential.vault_id })
  }
  return record.credential
}

function deleteCredential(world: World, request: ApiRequest) {
  const { id, vault_id } = find(world, request).credential
  findVault(world, vault_id).credentials.delete(id)
  world.announce('vault_credential.deleted', { id, vault_id })
  return { id, type: 'vault_credential_deleted' }
}

function listCredentials(world: World, request: ApiRequest) {
  const isArchivedToo = request.query.get('include_archived') === 'true'
  const items = [...findVault(world, request.param('vault')).credentials.values()]
    .filter(({ credential }) => isArchivedToo || credential.archived_at === null)
    .map(({ order, credential }) => ({ order, item: credential }))
  return paginateForward(items, request.query, 'desc')
}

/** The credential routes over `world`. */
export function credentialRoutes(world: World): readonly Route[] {
  const access = 'managed-agents'
  const all = '/v1/vaults/:vault/credentials'
  const one = `${all}/:id`
  return [
    { method: 'POST', pattern: all, access, run: (r) => json(createCredential(world, r)) },
    { method: 'GET', pattern: all, access, run: (r) => json(listCredentials(world, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(find(world, r).credential) },
    { method: 'POST', pattern: one, access, run: (r) => json(updateCredential(world, r)) },
    { method: 'DELETE', pattern: one, access, run: (r) => json(deleteCredential(world, r)) },
    {
      method: 'POST',
      pattern: `${one}/archive`,
      access,
      run: (r) => json(archiveCredential(world, find(world, r))),
    },
    {
      method: 'POST',
      pattern: `${one}/mcp_oauth_validate`,
      access,
      run: (r) => json(validateCredential(world, find(world, r))),
    },
  ]
}
