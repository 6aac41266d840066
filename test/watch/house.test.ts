// The whole house with its watcher on: what finance reads is what the upstream bills, though no client reads anything.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseUsd } from '../../src/kernel/money.ts'
import { type Accounting, billed, openAccounting } from '../support/accounting.ts'
import { scenarios } from '../support/billed-scenarios.ts'
import { until } from '../support/until.ts'

const minute = 60_000
const startMs = Date.now() - 20 * 24 * 60 * minute

let books: Accounting
beforeAll(async () => {
  books = await openAccounting({
    startMs,
    scenarios,
    env: { TOLLGATE_WATCH: 'on', TOLLGATE_WATCH_SWEEP_MS: '500', TOLLGATE_WATCH_CHECK_MS: '500' },
  })
})
afterAll(() => books.close())

const figures = (id: string) => books.bill().find((each) => each.session_id === id)

/** Waits until the report says of a session what the bill says. */
async function agrees(id: string): Promise<void> {
  await until(
    async () => {
      await books.settle()
      const line = (await books.report()).lines.find((each) => each.key === id)
      const bill = figures(id)
      const expected = bill && { ...billed(bill), provisional_running_ms: 0, unpriced_requests: 0 }
      const off = parseUsd(line?.cost_usd ?? '0') - parseUsd(bill?.cost_usd ?? '0')
      return { expected, seen: line, off: String(off) }
    },
    ({ expected, seen, off }) =>
      seen !== undefined &&
      ['-1', '0', '1'].includes(off) &&
      Object.entries(expected ?? { none: 1 }).every(([name, value]) => Reflect.get(seen, name) === value),
  )
}

test('sessions that no client ever streams or reads cost what the upstream bills, to the cent and the millisecond', async () => {
  const chat = await books.open('payments', 'claude-sonnet-5-5', 'chat')
  const family = await books.open('search', 'claude-opus-5-5', 'family')
  const tiers = await books.open('search', 'claude-haiku-5-5', 'tiers')
  for (const id of [chat, family, tiers]) await books.send('search', id)
  books.clock.advance(2 * minute)
  await books.send('payments', chat)
  books.clock.advance(60 * minute)
  for (const id of [chat, family, tiers]) await agrees(id)
  const teams = await books.report({ groupBy: 'team' })
  expect(teams.lines.map(({ key }) => key).toSorted()).toEqual(['payments', 'search'])
})

test.each(['delete', 'archive'] as const)(
  'a session that its caller ends right after the work is complete: %s',
  async (how) => {
    const id = await books.open('search', 'claude-haiku-4-5', 'family')
    await books.send('search', id)
    books.clock.advance(60 * minute)
    await books.as('search').beta.sessions[how](id)
    await agrees(id)
  },
)

test('a client that leaves in the middle of a run takes nothing with it', async () => {
  const id = await books.open('payments', 'claude-opus-5-5', 'chat')
  const stream = await books.follow('payments', id)
  await books.send('payments', id)
  books.clock.advance(2 * minute)
  await stream.has('session.status_running')
  await stream.cut()
  books.clock.advance(30 * minute)
  await agrees(id)
})

test('a restart loses nothing of what ran meanwhile, and adds nothing to what was read', async () => {
  const id = await books.open('payments', 'claude-sonnet-5-5', 'family')
  await books.send('payments', id)
  books.clock.advance(minute)
  const before = (await books.report()).lines.length
  await Promise.all([books.reopen(), Promise.resolve(books.clock.advance(90 * minute))])
  await agrees(id)
  expect((await books.report()).lines.length).toBeGreaterThanOrEqual(before)
  for (const bill of books.bill()) if (!bill.is_deleted) await agrees(bill.session_id)
})

test('the admin listener says what the watcher does', async () => {
  const house = books.house()
  const ready = await (await house.admin('/ready')).json()
  expect(ready).toMatchObject({ ready: true })
  expect(JSON.stringify(ready)).toContain('{"name":"watcher","ok":true}')
  const metrics = await (await house.admin('/metrics')).text()
  for (const name of ['sessions', 'streams', 'lag_seconds'])
    expect(metrics).toContain(`tollgate_watch_${name}`)
  expect(metrics).toMatch(/tollgate_watch_reads_total\{kind="sweep"\} [1-9]/)
})

test('a watcher that is off asks the upstream nothing and promises nothing', async () => {
  const quiet = await openAccounting({ startMs, scenarios })
  try {
    const id = await quiet.open('payments', 'claude-haiku-4-5', 'chat')
    await quiet.send('payments', id)
    quiet.clock.advance(30 * minute)
    await quiet.settle()
    const reads = quiet
      .house()
      .simulator.requests()
      .filter(({ path }) => path.startsWith('/v1/sessions'))
    expect(reads.every(({ method }) => method === 'POST')).toBe(true)
    expect(JSON.stringify(await (await quiet.house().admin('/ready')).json())).not.toContain('watcher')
  } finally {
    await quiet.close()
  }
})
