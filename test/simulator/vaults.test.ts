// Vaults and credentials of the stand-in upstream, as the SDK sees them.
import { expect, test } from 'vitest'
import { matchCredential } from '../../src/simulator/vaults/vault-record.ts'
import { vaultRoutes } from '../../src/simulator/vaults/vaults.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'
import { collect, refusalOf, startWorld } from '../support/simulated-world.ts'

async function house() {
  const started = await startWorld(vaultRoutes)
  const { vaults } = started.client.beta
  const vault = await vaults.create({ display_name: 'Alice', metadata: { user: 'u1' } })
  return { ...started, vaults, credentials: vaults.credentials, vault, vault_id: vault.id }
}

const bearer = (url: string, token = 'SECRET-token') => ({
  auth: { type: 'static_bearer' as const, mcp_server_url: url, token },
})
const oauth = {
  type: 'mcp_oauth' as const,
  mcp_server_url: 'https://mcp.example.com/mcp',
  access_token: 'SECRET-access',
  expires_at: '2026-12-01T01:00:00Z',
  refresh: {
    client_id: 'client',
    refresh_token: 'SECRET-refresh',
    token_endpoint: 'https://example.com/token',
    scope: 'read',
    token_endpoint_auth: { type: 'client_secret_post' as const, client_secret: 'SECRET-client' },
  },
}
const variable = {
  type: 'environment_variable' as const,
  secret_name: 'API_KEY',
  secret_value: 'SECRET-"value',
  networking: { type: 'limited' as const, allowed_hosts: ['*.example.com', '192.0.2.1'] },
}

test('a vault lives from create to delete, and lists page by page, newest first', async () => {
  const { vaults, vault } = await house()
  expectInterface(vault, 'vaults/vaults', 'BetaManagedAgentsVault')
  const others = []
  for (const name of ['b', 'c', 'd', 'e']) others.push(await vaults.create({ display_name: name }))
  const updated = await vaults.update(vault.id, { display_name: 'Bob', metadata: { user: null, team: 't' } })
  expect(updated).toMatchObject({ display_name: 'Bob', metadata: { team: 't' } })
  expect(await vaults.retrieve(vault.id)).toEqual(updated)
  await vaults.archive(others[0]?.id ?? '')
  const names = (list: { display_name: string }[]) => list.map(({ display_name }) => display_name)
  expect(names(await collect(vaults.list({ limit: 2 })))).toEqual(['e', 'd', 'c', 'Bob'])
  expect(await collect(vaults.list({ limit: 2, include_archived: true }))).toHaveLength(5)
  expect(await vaults.delete(vault.id)).toEqual({ id: vault.id, type: 'vault_deleted' })
  expect(await refusalOf(vaults.retrieve(vault.id))).toMatchObject({ status: 404, type: 'not_found_error' })
})

test('what is secret never comes back, not even in the record of requests', async () => {
  const { client, credentials, vault_id, requests } = await house()
  const answers: unknown[] = []
  for (const auth of [oauth, bearer('https://other.example.com').auth, variable]) {
    const made = await credentials.create(vault_id, { auth, display_name: auth.type })
    expectInterface(made, 'vaults/credentials', 'BetaManagedAgentsCredential')
    answers.push(made, await credentials.retrieve(made.id, { vault_id }))
  }
  const [first] = await collect(credentials.list(vault_id))
  answers.push(
    first,
    await credentials.update(first?.id ?? '', {
      vault_id,
      auth: variable && { type: 'environment_variable', secret_value: 'SECRET-new' },
    }),
  )
  // A body that no JSON parser takes is recorded too.
  await client
    .post(`/v1/vaults/${vault_id}/credentials`, {
      body: '{"auth": {"token" : "SECRET-cut',
      headers: { 'anthropic-beta': 'managed-agents-2026-04-01', 'content-type': 'application/json' },
    })
    .catch(() => {})
  expect(JSON.stringify(answers)).not.toContain('SECRET')
  const bodies = requests()
    .map(({ bodyText }) => bodyText)
    .join('\n')
  expect(bodies).toContain('"access_token":"[secret]"')
  expect(bodies).toContain('"client_id":"client"')
  expect(bodies).not.toContain('SECRET')
})

