// Keys under attack: forged, cut, mixed, guessed; sent from the wrong place; and what the time of a refusal could tell.
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { crc32 } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { parseDirectory } from '../../src/identify/directory.ts'
import { addKey } from '../../src/identify/directory-edit.ts'
import { createFirstDirectory } from '../../src/identify/directory-file.ts'
import { createIdentify } from '../../src/identify/identify.ts'
import { acceptOwnHeader } from '../../src/identify/own-header.ts'
import { mintKey } from '../../src/identify/virtual-key.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { openInjectedCorridor } from '../support/injected-corridor.ts'

const pepper = new Secret('test pepper')
const nowMs = Date.UTC(2027, 0, 1)
const knownRoles = new Set(['admin'])

/** A doorkeeper with one key from anywhere and one from 10.0.0.0/8. */
function openDoor(of: Secret = pepper) {
  const first = createFirstDirectory({ pepper, nowMs })
  const bound = addKey(
    first.text,
    'directory.yaml',
    {
      caller: 'inside',
      team: 'platform',
      roles: ['admin'],
      createdMs: nowMs,
      expiresMs: nowMs + 86_400_000,
      cidrs: ['10.0.0.0/8'],
    },
    { pepper, knownRoles },
  )
  const directory = parseDirectory(bound.text, 'directory.yaml', knownRoles)
  const identify = createIdentify({
    directory: () => directory,
    pepper: of,
    clock: { nowMs: () => nowMs, monotonicMs: () => 0 },
  })
  return { identify, key: first.key.reveal(), bound: bound.key.reveal() }
}

const from = (ip: string) => ({ ip, certificate: null })
const codeOf = (answer: object) =>
  'code' in answer ? String(answer.code).replace('identify.', '') : 'identified'

/** What of Node's crypto a call of `work` used, in order. The functions themselves still do the work. */
function workOf(work: () => unknown): readonly string[] {
  const { createHmac, createHash, timingSafeEqual } = crypto
  const used: string[] = []
  crypto.createHmac = (algorithm, key, options) => {
    used.push(`hmac ${algorithm}`)
    return createHmac(algorithm, key, options)
  }
  crypto.createHash = (algorithm, options) => {
    used.push(`hash ${algorithm}`)
    return createHash(algorithm, options)
  }
  crypto.timingSafeEqual = (a, b) => {
    used.push(`compare ${a.byteLength}`)
    return timingSafeEqual(a, b)
  }
  const restore = (): void => {
    Object.assign(crypto, { createHmac, createHash, timingSafeEqual })
    syncBuiltinESMExports()
  }
  syncBuiltinESMExports()
  try {
    work()
  } finally {
    restore()
  }
  return used
}

test('a key id that exists, one that does not, and a wrong secret cost the same work', () => {
  const { identify, key } = openDoor()
  const [, , id = '', rest = ''] = key.split('_')
  const other = mintKey().text.reveal()
  // Right id and a secret of another key, with the checksum that goes with them.
  const wrong = rightChecksum(`tg_live_${id}_${other.split('_')[3]?.slice(0, 43)}`)
  const near = rightChecksum(`tg_live_${id}_${rest.slice(0, 42)}${rest[42] === 'a' ? 'b' : 'a'}`)
  const ask = (text: string) =>
    workOf(() =>
      expect(codeOf(identify(['x-api-key', text], '', from('10.0.0.1')))).toBe('credential_unknown'),
    )
  const unknownId = ask(other)
  expect(unknownId.filter((line) => line.startsWith('hmac'))).toHaveLength(1)
  expect(unknownId.filter((line) => line.startsWith('compare'))).toEqual(['compare 32'])
  expect([ask(wrong), ask(near)]).toEqual([unknownId, unknownId])
})

test('a wrong key is compared anew each time: nothing that was refused is remembered', () => {
  const { identify } = openDoor()
  const other = mintKey().text.reveal()
  const ask = () => workOf(() => identify(['x-api-key', other], '', from('10.0.0.1')))
  expect([ask(), ask()]).toEqual([ask(), ask()])
})

