// directory.yaml and the pepper: what is refused, with which line, and what is written.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseDirectory } from '../../src/identify/directory.ts'
import { createFirstDirectoryFile } from '../../src/identify/directory-file.ts'
import { loadOrCreatePepper } from '../../src/identify/pepper.ts'
import { hashKey, parseKey } from '../../src/identify/virtual-key.ts'
import { Secret } from '../../src/kernel/secret.ts'

const roles = new Set(['admin', 'viewer'])
const hash = `hmac-sha256:${'0'.repeat(64)}`
const valid = `unowned_to: platform
teams:
  - { name: platform, cost_centre: CC-1 }
callers:
  - id: ci
    team: platform
    roles: [viewer]
    keys:
      - id: abcdefghijkl
        hash: ${hash}
        created: 2027-01-01
        expires: 2027-03-01T00:00:00+02:00
`

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a directory links keys, callers and teams', () => {
  const directory = parseDirectory(valid, 'directory.yaml', roles)
  expect(directory.keys.get('abcdefghijkl')?.caller).toMatchObject({ id: 'ci', team: { costCentre: 'CC-1' } })
  expect(directory.keys.get('abcdefghijkl')?.key.expiresMs).toBe(Date.UTC(2027, 1, 28, 22))
  expect(directory.unownedTo).toBe('platform')
})

test.each([
  ['an unknown role', 'roles: [viewer]', 'roles: [viewer, admn]', 7, 'admn'],
  ['an unknown team', 'team: platform', 'team: plattform', 6, 'plattform'],
  ['an unknown member', 'id: ci', 'id: ci\n    rolls: []', 5, 'rolls'],
  ['a bad date', 'created: 2027-01-01', 'created: 2027-02-30', 11, 'must be a date'],
  ['an end before its beginning', '2027-03-01T00:00:00+02:00', '2026-03-01', 12, 'later than'],
  ['a missing end', '        expires: 2027-03-01T00:00:00+02:00\n', '', 9, 'expires'],
  ['a key in place of its hash', hash, 'tg_live_x', 10, 'never the key itself'],
  ['a duplicate member', 'team: platform', 'team: platform\n    team: platform', 7, 'unique'],
  ['an alias of nothing', 'cost_centre: CC-1', 'cost_centre: *c', 1, 'alias'],
  ['a capital in a name', 'id: ci', 'id: CI', 5, 'lower-case'],
  ['an unknown owner', 'unowned_to: platform', 'unowned_to: nobody', 1, 'nobody'],
])('%s is refused with its line', (_name, from, to, line, reason) => {
  expect(valid).toContain(from)
  expect(() => parseDirectory(valid.replace(from, to), 'directory.yaml', roles)).toThrow(
    expect.objectContaining({ file: 'directory.yaml', line, reason: expect.stringContaining(reason) }),
  )
})

test('two callers cannot share an id, nor two callers a key', () => {
  const second = valid.slice(valid.indexOf('  - id: ci'))
  const parse = (text: string) => () => parseDirectory(text, 'directory.yaml', roles)
  expect(parse(valid + second)).toThrow('repeats caller `ci`')
  expect(parse(valid + second.replace('id: ci', 'id: cd'))).toThrow('repeats key `abcdefghijkl`')
})

test('the first directory is written once, opens with its key, and never holds it', () => {
  const path = join(temporaryFolder(), 'policies', 'directory.yaml')
  const pepper = new Secret('p')
  const first = createFirstDirectoryFile(path, { pepper, nowMs: Date.now() })
  expect(createFirstDirectoryFile(path, { pepper, nowMs: Date.now() })).toBeUndefined()
  const text = readFileSync(path, 'utf8')
  const key = parseKey(first?.key.reveal() ?? '')
  expect(text).not.toContain(first?.key.reveal())
  expect(text.split('\n').filter((line) => line.trim().startsWith('#')).length).toBeGreaterThan(5)
  const entry = parseDirectory(text, path, roles).keys.get(key?.keyId ?? '')
  expect(entry?.key.hash).toBe(key && hashKey(pepper, key))
  expect(entry?.caller.roles).toEqual(['admin'])
})

test('the pepper is made once, for its owner alone', () => {
  const path = join(temporaryFolder(), 'data', 'pepper')
  const pepper = loadOrCreatePepper(path)
  expect(pepper.reveal()).toMatch(/^[0-9a-f]{64}$/)
  expect(loadOrCreatePepper(path).reveal()).toBe(pepper.reveal())
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('a pepper that others may read, or that is damaged, is refused without being shown', () => {
  const path = join(temporaryFolder(), 'pepper')
  const secret = loadOrCreatePepper(path).reveal()
  chmodSync(path, 0o644)
  expect(() => loadOrCreatePepper(path)).toThrow(/chmod 600/)
  writeFileSync(path, secret.slice(1))
  chmodSync(path, 0o600)
  expect(() => loadOrCreatePepper(path)).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining(secret.slice(1)) }),
  )
  expect(existsSync(path)).toBe(true)
})
