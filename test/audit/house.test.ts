// The whole way: calls through the real gateway become entries, the command line verifies, proves and exports them, and a
// killed process, a restart or a reload changes nothing about that.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { runCommand } from '../support/run-command.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-audit-'))
const anchorGitDir = join(folder, 'git')
const anchorDir = join(folder, 'anchors')
let house: TestHouse
let auditorKey = ''
let operatorKey = ''

beforeAll(async () => {
  mkdirSync(anchorGitDir)
  execFileSync('git', ['init', '--quiet', anchorGitDir])
  house = await openTestHouse({
    env: {
      TOLLGATE_AUDIT_CHECKPOINT_MS: '200',
      TOLLGATE_AUDIT_ANCHOR_DIR: anchorDir,
      TOLLGATE_AUDIT_ANCHOR_GIT_DIR: anchorGitDir,
    },
  })
  auditorKey = addCaller(house, 'eve', 'audit', 'auditor')
  operatorKey = addCaller(house, 'otto', 'platform', 'operator')
  await house.refreshPolicies()
})
afterAll(async () => {
  await house.destroy()
  rmSync(folder, { recursive: true, force: true })
})

function audit(args: readonly string[], key = auditorKey) {
  return runCommand(house, key, ['audit', ...args])
}

const count = async (sql: string): Promise<number> => {
  const [row] = await house.ledger.query<{ n: string }>(`SELECT count() AS n FROM ${sql}`)
  return Number(row?.n)
}

/** Waits until everything written is under a checkpoint. */
async function untilSigned(): Promise<void> {
  await house.writer.flush()
  const entries = await count('tollgate.audit_entries FINAL')
  await until(
    async () => {
      const [row] = await house.ledger.query<{ n: string }>(
        'SELECT max(size) AS n FROM tollgate.audit_checkpoints',
      )
      return Number(row?.n)
    },
    (size) => size >= entries,
  )
}

test('every exchange and every change of policies is one entry, whatever is killed on the way', async () => {
  const client = house.client()
  for (let kills = 0; kills < 2; kills += 1) {
    const pid = house.writer.pid()
    for (let call = 0; call < 15; call += 1) await client.beta.agents.list()
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
    await until(
      () => house.writer.pid(),
      (now) => now !== undefined && now !== pid,
    )
  }
  await expect(house.client({ apiKey: 'tg_live_wrong' }).beta.agents.list()).rejects.toThrow()
  await until(
    async () => {
      await house.writer.flush()
      return count('tollgate.exchanges FINAL')
    },
    (exchanges) => exchanges === 31,
  )
  expect(await count("(SELECT DISTINCT record_id FROM tollgate.audit_entries WHERE kind = 'exchange')")).toBe(
    31,
  )
  expect(await count("tollgate.audit_entries FINAL WHERE kind = 'exchange'")).toBe(31)
  expect(await count("tollgate.audit_entries FINAL WHERE kind = 'policy_change'")).toBeGreaterThan(0)
  await untilSigned()
  const { code, out } = await audit(['verify', '--anchor', anchorDir])
  expect([code, out.includes('sound')]).toEqual([0, true])
})

test('no entry holds a key', async () => {
  for (const key of [house.key, auditorKey, house.simulator.apiKey]) {
    expect(await count(`tollgate.audit_entries WHERE position(entry, '${key}') > 0`)).toBe(0)
  }
})

test('a restart goes on where the log ended', async () => {
  house = await house.reopen()
  await house.client().beta.agents.list()
  await untilSigned()
  const { code, out } = await audit(['verify', '--anchor', anchorDir])
  expect([code, out.split('gw_').length]).toEqual([0, 2])
})

