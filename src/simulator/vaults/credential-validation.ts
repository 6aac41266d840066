// The live probe of an MCP OAuth credential, without a network: what it finds follows from the token's expiry, or from
// the credential's metadata, as a session's scenario does (SDK 1.12.0 BetaManagedAgentsCredentialValidation).

import { invalidRequest } from '../http/api-error.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import type { CredentialRecord } from './vault-record.ts'

/** The metadata key of a credential that says what its probe meets; absent, servers answer and the clock decides. */
export const validationKey = 'simulator_validation'

const meetings = ['server_unreachable', 'access_refused', 'refresh_refused', 'refresh_unreachable'] as const
type Meeting = (typeof meetings)[number] | 'served'

/** How long the access token of a refresh is good. */
const refreshedForMs = 3_600_000

const answerOf = (status: number, error: string) => ({
  body: JSON.stringify({ error }),
  body_truncated: false,
  content_type: 'application/json',
  status_code: status,
})

const refused = { method: 'initialize', http_response: answerOf(401, 'invalid_token') }

const healthy = { status: 'valid', mcp_probe: null, refresh: null }
const tokenless = { status: 'invalid', mcp_probe: null, refresh: null }
const unreachable = {
  status: 'unknown',
  mcp_probe: { method: 'initialize', http_response: null },
  refresh: null,
}

function meetingOf({ credential }: CredentialRecord, nowMs: number): Meeting {
  const told = credential.metadata[validationKey]
  if (told === undefined) {
    const expiresAt = credential.auth.type === 'mcp_oauth' ? credential.auth.expires_at : null
    return expiresAt !== null && Date.parse(expiresAt) <= nowMs ? 'access_refused' : 'served'
  }
  const meeting = meetings.find((each) => each === told)
  if (meeting !== undefined) return meeting
  throw invalidRequest(`metadata.${validationKey}: \`${told}\` is not one of \`${meetings.join('`, `')}\``)
}

/** What comes of the refresh that a 401 sets off. One that works leaves a fresh token behind, not yet tried. */
function refresh(world: World, record: CredentialRecord, meeting: Meeting) {
  const { id, vault_id, auth } = record.credential
  if (auth.type !== 'mcp_oauth' || auth.refresh === null) {
    return { status: 'invalid', refresh: { status: 'no_refresh_token', http_response: null } }
  }
  if (meeting === 'refresh_unreachable') {
    return { status: 'unknown', refresh: { status: 'connect_error', http_response: null } }
  }
  if (meeting === 'refresh_refused') {
    world.announce('vault_credential.refresh_failed', { id, vault_id })
    return { status: 'invalid', refresh: { status: 'failed', http_response: answerOf(400, 'invalid_grant') } }
  }
  const expires_at = timestamp(world.clock.nowMs() + refreshedForMs)
  record.credential = { ...record.credential, auth: { ...auth, expires_at } }
  return { status: 'unknown', refresh: { status: 'succeeded', http_response: null } }
}

function probe(world: World, record: CredentialRecord) {
  // Archiving throws the tokens away.
  if (record.credential.archived_at !== null) return tokenless
  const meeting = meetingOf(record, world.clock.nowMs())
  if (meeting === 'served') return healthy
  if (meeting === 'server_unreachable') return unreachable
  return { mcp_probe: refused, ...refresh(world, record, meeting) }
}

/** Probes a credential. Throws a 400 when it is not of type `mcp_oauth`. */
export function validateCredential(world: World, record: CredentialRecord) {
  const { id, vault_id, auth, archived_at } = record.credential
  if (auth.type !== 'mcp_oauth') throw invalidRequest(`credential \`${id}\` is not of type \`mcp_oauth\``)
  return {
    type: 'vault_credential_validation',
    credential_id: id,
    vault_id,
    validated_at: timestamp(world.clock.nowMs()),
    has_refresh_token: archived_at === null && auth.refresh !== null,
    ...probe(world, record),
  }
}