test('each kind of credential shows all but its secret, with the defaults filled in', async () => {
  const { credentials, vault_id } = await house()
  const [a, b, c] = [
    await credentials.create(vault_id, { auth: oauth }),
    await credentials.create(vault_id, bearer('https://other.example.com/mcp')),
    await credentials.create(vault_id, { auth: { ...variable, networking: { type: 'unrestricted' } } }),
  ]
  expect(a.auth).toEqual({
    type: 'mcp_oauth',
    mcp_server_url: oauth.mcp_server_url,
    expires_at: '2026-12-01T01:00:00.000Z',
    refresh: {
      client_id: 'client',
      token_endpoint: 'https://example.com/token',
      token_endpoint_auth: { type: 'client_secret_post' },
      resource: null,
      scope: 'read',
    },
  })
  expect(b.auth).toEqual({ type: 'static_bearer', mcp_server_url: 'https://other.example.com/mcp' })
  expect(c.auth).toEqual({
    type: 'environment_variable',
    secret_name: 'API_KEY',
    networking: { type: 'unrestricted' },
    injection_location: { body: true, header: true },
  })
})

test('an update changes what may change, and names what may not', async () => {
  const { credentials, vault_id } = await house()
  const a = await credentials.create(vault_id, { auth: oauth })
  const c = await credentials.create(vault_id, { auth: variable, display_name: 'x' })
  const changedOauth = await credentials.update(a.id, {
    vault_id,
    auth: {
      type: 'mcp_oauth',
      access_token: 'SECRET-2',
      refresh: { scope: '', token_endpoint_auth: { type: 'client_secret_basic', client_secret: 's' } },
    },
  })
  expect(changedOauth.auth).toMatchObject({
    expires_at: '2026-12-01T01:00:00.000Z',
    refresh: { scope: null, token_endpoint_auth: { type: 'client_secret_post' } },
  })
  const changedVariable = await credentials.update(c.id, {
    vault_id,
    display_name: null,
    auth: { type: 'environment_variable', injection_location: { body: false } },
  })
  expect(changedVariable).toMatchObject({
    display_name: null,
    auth: { injection_location: { body: false, header: true } },
  })
  const refused = async (id: string, auth: unknown) =>
    (await refusalOf(credentials.update(id, Object({ vault_id, auth })))).message
  expect(await refused(a.id, { type: 'static_bearer', token: 't' })).toMatch(/^auth.type: /)
  expect(await refused(a.id, { type: 'mcp_oauth', mcp_server_url: 'https://x.example' })).toContain(
    'mcp_server_url',
  )
  expect(await refused(a.id, { type: 'mcp_oauth', expires_at: '2026-11-30T00:00:00Z' })).toMatch(
    /^auth.expires_at/,
  )
  expect(
    await refused(c.id, { type: 'environment_variable', injection_location: { header: false } }),
  ).toMatch(/^auth.injection_location/)
})

test('no two live credentials of a vault are for the same server or variable, and there are at most twenty', async () => {
  const { credentials, vault_id } = await house()
  const first = await credentials.create(vault_id, bearer('https://MCP.example.com/mcp/'))
  await credentials.create(vault_id, { auth: variable })
  const again = () => credentials.create(vault_id, bearer('https://mcp.example.com/mcp'))
  expect(await refusalOf(again())).toMatchObject({ status: 409, type: 'conflict_error' })
  expect(await refusalOf(credentials.create(vault_id, { auth: variable }))).toMatchObject({ status: 409 })
  await credentials.archive(first.id, { vault_id })
  await again()
  for (let at = 2; at < 20; at++) await credentials.create(vault_id, bearer(`https://s${at}.example.com`))
  expect(await refusalOf(credentials.create(vault_id, bearer('https://s20.example.com')))).toMatchObject({
    status: 400,
  })
  expect(await collect(credentials.list(vault_id, { limit: 7 }))).toHaveLength(20)
  expect(await collect(credentials.list(vault_id, { include_archived: true }))).toHaveLength(21)
})

test.each([
  [
    'a URL for a host',
    { ...variable, networking: { type: 'limited', allowed_hosts: ['https://a.example'] } },
  ],
  [
    'seventeen hosts',
    { ...variable, networking: { type: 'limited', allowed_hosts: Array(17).fill('a.example') } },
  ],
  ['no place to inject', { ...variable, injection_location: {} }],
  ['no variable name', { ...variable, secret_name: '1 A' }],
  ['an expired token', { ...oauth, expires_at: '2026-11-30T00:00:00Z' }],
  ['no URL', { type: 'static_bearer', token: 't', mcp_server_url: 'mcp.example.com' }],
  ['no secret', { type: 'static_bearer', token: '', mcp_server_url: 'https://a.example' }],
  ['an unknown kind', { type: 'basic' }],
])('a credential with %s is refused, naming the field', async (_, auth) => {
  const { credentials, vault_id } = await house()
  const refusal = await refusalOf(credentials.create(vault_id, Object({ auth })))
  expect(refusal).toMatchObject({ status: 400, type: 'invalid_request_error' })
  expect(refusal.message).toMatch(/^auth\./)
})

