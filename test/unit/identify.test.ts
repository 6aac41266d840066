// Credentials: what is recognised, what is refused, and what a refusal may say.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDirectory } from '../../src/identify/directory.ts'
import { createFirstDirectory } from '../../src/identify/directory-file.ts'
import { createIdentify } from '../../src/identify/identify.ts'
import { hashKey, keyInTextPattern, keyPattern, mintKey, parseKey } from '../../src/identify/virtual-key.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { callerOf } from '../support/caller-of.ts'

const pepper = new Secret('test pepper')
const startMs = Date.UTC(2027, 0, 1)
const roles = new Set(['admin'])

/** A gateway's doorkeeper with one caller, a clock we own, and a directory we can edit as text. */
function openDoor() {
  const first = createFirstDirectory({ pepper, nowMs: startMs })
  const state = { nowMs: startMs, text: first.text }
  const door = createIdentify({
    directory: () => parseDirectory(state.text, 'directory.yaml', roles),
    pepper,
    clock: { nowMs: () => state.nowMs, monotonicMs: () => 0 },
  })
  const identify = (headers: readonly string[], query: string, ip = '127.0.0.1') =>
    door(headers, query, { ip, certificate: null })
  return { state, identify, key: first.key.reveal() }
}

const codeOf = (answer: object) => ('code' in answer ? answer.code : 'identified')

test('a minted key is recognised by the published pattern and by its own checksum', () => {
  for (let round = 0; round < 200; round++) {
    const { keyId, text } = mintKey()
    expect(text.reveal()).toMatch(keyPattern)
    expect(`x?y=${text.reveal()}&z`).toMatch(keyInTextPattern)
    expect(parseKey(text.reveal())?.keyId).toBe(keyId)
  }
})

test('changing any one character of a key makes it junk before any lookup', () => {
  const text = mintKey().text.reveal()
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom(...'0aZ_-é'), (at, character) => {
      fc.pre(text[at] !== character)
      expect(parseKey(text.slice(0, at) + character + text.slice(at + 1))).toBeUndefined()
    }),
    { numRuns: 500 },
  )
})

test('the stored hash needs the pepper', () => {
  const key = mintKey()
  expect(hashKey(pepper, key)).toMatch(/^hmac-sha256:[0-9a-f]{64}$/)
  expect(hashKey(new Secret('other'), key)).not.toBe(hashKey(pepper, key))
})

test('a key is taken as bearer, as x-api-key, and as both when they agree', () => {
  const { identify, key } = openDoor()
  const caller = callerOf({
    id: 'first-admin',
    team: 'platform',
    roles: ['admin'],
    keyId: key.slice(8, 20),
    costCentre: 'CC-0000',
    expiresMs: expect.any(Number),
  })
  expect(identify(['Authorization', `Bearer ${key}`], '')).toEqual(caller)
  expect(identify(['authorization', `bearer  ${key} `], 'beta=true')).toEqual(caller)
  expect(identify(['X-Api-Key', key], 'types%5B%5D=a&limit=3')).toEqual(caller)
  expect(identify(['x-api-key', key, 'authorization', `Bearer ${key}`], '')).toEqual(caller)
})

