// A vault and its credentials as the simulator keeps them. Secrets are never kept at all: nothing here can leak one
// (SDK 1.12.0 resources/beta/vaults).

import { notFound } from '../http/api-error.ts'
import type { World } from '../world.ts'
import type { CredentialAuth } from './credential-auth.ts'

/** A vault as the API shows it. */
export type Vault = {
  readonly id: string
  readonly type: 'vault'
  readonly display_name: string
  readonly metadata: Readonly<Record<string, string>>
  readonly created_at: string
  readonly updated_at: string
  readonly archived_at: string | null
}

/** A credential as the API shows it. `auth` has no secret in it. */
export type Credential = {
  readonly id: string
  readonly type: 'vault_credential'
  readonly vault_id: string
  readonly auth: CredentialAuth
  readonly display_name: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly created_at: string
  readonly updated_at: string
  readonly archived_at: string | null
}

export type CredentialRecord = { readonly order: number; credential: Credential }

export type VaultRecord = {
  readonly order: number
  vault: Vault
  readonly credentials: Map<string, CredentialRecord>
}

/** The vault of an id. Throws a 404 when there is none. */
export function findVault(world: World, id: string): VaultRecord {
  const found = world.vaults.get(id)
  if (found === undefined) throw notFound(`vault \`${id}\` not found`)
  return found
}

/** The credential of an id in its vault. Throws a 404 when there is none. */
export function findCredential(world: World, vaultId: string, id: string): CredentialRecord {
  const found = findVault(world, vaultId).credentials.get(id)
  if (found === undefined) throw notFound(`credential \`${id}\` not found`)
  return found
}

/** What no two live credentials of a vault may share: the server they are for, or the variable they fill. */
export function credentialKey(auth: CredentialAuth): string {
  return auth.type === 'environment_variable'
    ? `env ${auth.secret_name}`
    : `mcp ${normalUrl(auth.mcp_server_url)}`
}

function normalUrl(text: string): string {
  const { protocol, host, pathname, search } = new URL(text)
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}${search}`
}

/**
 * The credential a session with these vaults shows to an MCP server: of the first vault that has one for its URL.
 * Null when none has, and the server is then called without. Vaults deleted meanwhile have none.
 */
export function matchCredential(
  world: World,
  vaultIds: readonly string[],
  mcpServerUrl: string,
): Credential | null {
  const key = `mcp ${normalUrl(mcpServerUrl)}`
  for (const vaultId of vaultIds) {
    for (const { credential } of world.vaults.get(vaultId)?.credentials.values() ?? []) {
      if (credential.archived_at === null && credentialKey(credential.auth) === key) return credential
    }
  }
  return null
}
