// User profiles and tunnels of the stand-in upstream, as the SDK sees them.
import { readFileSync } from 'node:fs'
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { createManualClock, startSimulator } from '../../src/simulator/simulator.ts'
import { send } from '../support/raw-client.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'
import { impostorCertificate } from '../support/self-signed.ts'

async function house() {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  /** Anthropic's side of a profile. */
  const decide = async (id: string, decision: object) => {
    const body = JSON.stringify(decision)
    const answer = await send(`${simulator.url}/simulator/user_profiles/${id}/standing`, {
      method: 'POST',
      body,
    })
    expect(answer.status).toBe(200)
  }
  return { simulator, clock, client, decide }
}

async function refusalOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof APIError)) throw new Error('the call was not refused')
  return { status: error.status, message: error.message }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

test('a profile is created, changed field by field, and deleted', async () => {
  const { client, clock } = await house()
  const profiles = client.userProfiles
  const created = await profiles.create({
    name: 'Ada',
    metadata: { team: 'a', tier: 'gold' },
    external_user_details: { reference_id: 'row-7', country: 'DE', email_hash: null },
  })
  expectInterface(created, '../user-profiles/user-profiles', 'UserProfile')
  expectInterface(
    created.external_user_details,
    '../user-profiles/user-profiles',
    'UserProfileExternalUserDetails',
  )
  expect(created).toMatchObject({
    access_type: 'application',
    external_user_details: { reference_id: 'row-7', country: 'DE', email_hash: null, onboarded_at: null },
    enforcement_status: 'unrestricted',
    enforcement_actions: [],
    programs: { cyber: null, efs: null },
  })
  clock.advance(1000)
  const updated = await profiles.update(created.id, {
    access_type: 'passthrough',
    metadata: { tier: '', extra: 'x' },
    external_user_details: { onboarded_at: '2026-01-01T02:00:00+02:00' },
  })
  expect(updated).toMatchObject({
    name: 'Ada',
    access_type: 'passthrough',
    metadata: { team: 'a', extra: 'x' },
    external_user_details: { reference_id: 'row-7', onboarded_at: '2026-01-01T00:00:00.000Z' },
  })
  expect(updated.metadata).not.toHaveProperty('tier')
  expect(Date.parse(updated.updated_at) - Date.parse(created.updated_at)).toBe(1000)
  expect(await profiles.retrieve(created.id)).toEqual(updated)
  expect(await profiles.delete(created.id)).toEqual({ id: created.id, type: 'user_profile_deleted' })
  expect((await refusalOf(profiles.retrieve(created.id))).status).toBe(404)
  expect((await profiles.list()).data).toEqual([])
})

test('a profile is refused with the field at fault', async () => {
  const { client, clock } = await house()
  const profiles = client.userProfiles
  const { id } = await profiles.create({})
  const future = new Date(clock.nowMs() + 61_000).toISOString()
  const refusals: readonly [Promise<unknown>, RegExp][] = [
    [profiles.create({ metadata: { a: '' } }), /metadata/],
    [profiles.create({ external_user_details: { country: 'de' } }), /country/],
    [profiles.create({ external_user_details: { onboarded_at: future } }), /onboarded_at/],
    [profiles.create({ name: 'x'.repeat(256) }), /name/],
    [profiles.update(id, { external_user_details: { reference_id: null } }), /reference_id/],
    [client.beta.userProfiles.create({ external_user_details: {} }), /external_user_details/],
  ]
  for (const [call, field] of refusals) {
    const { status, message } = await refusalOf(call)
    expect([status, field.test(message)], message).toEqual([400, true])
  }
})

