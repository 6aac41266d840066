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

async function keys(...args: readonly string[]) {
  const said = { out: '', err: '' }
  const code = await runTollgate(['keys', 'create', ...args], {
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
  return createIdentify({ directory: () => directory, pepper, clock: systemClock })(['x-api-key', key], '')
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
