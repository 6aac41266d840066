// A change of the policies under a running gateway: taken whole and audited, or refused whole and seen.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addCaller } from '../support/callers.ts'
import { gatewayEnv, startGatewayProcess } from '../support/gateway-process.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

let house: TestHouse
const path = (name: string) => join(house.policiesDir, name)

beforeAll(async () => {
  house = await openTestHouse()
})
afterAll(() => house.destroy())

type Change = {
  readonly old_hash: string
  readonly new_hash: string
  readonly files: string
  readonly diff: string
}

async function changes(): Promise<readonly Change[]> {
  await house.writer.flush()
  return house.ledger.query<Change>(
    'SELECT old_hash, new_hash, files, diff FROM tollgate.policy_changes FINAL ORDER BY change_id',
  )
}

async function metric(name: string): Promise<string | undefined> {
  const text = await (await house.admin('/metrics')).text()
  return text
    .split('\n')
    .find((line) => line.startsWith(name))
    ?.split(' ')
    .at(-1)
}

test('a valid change is in force and in the audit, with the lines that differ and both hashes', async () => {
  const before = house.policies.current().snapshot.hash
  const rule = 'p, *, platform, agent.create, agent/*, deny'
  appendFileSync(path('policy.csv'), `${rule}\n`)
  await house.policies.refresh()
  await expect(
    house.client().beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' }),
  ).rejects.toMatchObject({ status: 403 })

  const after = house.policies.current().snapshot.hash
  const line = readFileSync(path('policy.csv'), 'utf8').split('\n').indexOf(rule) + 1
  expect(await changes()).toEqual([
    { old_hash: before, new_hash: after, files: 'policy.csv', diff: `+ policy.csv:${line} ${rule}` },
  ])
  expect(after).not.toBe(before)
})

test('every decision carries the hash of the policies it was made by, a denial too', async () => {
  await house.writer.flush()
  const rows = await house.ledger.query<{ policy_hash: string; capabilities: string }>(
    "SELECT policy_hash, capabilities FROM tollgate.exchanges FINAL WHERE operation = 'agents.create'",
  )
  expect(rows).toHaveLength(1)
  expect(rows[0]?.policy_hash).toBe(house.policies.current().snapshot.hash)
  expect(rows[0]?.capabilities.split('\n')).toContain('model.use model/claude-sonnet-5-5')
})

test('a change of the directory is told by who and which key, never by a hash', async () => {
  const key = addCaller(house, 'newcomer', 'platform', 'viewer')
  await house.policies.refresh()
  const id = key.slice('tg_live_'.length, 'tg_live_'.length + 12)
  const last = (await changes()).at(-1)
  expect(last).toMatchObject({ files: 'directory.yaml', diff: `+ caller newcomer\n+ key ${id}` })
  expect(JSON.stringify(await changes())).not.toContain('hmac')
})

test('an invalid change leaves the last good policies in force, turns readiness red and can be alarmed on', async () => {
  const good = readFileSync(path('policy.csv'), 'utf8')
  const count = (await changes()).length
  const { hash } = house.policies.current().snapshot
  expect(await metric('tollgate_policies_invalid')).toBe('0')
  writeFileSync(path('policy.csv'), `${good}p, role:nobody\n`)
  await house.policies.refresh()

  expect(house.policies.current().snapshot.hash).toBe(hash)
  expect(house.policies.problem()).toMatch(/^policy\.csv:\d+: /)
  const ready = await fetch(`${house.adminUrl}/ready`)
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('policy.csv:')])
  expect(await metric('tollgate_policies_invalid')).toBe('1')
  expect(await metric('tollgate_policy_reloads_total{set="live",result="refused"}')).toBe('1')

  writeFileSync(path('policy.csv'), good)
  await house.policies.refresh()
  expect((await fetch(`${house.adminUrl}/ready`)).status).toBe(200)
  expect(await metric('tollgate_policies_invalid')).toBe('0')
  // Nothing was ever in force that is not in the audit, and back to the same is no change.
  expect(await changes()).toHaveLength(count)
})

test('the files are looked at without being told', async () => {
  appendFileSync(path('pins.yaml'), '# somebody was here\n')
  await until(changes, (all) => all.at(-1)?.files === 'pins.yaml')
  expect((await changes()).at(-1)?.diff).toContain('# somebody was here')
})

test('SIGHUP reloads a running gateway, also when no file looks changed, and does not end it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-hup-'))
  const gateway = await startGatewayProcess(gatewayEnv(folder, {}))
  expect(gateway.output()).not.toContain('policies reloaded')
  process.kill(gateway.pid, 'SIGHUP')
  await until(gateway.output, (text) => text.includes('policies reloaded'))
  expect((await fetch(`${gateway.adminUrl}/live`)).status).toBe(200)
  expect(await gateway.end('SIGTERM')).toEqual({ code: 0, signal: null })
  rmSync(folder, { recursive: true, force: true })
})