test('a bundle and a proof are verified without the gateway, by the keys alone', async () => {
  const keys = join(folder, 'keys.txt')
  writeFileSync(keys, (await audit(['keys'])).out)
  const bundle = join(folder, 'bundle.jsonl')
  expect((await audit(['export', '--out', bundle])).code).toBe(0)
  expect(
    await audit(['verify', '--bundle', bundle, '--keys', keys, '--url', 'http://127.0.0.1:1']),
  ).toMatchObject({
    code: 0,
    err: '',
  })
  const text = readFileSync(bundle, 'utf8')
  writeFileSync(bundle, text.replace('agents.list', 'agents.lost'))
  expect(await audit(['verify', '--bundle', bundle, '--keys', keys])).toMatchObject({ code: 1 })
  writeFileSync(bundle, text.split('\n').slice(0, -3).join('\n'))
  expect(await audit(['verify', '--bundle', bundle, '--keys', keys])).toMatchObject({ code: 2 })

  const [row] = await house.ledger.query<{ id: string }>(
    'SELECT max(exchange_id) AS id FROM tollgate.exchanges',
  )
  const proof = join(folder, 'entry.tlog-proof')
  writeFileSync(proof, (await audit(['prove', row?.id ?? ''])).out)
  const proved = await audit(['verify', '--proof', proof, '--keys', keys])
  expect(proved).toMatchObject({ code: 0 })
  expect(proved.out).toContain(row?.id)
  writeFileSync(proof, readFileSync(proof, 'utf8').replace(/index \d+/, 'index 3'))
  expect(await audit(['verify', '--proof', proof, '--keys', keys])).toMatchObject({ code: 1 })
  expect(await audit(['prove', 'exch_nobody'])).toMatchObject({ code: 1, out: '' })
})

test('the newest entries are told, one a line', async () => {
  const { code, out } = await audit(['tail', '-n', '3'])
  expect([code, out.trimEnd().split('\n').length]).toEqual([0, 3])
  expect(out).toContain('agents.list allowed 200')
})

test('a new key is taken up, introduced, and what was before stays sound', async () => {
  const keys = join(folder, 'first-key.txt')
  writeFileSync(keys, (await audit(['keys'])).out)
  let made = ''
  const code = await runTollgate(['audit', 'rotate-key'], {
    env: { TOLLGATE_DATA_DIR: join(house.folder, 'data') },
    out: (text) => {
      made += text
    },
    err: () => undefined,
    readFile: (path) => readFileSync(path, 'utf8'),
    untilStopped: async () => undefined,
  })
  expect([code, made.trim().endsWith('0002.pem')]).toEqual([0, true])
  await until(
    async () => (await audit(['keys'])).out.trimEnd().split('\n').length,
    (lines) => lines === 2,
  )
  expect(await audit(['verify', '--keys', keys])).toMatchObject({ code: 0 })
})

test('only who may read the audit log reads it', async () => {
  const refused = await audit(['verify'], operatorKey)
  expect([refused.code, refused.out]).toEqual([3, ''])
  expect(refused.err).toContain('audit.read')
  for (const path of ['bundle', 'proof?id=x', 'entries', 'keys']) {
    expect((await house.admin(`/api/v1/audit/${path}`, operatorKey)).status).toBe(403)
    expect((await house.admin(`/api/v1/audit/${path}`, 'tg_live_wrong')).status).toBe(401)
  }
  expect((await house.admin('/api/v1/audit/bundle?from_ms=soon')).status).toBe(400)
})

test('the git anchor holds the newest checkpoint, and its history the ones before', async () => {
  const log = execFileSync('git', ['-C', anchorGitDir, 'log', '--oneline'], { encoding: 'utf8' })
  expect(log.trim().split('\n').length).toBeGreaterThan(1)
  const { code } = await audit(['verify', '--anchor', anchorGitDir])
  expect(code).toBe(0)
})

test('what is changed in the ledger is told with its place, and the exit code says which kind it is', async () => {
  const alter = 'ALTER TABLE tollgate.audit_entries'
  await house.ledger.command(`${alter} DELETE WHERE seq = 9 SETTINGS mutations_sync = 2`)
  const incomplete = await audit(['verify'])
  expect([incomplete.code, incomplete.err.includes('first: entry 9 is missing')]).toEqual([2, true])
  await house.ledger.command(
    `${alter} UPDATE entry = replace(entry, '"GET"', '"PUT"') WHERE seq = 4 SETTINGS mutations_sync = 2`,
  )
  const tampered = await audit(['verify'])
  expect([tampered.code, tampered.err.includes('first: entry 4 is not what its hash was made of')]).toEqual([
    1,
    true,
  ])
})