/** The text with the checksum that belongs to it. */
function rightChecksum(body: string): string {
  let rest = crc32(body)
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let text = ''
  while (rest > 0) {
    text = digits.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return body + text.padStart(6, '0')
}

test.each<[string, (key: string) => string]>([
  ['cut at its end', (key) => key.slice(0, -1)],
  ['cut at its beginning', (key) => key.slice(1)],
  ['made longer', (key) => `${key}0`],
  ['in capitals', (key) => key.toUpperCase()],
  ['with its beginning in capitals', (key) => key.replace('tg_live_', 'TG_LIVE_')],
  ['of another environment', (key) => key.replace('tg_live_', 'tg_test_')],
  [
    'of another environment, with its checksum',
    (key) => rightChecksum(key.slice(0, -6).replace('live', 'test')),
  ],
  ['with another checksum', (key) => `${key.slice(0, -6)}000000`],
  ['with full-width letters', (key) => key.replace('tg', 'ｔｇ')],
  ['quoted', (key) => `"${key}"`],
  ['twice', (key) => key + key],
  ['with a key of the upstream behind it', (key) => `${key}sk-ant-api03-x`],
  ['with its parts swapped', (key) => key.replace(/^tg_live_(\w{12})_(\w+)$/, 'tg_live_$2_$1')],
  ['named like a member of every object', () => rightChecksum(`tg_live_hasOwnProper_${'a'.repeat(43)}`)],
])('a key %s lets nobody in, and is not repeated', (_name, change) => {
  const { identify, key } = openDoor()
  for (const headers of [
    ['x-api-key', change(key)],
    ['authorization', `Bearer ${change(key)}`],
    ['x-tollgate-key', change(key)],
  ]) {
    const answer = acceptOwnHeader(identify)(headers, '', from('127.0.0.1'))
    if (answer instanceof Promise) throw new Error('a key has to wait')
    expect(codeOf(answer)).toMatch(/^credential_(?:malformed|unknown|conflict)$/)
    expect(JSON.stringify(answer)).not.toContain(key.slice(-49, -6))
  }
})

test('a key of a gateway with another pepper is not known here', () => {
  const { identify, key } = openDoor(new Secret('the pepper of another environment'))
  expect(codeOf(identify(['x-api-key', key], '', from('127.0.0.1')))).toBe('credential_unknown')
})

test('where a request says that it comes from does not move a key that is bound to addresses', async () => {
  const { identify, bound } = openDoor()
  const corridor = await openInjectedCorridor({ identify })
  onTestFinished(() => corridor.close())
  const ask = (ip: string, headers: { readonly [name: string]: string } = {}) =>
    corridor.ask({ method: 'GET', path: '/v1/agents', ip, headers: { 'x-api-key': bound, ...headers } })
  expect((await ask('10.1.2.3')).status).not.toBe(401)
  const inside = '10.1.2.3'
  for (const headers of [
    { 'x-forwarded-for': inside },
    { 'x-forwarded-for': `${inside}, 203.0.113.9` },
    { 'x-real-ip': inside },
    { forwarded: `for=${inside}` },
    { 'cf-connecting-ip': inside, 'true-client-ip': inside, 'x-client-ip': inside },
    { 'x-envoy-external-address': inside, 'fastly-client-ip': inside, via: inside },
  ]) {
    expect((await ask('203.0.113.9', headers)).code).toBe('identify.address_refused')
  }
  for (const ip of [
    '::1',
    '2001:db8::a01:203',
    '::10.1.2.3',
    'fe80::a01:203%eth0',
    '::ffff:203.0.113.9',
    '110.1.2.3',
  ]) {
    expect([ip, (await ask(ip)).code]).toEqual([ip, 'identify.address_refused'])
  }
  expect((await ask('::ffff:10.1.2.3')).status).not.toBe(401)
})

test('a key in the query is refused whatever the parameter is called and however it is written, right key beside it or not', () => {
  const { identify, key } = openDoor()
  const escaped = [...key].map((mark) => `%${mark.charCodeAt(0).toString(16)}`).join('')
  for (const query of [
    `limit=1&any=${key}`,
    `${key}`,
    `any=x${key}y`,
    `any=${escaped}`,
    `${escaped}=1`,
    'API_KEY=1',
    'access%5Ftoken=1',
    `beta=true&beta=${key}`,
    'x=eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.',
  ]) {
    const answer = identify(['x-api-key', key], query, from('127.0.0.1'))
    expect([query.length, codeOf(answer)]).toEqual([query.length, 'credential_in_query'])
    expect(JSON.stringify(answer)).not.toContain(key)
  }
})
