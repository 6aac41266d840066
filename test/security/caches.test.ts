// Attacks by what Tollgate remembers: nothing that one caller, key or account has taught it decides about another.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCarriedAgents } from '../../src/authorize/carried-agents.ts'
import type { Caller } from '../../src/identify/caller.ts'
import { operations } from '../../src/upstream/operations.ts'
import { type BesiegedHouse, openBesiegedHouse } from '../support/besieged-house.ts'

let besieged: BesiegedHouse

beforeAll(async () => {
  besieged = await openBesiegedHouse()
})
afterAll(() => besieged.destroy())

const make = (key: string): string =>
  [
    ...['POST /v1/environments HTTP/1.1', 'Host: tollgate', `authorization: Bearer ${key}`],
    ...['content-type: application/json', 'content-length: 2', '', '{}'],
  ].join('\r\n')

test('a key that was just let in lets in no other, on its connection or the next', async () => {
  const { admin, viewer } = besieged
  // One character of the secret: the id is the same, and was verified a moment ago.
  const forged = admin.slice(0, 40) + (admin[40] === 'a' ? 'b' : 'a') + admin.slice(41)
  const keys = [admin, forged, viewer, admin.slice(0, -1), admin]
  const expected = [
    200,
    'identify.credential_malformed',
    'authorize.denied',
    'identify.credential_malformed',
    200,
  ]
  expect(besieged.codesOf(await besieged.attack(keys.map(make).join(''), keys.length))).toEqual(expected)
  const apart = []
  for (const key of keys) apart.push(...besieged.codesOf(await besieged.attack(make(key))))
  expect(apart).toEqual(expected)
  await besieged.expectAllCounted()
})

const operation = operations.find(({ id }) => id === 'sessions.create')

const callerOf = (team: string): Caller => ({
  ...{ id: 'c', team, roles: [], keyId: 'k', costCentre: '', via: 'key', subject: '' },
  // With scopes it is not taken for one who may hand out everything.
  ...{ scopes: ['session.*'], expiresMs: null, bringsUpstreamBearer: false },
})

/** What `team` would run by naming version 1 of the one id that every account here has. */
async function carriedBy(find: ReturnType<typeof createCarriedAgents>, team: string): Promise<unknown> {
  if (operation === undefined) throw new Error('no operation starts sessions')
  const policy = besieged.house.policies.current().snapshot
  const parsed = { agent: { type: 'agent', id: 'agent_same', version: 1 } }
  return find({ operation, caller: callerOf(team), parsed, policy })
}

test('an agent of one account is not taken for the one of the same id in another', async () => {
  const find = createCarriedAgents({
    upstreamOf: (team) => `account of ${team}`,
    readUpstream: async (team) => ({ status: 200, body: { id: 'agent_same', version: 1, system: team } }),
  })
  for (const team of ['harmless', 'dangerous', 'harmless']) {
    expect(await carriedBy(find, team)).toMatchObject([{ agent: { system: team } }])
  }
})

test('an upstream that answers another version than was asked for is not believed', async () => {
  const find = createCarriedAgents({
    upstreamOf: () => '',
    readUpstream: async () => ({ status: 200, body: { id: 'agent_same', version: 2 } }),
  })
  expect(await carriedBy(find, 'any')).toMatchObject({ kind: 'denial', code: 'ownership.unavailable' })
})