test('each beta serves the shape of its time over the same profile', async () => {
  const { client, decide } = await house()
  const onboarded = '2026-02-01T00:00:00.000Z'
  const old = await client.beta.userProfiles.create({
    name: 'Bob',
    external_id: 'row-9',
    external_user_onboarded_at: onboarded,
  })
  expectInterface(old, 'user-profiles/user-profiles', 'BetaUserProfile')
  await decide(old.id, { cyber: 'pending' })
  const retrieve = (beta: string) =>
    client.userProfiles.retrieve(old.id, {}, { headers: { 'anthropic-beta': beta } })
  const grants = { cyber: { status: 'pending' } }
  const flat = { external_id: 'row-9', trust_grants: grants }
  expect(await client.beta.userProfiles.retrieve(old.id)).toMatchObject({
    ...flat,
    access_type: 'application',
    external_user_onboarded_at: onboarded,
  })
  const oldest = await retrieve('user-profiles-2026-03-24')
  expect(oldest).toMatchObject(flat)
  expect(Object.keys(oldest)).not.toEqual(expect.arrayContaining(['access_type']))
  const middle = await retrieve('user-profiles-2026-09-04')
  expect(middle).toMatchObject({ trust_grants: grants, external_user_details: { reference_id: 'row-9' } })
  expect(Object.keys(middle)).not.toEqual(expect.arrayContaining(['programs']))
  const current = await client.userProfiles.retrieve(old.id)
  expect(current.programs.cyber).toMatchObject({ status: 'pending', tiers: { a: { status: 'inactive' } } })
  const [listed] = (await client.userProfiles.list()).data
  expect(listed?.programs.cyber?.tiers).toEqual({})

  const changed = await client.beta.userProfiles.update(old.id, { external_id: 'row-10' })
  expect(changed.external_id).toBe('row-10')
  expect((await client.beta.userProfiles.list()).data).toEqual([changed])
  await client.beta.userProfiles.delete(old.id)
})

test('a list sorts by time or name, and goes on past what is deleted meanwhile', async () => {
  const { client } = await house()
  const profiles = client.userProfiles
  const names = ['beta', 'Alpha', null, 'gamma']
  const made = []
  for (const name of names) made.push(await profiles.create({ name }))
  const sorted = async (params: Parameters<typeof profiles.list>[0]) =>
    (await collect(profiles.list({ limit: 1, ...params }))).map(({ name }) => name)
  expect(await sorted({})).toEqual(names.toReversed())
  expect(await sorted({ order: 'asc' })).toEqual(names)
  expect(await sorted({ order_by: 'name', order: 'asc' })).toEqual(['Alpha', 'beta', 'gamma', null])
  expect(await sorted({ order_by: 'name' })).toEqual(['gamma', 'beta', 'Alpha', null])

  const first = await profiles.list({ limit: 2, order: 'asc' })
  await profiles.delete(made[1]?.id ?? '')
  expect((await first.getNextPage()).data.map(({ name }) => name)).toEqual([null, 'gamma'])
  const foreign = { page: first.next_page, order: 'desc' } as const
  expect((await refusalOf(profiles.list(foreign).then())).message).toMatch(/page/)
})

test('a filter by enforcement walks through empty pages, and a restriction ends with its time', async () => {
  const { client, clock, decide } = await house()
  const profiles = client.userProfiles
  const made = []
  for (let at = 0; at < 5; at += 1) made.push(await profiles.create({}))
  const [banned = '', restricted = ''] = made.map(({ id }) => id)
  await decide(banned, { open: { type: 'ban', reason: 'high_harm' } })
  const expires_at = new Date(clock.nowMs() + 1000).toISOString()
  await decide(restricted, { open: { type: 'restriction', reason: 'fraud_or_abuse', expires_at } })

  const found = await collect(profiles.list({ limit: 1, enforcement_status: ['banned', 'restricted'] }))
  expect(found.map(({ id, enforcement_status }) => [id, enforcement_status])).toEqual([
    [restricted, 'restricted'],
    [banned, 'banned'],
  ])
  const [ban] = found[1]?.enforcement_actions ?? []
  expectInterface(ban, '../user-profiles/user-profiles', 'UserProfileEnforcementActionBan')
  const refused = client.beta.userProfiles.list({}, { query: { enforcement_status: ['banned'] } })
  expect((await refusalOf(refused.then())).status).toBe(400)

  clock.advance(1000)
  expect((await profiles.retrieve(restricted)).enforcement_status).toBe('unrestricted')
  await decide(banned, { resolve: ban?.id })
  expect(await collect(profiles.list({ enforcement_status: ['banned', 'restricted'] }))).toEqual([])
})

