// The whole way: what passed the gateway ties with the provider's own report, and what did not is found and priced.
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseUsd } from '../../src/kernel/money.ts'
import { type Accounting, openAccounting } from '../support/accounting.ts'
import { scenarios } from '../support/billed-scenarios.ts'
import { openHouseOn } from '../support/house.ts'
import { runCommand } from '../support/run-command.ts'
import { until } from '../support/until.ts'

const minute = 60_000
const dayMs = 1_440 * minute
const startMs = Math.floor(Date.now() / dayMs) * dayMs - 10 * dayMs + 60 * minute
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const range = ['--from', day(startMs), '--to', day(startMs + 3 * dayMs)]
const adminKey = 'sk-ant-admin-sim-local'

let books: Accounting
beforeAll(async () => {
  books = await openAccounting({
    startMs,
    scenarios,
    env: {
      TOLLGATE_WATCH: 'on',
      TOLLGATE_WATCH_SWEEP_MS: '300',
      TOLLGATE_WATCH_CHECK_MS: '300',
      ANTHROPIC_ADMIN_KEY: adminKey,
    },
  })
  for (const scenario of ['chat', 'family', 'tiers']) {
    const id = await books.open('payments', 'claude-haiku-5-5', scenario)
    await books.send('payments', id)
  }
  books.clock.advance(2 * 60 * minute)
}, 60_000)
afterAll(() => books.close())

function reconcile(args: readonly string[] = [], key = books.house().key) {
  return runCommand(books.house(), key, ['reconcile', ...range, ...args])
}

const told = async (args: readonly string[] = []) => {
  const { out } = await reconcile(['--format', 'json', ...args])
  return JSON.parse(out)
}

test('what passed the gateway ties at every level, with the invoice to the cent', async () => {
  await until(
    async () => {
      await books.settle()
      return told()
    },
    ({ breaches, levels }) => breaches === 0 && levels[0]?.compared === 3,
  )
  const bill = books.house().simulator.bill().total_cost_usd ?? ''
  const cents = (parseUsd(bill) + 5_000_000_000n) / 10_000_000_000n
  const invoice = `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`
  const { code, out } = await reconcile(['--invoice', invoice])
  expect(code).toBe(0)
  for (const level of ['L0 tokens', 'L1 running time', 'L2 session cost', 'L3 session-days', 'L4 invoice'])
    expect(out).toContain(level)
  const report = await told(['--invoice', invoice])
  expect(
    report.levels.map(({ compared, tied }: { compared: number; tied: number }) => compared - tied),
  ).toEqual([0, 0, 0, 0, 0])
  expect((await reconcile(['--invoice', '9999.00'])).code).toBe(1)
}, 60_000)

test('sessions and calls that went around the gateway are UNMETERED, at exactly what they cost', async () => {
  const { simulator } = books.house()
  const around = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const before = await told()
  const billBefore = parseUsd(simulator.bill().total_cost_usd ?? '')
  await around.messages.create({
    model: 'claude-opus-5-5',
    max_tokens: 100,
    messages: [{ role: 'user', content: 'simulator: {"usage":{"input_tokens":1000000}}' }],
  })
  books.clock.advance(5 * minute)
  const report = await told()
  expect(billBefore).toBe(parseUsd(simulator.bill().total_cost_usd ?? ''))
  const found = report.differences.find(({ reason }: { reason: string }) => reason === 'messages_elsewhere')
  expect(found).toMatchObject({ product: 'messages_api', is_breach: true })
  expect(parseUsd(report.unmetered_usd) - parseUsd(before.unmetered_usd)).toBe(
    parseUsd(simulator.messageBill().total_cost_usd ?? ''),
  )
  const { code, out, err } = await reconcile()
  expect([code, out.includes('MESSAGES_ELSEWHERE'), err.includes('1 difference without')]).toEqual([
    1,
    true,
    true,
  ])
})

test('CSV has every difference, and the admin key is in no output', async () => {
  const { out, err } = await reconcile(['--format', 'csv'])
  expect(out.split('\r\n')[0]).toBe(
    'level,reason,is_breach,day,workspace_id,product,session_id,ledger_usd,provider_usd,difference_usd,detail',
  )
  expect(out).toContain('messages_elsewhere,true')
  expect(out + err).not.toContain(adminKey)
})

test('without an admin key the provider is not asked, and that is no agreement', async () => {
  const { folder, simulator } = books.house()
  const other = await openHouseOn(`${folder}/apart`, {
    TOLLGATE_UPSTREAM_URL: simulator.url,
    ANTHROPIC_API_KEY: simulator.apiKey,
  })
  const key = other.firstKey?.reveal() ?? ''
  const asked = simulator.requests().filter(({ path }) => path.includes('/analytics/')).length
  const answer = await fetch(`${other.adminUrl}/api/v1/reconcile`, {
    headers: { authorization: `Bearer ${key}` },
  })
  const report = JSON.parse(await answer.text())
  expect(report).toMatchObject({ complete: false, provider_refreshed_at: null })
  expect(report.problems[0]).toContain('TOLLGATE_PROVIDER_ADMIN_KEY_FILE')
  expect(simulator.requests().filter(({ path }) => path.includes('/analytics/'))).toHaveLength(asked)
  await other.close()
}, 60_000)