test.each<[string, string, (key: string) => readonly [string[], string]]>([
  ['no credential', 'credential_missing', () => [['host', 'x'], '']],
  ['junk', 'credential_malformed', () => [['x-api-key', 'hunter2'], '']],
  ['an empty key', 'credential_malformed', () => [['x-api-key', ''], '']],
  ['a provider key', 'credential_malformed', () => [['x-api-key', 'sk-ant-api03-abc'], '']],
  ['basic authorization', 'credential_malformed', (key) => [['authorization', `Basic ${key}`], '']],
  ['a bare authorization', 'credential_malformed', (key) => [['authorization', key], '']],
  [
    'two keys in one header',
    'credential_malformed',
    (key) => [['authorization', `Bearer ${key}, Bearer ${key}`], ''],
  ],
  ['an unknown key', 'credential_unknown', () => [['x-api-key', mintKey().text.reveal()], '']],
  ['the same header twice', 'credential_conflict', (key) => [['x-api-key', key, 'X-API-Key', key], '']],
  [
    'bearer twice',
    'credential_conflict',
    (key) => [['authorization', `Bearer ${key}`, 'authorization', 'Bearer x'], ''],
  ],
  [
    'two different keys',
    'credential_conflict',
    (key) => [['x-api-key', 'other', 'authorization', `Bearer ${key}`], ''],
  ],
  ['a key in the query', 'credential_in_query', (key) => [['x-api-key', key], `page=${key}`]],
  ['a key hidden by escapes', 'credential_in_query', (key) => [['x-api-key', key], `p=%74g${key.slice(2)}`]],
  ['an api_key parameter', 'credential_in_query', (key) => [['x-api-key', key], 'a=1&API_KEY=abc']],
])('%s is refused as %s, and the refusal repeats no credential', (_name, code, build) => {
  const { identify, key } = openDoor()
  const [headers, query] = build(key)
  const answer = identify(headers, query)
  expect(codeOf(answer)).toBe(`identify.${code}`)
  const said = JSON.stringify(answer)
  for (const part of [key, key.slice(8, 20), 'hunter2', 'sk-ant-api03', 'API_KEY=abc'])
    expect(said).not.toContain(part)
})

test('a right key id with a wrong secret is unknown, and the id is not confirmed', () => {
  const { identify, key, state } = openDoor()
  const stranger = mintKey()
  state.text = state.text.replace(key.slice(8, 20), stranger.keyId)
  const answer = identify(['x-api-key', stranger.text.reveal()], '')
  expect(codeOf(answer)).toBe('identify.credential_unknown')
  expect(JSON.stringify(answer)).not.toContain(stranger.keyId)
})

test('a key works until the millisecond it expires, and the refusal names its id', () => {
  const { identify, key, state } = openDoor()
  state.nowMs = startMs + 90 * 86_400_000 - 1
  expect(codeOf(identify(['x-api-key', key], ''))).toBe('identified')
  state.nowMs += 1
  const answer = identify(['x-api-key', key], '')
  expect(answer).toMatchObject({ code: 'identify.credential_expired' })
  expect(JSON.stringify(answer)).toContain(key.slice(8, 20))
})

test('a key revoked in a reloaded directory stops at once', () => {
  const { identify, key, state } = openDoor()
  expect(codeOf(identify(['x-api-key', key], ''))).toBe('identified')
  state.text = `${state.text.trimEnd()}\n        revoked: 2027-01-01\n`
  expect(codeOf(identify(['x-api-key', key], ''))).toBe('identify.credential_revoked')
})

test('a key bound to addresses is refused from elsewhere, in either form of an address, and nowhere by accident', () => {
  const { identify, key, state } = openDoor()
  state.text = `${state.text.trimEnd()}\n        cidrs: [10.1.0.0/16, 2001:db8::/32, 192.0.2.7]\n`
  const from = (ip: string) => codeOf(identify(['x-api-key', key], '', ip))
  for (const ip of ['10.1.0.1', '10.1.255.255', '::ffff:10.1.2.3', '2001:db8::1', '192.0.2.7']) {
    expect([ip, from(ip)]).toEqual([ip, 'identified'])
  }
  for (const ip of ['10.2.0.1', '::ffff:10.2.0.1', '2001:db9::1', '192.0.2.8', '127.0.0.1', '::1', '', 'x']) {
    expect([ip, from(ip)]).toEqual([ip, 'identify.address_refused'])
  }
})

test('scopes come with the caller, and a range or scope that means nothing is an error with its line', () => {
  const { identify, key, state } = openDoor()
  const plain = state.text.trimEnd()
  state.text = `${plain}\n        scopes: [session.*, event.send]\n`
  expect(identify(['x-api-key', key], '')).toMatchObject({ scopes: ['session.*', 'event.send'] })
  for (const wrong of [
    'cidrs: [10.0.0.0/33]',
    'cidrs: [ten]',
    'cidrs: []',
    'scopes: [Session]',
    'scopes: []',
  ]) {
    state.text = `${plain}\n        ${wrong}\n`
    expect(() => identify(['x-api-key', key], '')).toThrow(/directory\.yaml:\d+/)
  }
})
