// Two whole gateways on one ClickHouse and one upstream: the bill is right, each session is watched by one of them, and when
// one is gone the other watches everything.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseUsd } from '../../src/kernel/money.ts'
import type { House } from '../../src/main.ts'
import { openHouseOn, openTestHouse, type TestHouse } from '../support/house.ts'
import { startSharedClickHouse } from '../support/shared-clickhouse.ts'
import { until } from '../support/until.ts'

const watching = { TOLLGATE_WATCH: 'on', TOLLGATE_WATCH_SWEEP_MS: '300', TOLLGATE_WATCH_CHECK_MS: '300' }
let folder = ''
let clickhouse: Awaited<ReturnType<typeof startSharedClickHouse>>
let one: TestHouse
let two: House & Pick<TestHouse, 'usage'>
let isTwoOpen = true
let agent = ''
let environment = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-shared-'))
  clickhouse = await startSharedClickHouse(folder)
  one = await openTestHouse({ env: { ...watching, ...clickhouse.env } })
  mkdirSync(join(folder, 'data'))
  copyFileSync(join(one.folder, 'data', 'pepper'), join(folder, 'data', 'pepper'))
  two = await openHouseOn(folder, {
    ...watching,
    ...clickhouse.env,
    TOLLGATE_POLICIES_DIR: one.policiesDir,
    TOLLGATE_UPSTREAM_URL: one.simulator.url,
    ANTHROPIC_API_KEY: one.simulator.apiKey,
  })
  environment = (await clientOf(one).beta.environments.create({ name: 'prod' })).id
  agent = (await clientOf(one).beta.agents.create({ name: 'bot', model: 'claude-sonnet-5-5' })).id
}, 60_000)
afterAll(async () => {
  if (isTwoOpen) await two.close()
  await one.destroy()
  await clickhouse.close()
  rmSync(folder, { recursive: true, force: true })
})

const clientOf = ({ gatewayUrl }: Pick<House, 'gatewayUrl'>) =>
  new Anthropic({ baseURL: gatewayUrl, apiKey: one.key, maxRetries: 0 })

/** A session that is made through a gateway, set to work, and that nobody reads. */
async function work(house: Pick<House, 'gatewayUrl'>): Promise<string> {
  const client = clientOf(house)
  const { id } = await client.beta.sessions.create({ agent, environment_id: environment })
  const content = [{ type: 'text' as const, text: 'go' }]
  await client.beta.sessions.events.send(id, { events: [{ type: 'user.message', content }] })
  return id
}

const reads = async (house: Pick<House, 'adminUrl'>): Promise<number> => {
  const answer = await fetch(`${house.adminUrl}/metrics`, { headers: { authorization: `Bearer ${one.key}` } })
  const lines = (await answer.text()).split('\n')
  return lines
    .filter((line) => line.startsWith('tollgate_watch_reads_total') && !line.includes('kind="sweep"'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** Waits until the ledger has of every session what the upstream bills. */
async function agrees(): Promise<void> {
  await until(
    async () => {
      if (isTwoOpen) await two.writer.flush()
      const lines = (await one.usage('session')).lines
      return one.simulator.bill().sessions.map((bill) => {
        const line = lines.find(({ key }) => key === bill.session_id)
        // The report rounds once and gives what is left over to single lines.
        const off = parseUsd(line?.cost_usd ?? '-1') - parseUsd(bill.cost_usd ?? '-1')
        return [off >= -1n && off <= 1n, line?.running_ms === bill.running_ms]
      })
    },
    (found) => found.flat().every(Boolean),
  )
}

const alive = async (): Promise<number> =>
  (
    await one.ledger.query(
      "SELECT 1 FROM tollgate.replicas FINAL WHERE is_gone = 0 AND seen_at > now64(3, 'UTC') - INTERVAL 15 SECOND",
    )
  ).length

test('both share the watching, and the ledger is the bill', async () => {
  await until(alive, (count) => count === 2)
  const before = [await reads(one), await reads(two)]
  for (let count = 0; count < 6; count += 1) {
    await work(one)
    await work(two)
  }
  await agrees()
  const after = [await reads(one), await reads(two)]
  expect(after.map((count, at) => count > (before[at] ?? 0))).toEqual([true, true])
  expect((await one.usage('team')).total).toMatchObject({ sessions: 12, unpriced_requests: 0 })
}, 60_000)

test('when one goes the other watches what was its', async () => {
  isTwoOpen = false
  await two.close()
  await until(alive, (count) => count === 1)
  for (let count = 0; count < 4; count += 1) await work(one)
  await agrees()
}, 60_000)
