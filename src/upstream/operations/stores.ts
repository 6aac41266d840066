// What runs read and remember: vaults with credentials, memory stores with memories and their versions
// (SDK 1.12.0 resources/beta/vaults, memory-stores).
import type { Operation } from '../operation-type.ts'
import { rowsOf } from './row.ts'

const vault = rowsOf('vault')
const credential = rowsOf('credential')
const store = rowsOf('memory_store')
const memory = rowsOf('memory')
const version = rowsOf('memory_version')

const credentialPath = '/v1/vaults/:vault_id/credentials/:credential_id'
const memoryPath = '/v1/memory_stores/:memory_store_id/memories/:memory_id'
const versionPath = '/v1/memory_stores/:memory_store_id/memory_versions/:memory_version_id'

/** Secrets and memories: both change what a running session can do. */
export const storeOperations: readonly Operation[] = [
  vault.post('vaults.create', '/v1/vaults', 'create'),
  vault.read('vaults.list', '/v1/vaults'),
  vault.read('vaults.retrieve', '/v1/vaults/:vault_id', 'vault_id'),
  vault.post('vaults.update', '/v1/vaults/:vault_id', 'update', { on: 'vault_id' }),
  vault.remove('vaults.delete', '/v1/vaults/:vault_id', 'vault_id'),
  vault.post('vaults.archive', '/v1/vaults/:vault_id/archive', 'archive', { on: 'vault_id', body: 'none' }),

  credential.post('vaults.credentials.create', '/v1/vaults/:vault_id/credentials', 'create'),
  credential.read('vaults.credentials.list', '/v1/vaults/:vault_id/credentials'),
  credential.read('vaults.credentials.retrieve', credentialPath, 'credential_id'),
  credential.post('vaults.credentials.update', credentialPath, 'update', { on: 'credential_id' }),
  credential.remove('vaults.credentials.delete', credentialPath, 'credential_id'),
  credential.post('vaults.credentials.archive', `${credentialPath}/archive`, 'archive', {
    on: 'credential_id',
    body: 'none',
  }),
  credential.post(
    'vaults.credentials.mcp_oauth_validate',
    `${credentialPath}/mcp_oauth_validate`,
    'validate',
    { on: 'credential_id', body: 'none', mutates: false },
  ),

  store.post('memory_stores.create', '/v1/memory_stores', 'create'),
  store.read('memory_stores.list', '/v1/memory_stores'),
  store.read('memory_stores.retrieve', '/v1/memory_stores/:memory_store_id', 'memory_store_id'),
  store.post('memory_stores.update', '/v1/memory_stores/:memory_store_id', 'update', {
    on: 'memory_store_id',
  }),
  store.remove('memory_stores.delete', '/v1/memory_stores/:memory_store_id', 'memory_store_id'),
  store.post('memory_stores.archive', '/v1/memory_stores/:memory_store_id/archive', 'archive', {
    on: 'memory_store_id',
    body: 'none',
  }),

  memory.post('memory_stores.memories.create', '/v1/memory_stores/:memory_store_id/memories', 'create'),
  memory.read('memory_stores.memories.list', '/v1/memory_stores/:memory_store_id/memories'),
  memory.read('memory_stores.memories.retrieve', memoryPath, 'memory_id'),
  memory.post('memory_stores.memories.update', memoryPath, 'update', { on: 'memory_id' }),
  memory.remove('memory_stores.memories.delete', memoryPath, 'memory_id'),

  version.read('memory_stores.memory_versions.list', '/v1/memory_stores/:memory_store_id/memory_versions'),
  version.read('memory_stores.memory_versions.retrieve', versionPath, 'memory_version_id'),
  version.post('memory_stores.memory_versions.redact', `${versionPath}/redact`, 'redact', {
    on: 'memory_version_id',
    body: 'none',
  }),
]