test('a URL for the end user works for a while; enrollment is of the betas alone', async () => {
  const { client, clock, simulator } = await house()
  const { id } = await client.userProfiles.create({})
  const action = { action: { type: 'enroll_end_user' } } as const
  const url = await client.userProfiles.actionURLs.create(id, action)
  expectInterface(url, '../user-profiles/action-urls', 'UserProfileActionURL')
  expect(Date.parse(url.expires_at)).toBeGreaterThan(clock.nowMs())
  const again = await client.beta.userProfiles.actionURLs.create(id, action)
  expect(again.url).not.toBe(url.url)
  const enrollment = await client.beta.userProfiles.createEnrollmentURL(id)
  expectInterface(enrollment, 'user-profiles/user-profiles', 'BetaUserProfileEnrollmentURL')
  const plain = await send(`${simulator.url}/v1/user_profiles/${id}/enrollment_url`, {
    method: 'POST',
    headers: { 'x-api-key': simulator.apiKey, 'anthropic-version': '2026-10-21' },
  })
  expect(plain.status).toBe(404)
  expect((await refusalOf(client.userProfiles.actionURLs.create('uprof_x', action))).status).toBe(404)
})

test('a tunnel keeps its token until it is rotated, and loses all when it is archived', async () => {
  const { client } = await house()
  const { tunnels } = client.beta
  const tunnel = await tunnels.create({ display_name: 'office' })
  expectInterface(tunnel, 'tunnels/tunnels', 'BetaTunnel')
  const token = await tunnels.revealToken(tunnel.id)
  expectInterface(token, 'tunnels/tunnels', 'BetaTunnelToken')
  expect(await tunnels.revealToken(tunnel.id)).toEqual(token)
  const rotated = await tunnels.rotateToken(tunnel.id, { reason: 'leaked' })
  expect([rotated.id === token.id, rotated.tunnel_token === token.tunnel_token]).toEqual([false, false])
  const certificate = await tunnels.certificates.create(tunnel.id, {
    ca_certificate_pem: impostorCertificate,
  })

  const other = await tunnels.create({})
  expect((await collect(tunnels.list({ limit: 1 }))).map(({ id }) => id)).toEqual([other.id, tunnel.id])
  const archived = await tunnels.archive(tunnel.id)
  expect(archived.archived_at).not.toBeNull()
  expect(await tunnels.archive(tunnel.id)).toEqual(archived)
  expect(await tunnels.retrieve(tunnel.id)).toEqual(archived)
  expect((await tunnels.list()).data.map(({ id }) => id)).toEqual([other.id])
  expect((await tunnels.list({ include_archived: true })).data).toHaveLength(2)
  expect((await refusalOf(tunnels.revealToken(tunnel.id))).status).toBe(400)
  const own = { tunnel_id: tunnel.id }
  expect((await tunnels.certificates.retrieve(certificate.id, own)).archived_at).toBe(archived.archived_at)
})

test('a tunnel trusts at most two certificates, each of an authority and without its key', async () => {
  const { client, simulator } = await house()
  const { tunnels } = client.beta
  const { id } = await tunnels.create({})
  const add = (ca_certificate_pem: string) => tunnels.certificates.create(id, { ca_certificate_pem })
  const first = await add(impostorCertificate)
  expectInterface(first, 'tunnels/certificates', 'BetaTunnelCertificate')
  expect(first).toMatchObject({ tunnel_id: id, fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(first.expires_at).toMatch(/^2126-10-30T16:27:15/)
  const second = await add(impostorCertificate)
  expect((await refusalOf(add(impostorCertificate))).message).toMatch(/at most 2/)
  const own = { tunnel_id: id }
  const archived = await tunnels.certificates.archive(first.id, own)
  expect(await tunnels.certificates.retrieve(first.id, own)).toEqual(archived)
  expect((await collect(tunnels.certificates.list(id))).map((each) => each.id)).toEqual([second.id])
  expect(await collect(tunnels.certificates.list(id, { include_archived: true, limit: 1 }))).toHaveLength(2)

  const key = readFileSync(new URL('../support/impostor/key.pem', import.meta.url), 'utf8')
  expect((await refusalOf(add(impostorCertificate + key))).message).toMatch(/private key/)
  expect((await refusalOf(add(impostorCertificate.repeat(2)))).message).toMatch(/exactly one/)
  expect((await refusalOf(add('-----BEGIN CERTIFICATE-----\nnonsense'))).message).toMatch(/not a PEM/)
  const headers = { 'x-api-key': simulator.apiKey, 'anthropic-version': '2026-10-21' }
  expect((await send(`${simulator.url}/v1/tunnels`, { headers })).status).toBe(404)
})
