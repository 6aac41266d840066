// `tollgate keys create`: a key for one more caller, and a directory that a reviewer still recognises.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exitCodes } from '../../src/cli/command-io.ts'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { prepareFirstRun } from '../../src/first-run.ts'
import { parseDirectory } from '../../src/identify/directory.ts'
import { createIdentify } from '../../src/identify/identify.ts'
import { loadPepper } from '../../src/identify/pepper.ts'
import { systemClock } from '../../src/kernel/clock.ts'

let folder: string
const shipped = fileURLToPath(new URL('../../policies', import.meta.url))
const roles = new Set(['viewer', 'developer', 'operator', 'admin', 'auditor', 'service'])
const directoryText = () => readFileSync(join(folder, 'policies', 'directory.yaml'), 'utf8')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-keys-'))
  cpSync(shipped, join(folder, 'policies'), {
    recursive: true,
    filter: (path) => !path.endsWith('directory.yaml'),
  })
  prepareFirstRun(join(folder, 'data'), join(folder, 'policies'), Date.now())
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const keys = (...args: readonly string[]) => command('create', ...args)

async function command(...args: readonly string[]) {
  const said = { out: '', err: '' }
  const code = await runTollgate(['keys', ...args], {
    env: { TOLLGATE_DATA_DIR: join(folder, 'data'), TOLLGATE_POLICIES_DIR: join(folder, 'policies') },
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
    readFile: () => '',
    untilStopped: async () => {},
  })
  return { code, ...said }
}

function identify(key: string) {
  const directory = parseDirectory(directoryText(), 'directory.yaml', roles)
  const pepper = loadPepper(join(folder, 'data', 'pepper'))
  return createIdentify({ directory: () => directory, pepper, clock: systemClock })(['x-api-key', key], '', {
    ip: '127.0.0.1',
    certificate: null,
  })
}

test('a new caller of a new team is known by its key, and every comment is still there', async () => {
  const comments = directoryText().match(/#.*/g) ?? []
  const { code, out } = await keys(
    '--caller',
    'ci',
    '--team',
    'payments',
    '--role',
    'service',
    '--role',
    'viewer',
  )
  expect(code).toBe(exitCodes.done)
  expect(identify(out.trim())).toMatchObject({ id: 'ci', team: 'payments', roles: ['service', 'viewer'] })
  expect(comments.length).toBeGreaterThan(3)
  for (const comment of comments) expect(directoryText()).toContain(comment)
  expect(directoryText()).not.toContain(out.trim())
})

test('a caller may have two keys, so that one can be replaced without a gap', async () => {
  const first = await keys('--caller', 'ci', '--team', 'platform', '--role', 'service')
  const second = await keys('--caller', 'ci', '--days', '7')
  for (const { out } of [first, second]) expect(identify(out.trim())).toMatchObject({ id: 'ci' })
  expect(first.out).not.toBe(second.out)
})

test.each([
  [['--caller', 'ci'], /new: name its team/],
  [['--caller', 'ci', '--team', 'platform', '--role', 'emperor'], /emperor/],
  [['--caller', 'first-admin', '--team', 'payments'], /is in team `platform`/],
  [['--caller', 'Not A Name', '--team', 'platform', '--role', 'viewer'], /lower-case/],
  [['--caller', 'ci', '--days', '0'], /days/],
])('%j is refused with a reason and changes nothing', async (args, says) => {
  const before = directoryText()
  const { code, out, err } = await keys(...args)
  expect(code).not.toBe(exitCodes.done)
  expect(err).toMatch(says)
  expect(out).toBe('')
  expect(directoryText()).toBe(before)
})

const idOf = (key: string): string => key.trim().slice('tg_live_'.length, 'tg_live_'.length + 12)

test('a rotated key and its successor both work for the overlap, with the same bounds, and comments stay', async () => {
  const made = await keys('--caller', 'first-admin', '--scope', 'session.*', '--cidr', '127.0.0.0/8')
  const comments = directoryText().match(/#.*/g) ?? []
  const rotated = await command('rotate', idOf(made.out), '--overlap-hours', '2')
  expect(rotated.code).toBe(exitCodes.done)
  expect(directoryText().match(/#.*/g)).toEqual(comments)
  for (const key of [made.out.trim(), rotated.out.trim()]) {
    expect(identify(key)).toMatchObject({ id: 'first-admin', scopes: ['session.*'] })
  }
  const directory = parseDirectory(directoryText(), 'directory.yaml', roles)
  const old = directory.keys.get(idOf(made.out))?.key
  expect(old?.expiresMs).toBeLessThanOrEqual(Date.now() + 2 * 3_600_000)
  expect(directory.keys.get(idOf(rotated.out))?.key.cidrs).toEqual(['127.0.0.0/8'])
  expect(directoryText()).not.toContain(rotated.out.trim())
})

test('a revoked key is refused, cannot be revoked or rotated again, and the list says so', async () => {
  const made = await keys('--caller', 'first-admin')
  const id = idOf(made.out)
  expect((await command('revoke', id)).code).toBe(exitCodes.done)
  expect(identify(made.out.trim())).toMatchObject({ code: 'identify.credential_revoked' })
  for (const again of ['revoke', 'rotate']) {
    const { code, err } = await command(again, id)
    expect([code, err]).toEqual([exitCodes.failed, expect.stringContaining('was revoked on')])
  }
  const listed = JSON.parse((await command('list', '--json')).out)
  expect(listed.keys.find((key: { id: string }) => key.id === id)).toMatchObject({
    caller: 'first-admin',
    state: 'revoked',
  })
  expect((await command('list')).out).not.toContain(made.out.trim())
})

test('a key can be given another end, and an id that is none is told how to find one', async () => {
  const made = await keys('--caller', 'first-admin')
  expect((await command('expire', idOf(made.out), '--days', '400')).code).toBe(exitCodes.done)
  const { key } = parseDirectory(directoryText(), 'directory.yaml', roles).keys.get(idOf(made.out)) ?? {}
  expect(key?.expiresMs).toBeGreaterThan(Date.now() + 399 * 86_400_000)
  const unknown = await command('revoke', 'nothingthere')
  expect([unknown.code, unknown.err]).toEqual([
    exitCodes.failed,
    expect.stringContaining('tollgate keys list'),
  ])
})