test('archiving or deleting a vault takes its credentials along, and webhooks hear of each', async () => {
  const { vaults, credentials, vault_id, announced } = await house()
  const a = await credentials.create(vault_id, { auth: oauth })
  const b = await credentials.create(vault_id, { auth: variable })
  await credentials.archive(a.id, { vault_id })
  await vaults.archive(vault_id)
  await vaults.archive(vault_id)
  expect((await credentials.retrieve(b.id, { vault_id })).archived_at).not.toBeNull()
  expect(await refusalOf(credentials.create(vault_id, { auth: oauth }))).toMatchObject({ status: 400 })
  expect(await refusalOf(vaults.update(vault_id, { display_name: 'x' }))).toMatchObject({ status: 400 })
  expect(await credentials.delete(a.id, { vault_id })).toEqual({ id: a.id, type: 'vault_credential_deleted' })
  await vaults.delete(vault_id)
  const of = (id: string) => ({ id, vault_id })
  expect(announced).toEqual([
    { type: 'vault.created', data: { id: vault_id } },
    { type: 'vault_credential.created', data: of(a.id) },
    { type: 'vault_credential.created', data: of(b.id) },
    { type: 'vault_credential.archived', data: of(a.id) },
    { type: 'vault.archived', data: { id: vault_id } },
    { type: 'vault_credential.archived', data: of(b.id) },
    { type: 'vault_credential.deleted', data: of(a.id) },
    { type: 'vault.deleted', data: { id: vault_id } },
    { type: 'vault_credential.deleted', data: of(b.id) },
  ])
})

test('a validation follows the expiry of the token, and a refresh it makes works the next time', async () => {
  const { clock, credentials, vault_id } = await house()
  const { id } = await credentials.create(vault_id, { auth: oauth })
  const validate = () => credentials.mcpOAuthValidate(id, { vault_id })
  const fresh = await validate()
  expectInterface(fresh, 'vaults/credentials', 'BetaManagedAgentsCredentialValidation')
  expect(fresh).toMatchObject({ status: 'valid', has_refresh_token: true, mcp_probe: null, refresh: null })
  clock.advance(3_600_000)
  expect(await validate()).toMatchObject({
    status: 'unknown',
    mcp_probe: { method: 'initialize', http_response: { status_code: 401 } },
    refresh: { status: 'succeeded', http_response: null },
  })
  expect(await validate()).toMatchObject({ status: 'valid' })
  await credentials.archive(id, { vault_id })
  expect(await validate()).toMatchObject({ status: 'invalid', has_refresh_token: false, mcp_probe: null })
  const other = await credentials.create(vault_id, bearer('https://b.example.com'))
  const refusal = await refusalOf(credentials.mcpOAuthValidate(other.id, { vault_id }))
  expect(refusal).toMatchObject({ status: 400 })
})

test.each([
  ['server_unreachable', 'unknown', undefined, false],
  ['access_refused', 'unknown', 'succeeded', false],
  ['refresh_refused', 'invalid', 'failed', true],
  ['refresh_unreachable', 'unknown', 'connect_error', false],
])('metadata can make a validation meet %s', async (meeting, status, refresh, isTold) => {
  const { credentials, vault_id, announced } = await house()
  const metadata = { simulator_validation: meeting }
  const { id } = await credentials.create(vault_id, { auth: oauth, metadata })
  const validation = await credentials.mcpOAuthValidate(id, { vault_id })
  expect([validation.status, validation.refresh?.status]).toEqual([status, refresh])
  const told = announced.filter(({ type }) => type === 'vault_credential.refresh_failed')
  expect(told).toEqual(isTold ? [{ type: 'vault_credential.refresh_failed', data: { id, vault_id } }] : [])
})

test('a session shows a server the credential of the first vault that has one', async () => {
  const { world, vaults, credentials, vault_id } = await house()
  const empty = await vaults.create({ display_name: 'empty' })
  const late = await vaults.create({ display_name: 'late' })
  const own = await credentials.create(vault_id, bearer('https://mcp.example.com/mcp'))
  await credentials.create(late.id, bearer('https://mcp.example.com/mcp'))
  const match = () =>
    matchCredential(world, [empty.id, 'vlt_gone', vault_id, late.id], 'https://mcp.example.com/mcp/')
  expect(match()?.id).toBe(own.id)
  await credentials.archive(own.id, { vault_id })
  expect(match()?.vault_id).toBe(late.id)
  await vaults.delete(late.id)
  expect(match()).toBeNull()
})
