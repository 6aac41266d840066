// An accountant's visit: what finance reads at the gateway is what the upstream bills, however clients watched.
import { parse as parseCsv } from 'csv-parse/sync'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { parseUsd } from '../../src/kernel/money.ts'
import { usageGroups } from '../../src/ledger/queries/usage.ts'
import { type Accounting, billed, openAccounting, readHistory } from '../support/accounting.ts'
import { asks, scenarios } from '../support/billed-scenarios.ts'

const minute = 60_000
/** Five minutes before midnight UTC, when the price of claude-sonnet-5-5's cache reads changes. */
const startMs = Date.UTC(2026, 9, 6, 23, 55)

const reportSchema = z.object({ group_by: z.string(), lines: z.array(z.record(z.string(), z.unknown())) })

let books: Accounting
beforeAll(async () => {
  books = await openAccounting({ startMs, scenarios })
})
afterAll(() => books.close())

/** The ledger's line and the upstream's bill of one session. */
async function bothSides(id: string) {
  await books.settle()
  const line = (await books.report()).lines.find((each) => each.key === id)
  const bill = books.bill().find((each) => each.session_id === id)
  if (bill === undefined) throw new Error(`the upstream bills no session \`${id}\``)
  return { line, bill }
}

test('every session that was watched or read afterwards costs what the upstream bills, and so do all together', async () => {
  const search = books.as('search')
  const both = await books.open('payments', 'claude-sonnet-5-5', 'chat')
  const listed = await books.open('search', { id: 'claude-sonnet-5', inference_geo: 'us' }, 'chat')
  const cut = await books.open('payments', { id: 'claude-opus-5-5', speed: 'fast' }, 'chat')
  const family = await books.open('search', 'claude-sonnet-5-5', 'family')
  const tiers = await books.open('payments', 'claude-haiku-5-5', 'tiers')
  const interrupted = await books.open('search', 'claude-haiku-4-5', 'chat')
  const deleted = await books.open('search', 'claude-fable-5', 'chat')
  const archived = await books.open('search', 'claude-opus-4-6', 'chat')
  const watched = [both, family, tiers, interrupted, deleted, archived]
  // The other team watches too, and pays nothing for it.
  const streams = await Promise.all(
    [...watched, both].map((id, n) => books.follow(n % 2 ? 'payments' : 'search', id)),
  )
  const cutStream = await books.follow('payments', cut)
  for (const id of [...watched, listed, cut]) await books.send('search', id)

  books.clock.advance(2 * minute)
  await cutStream.has('session.status_running')
  await cutStream.cut()
  await search.beta.sessions.events.send(interrupted, { events: [{ type: 'user.interrupt' }] })
  books.clock.advance(20 * minute)
  await Promise.all(streams.map((stream) => stream.has('session.status_idle')))
  await books.send('payments', both)
  books.clock.advance(60 * minute)
  await search.beta.sessions.archive(archived)
  await search.beta.sessions.delete(deleted)
  for (const id of [listed, cut, family]) await readHistory(search, id)
  await streams[0]?.has('session.status_idle', 2)

  await books.settle()
  const report = await books.report()
  for (const bill of books.bill()) {
    const line = report.lines.find((each) => each.key === bill.session_id)
    expect(line).toMatchObject({ ...billed(bill), provisional_running_ms: 0, unpriced_requests: 0 })
    // A line may carry one pico-dollar of the total's rounding.
    const off = parseUsd(line?.cost_usd ?? '0') - parseUsd(bill.cost_usd ?? '0')
    expect([-1n, 0n, 1n]).toContain(off)
  }
  expect(parseUsd(report.total.cost_usd)).toBe(parseUsd(books.house().simulator.bill().total_cost_usd ?? '0'))
  const teams = await books.report({ groupBy: 'team' })
  expect(teams.lines.map(({ key, sessions }) => [key, sessions]).toSorted()).toEqual([
    ['payments', 3],
    ['search', 5],
  ])
})

test('every grouping and bucket adds up to the same total', async () => {
  const days = { fromMs: startMs - minute, toMs: startMs + 36 * 60 * minute }
  const { total } = await books.report(days)
  expect(total.cost_usd).toBe((await books.report()).total.cost_usd)
  for (const groupBy of usageGroups) {
    for (const bucket of [undefined, 'hour', 'day'] as const) {
      const report = await books.report({ ...days, groupBy, ...(bucket && { bucket }) })
      expect(report.total).toEqual(total)
      expect(report.lines.reduce((sum, line) => sum + parseUsd(line.cost_usd), 0n)).toBe(
        parseUsd(total.cost_usd),
      )
    }
  }
})

test('a period cut anywhere, also in the middle of a run, loses and repeats nothing', async () => {
  const { total } = await books.report()
  for (const cutMs of [startMs + minute, startMs + 5 * minute, startMs + 5 * minute + 1, startMs + 77_777]) {
    const halves = [await books.report({ toMs: cutMs }), await books.report({ fromMs: cutMs })]
    for (const field of ['running_ms', 'input_tokens', 'model_requests', 'web_search_requests'] as const)
      expect(halves.reduce((sum, half) => sum + half.total[field], 0)).toBe(total[field])
  }
})

test('JSON, CSV and the table on the command line say the same', async () => {
  const house = books.house()
  const path = '/api/v1/usage?group_by=session&from=2026-10-06&to=2026-10-08&bucket=hour'
  const json = reportSchema.parse(await (await house.admin(path)).json())
  const csv = await (await house.admin(`${path}&format=csv`)).text()
  const rows: readonly Record<string, string>[] = parseCsv(csv, { columns: true })
  const { group_by, lines } = json
  const asText = (line: object) =>
    Object.fromEntries(Object.entries(line).map(([name, value]) => [name, String(value)]))
  expect(rows).toEqual(lines.map((line: object) => asText({ group_by, ...line })))

  const printed: string[] = []
  const args = 'usage --group-by session --from 2026-10-06 --to 2026-10-08'.split(' ')
  const io = { out: (text: string) => void printed.push(text), err: () => {}, readFile: () => '' }
  const env = { TOLLGATE_KEY: house.key, TOLLGATE_ADMIN_URL: house.adminUrl }
  expect(await runTollgate(args, { ...io, env, untilStopped: async () => {} })).toBe(0)
  const day = await books.report({ fromMs: Date.UTC(2026, 9, 6), toMs: Date.UTC(2026, 9, 8) })
  for (const line of [...day.lines, day.total]) {
    const row = printed
      .join('')
      .split('\n')
      .find((each) => each.trim().startsWith(line.key))
    const cells = row?.trim().split(/\s{2,}/)
    expect(parseUsd(cells?.at(-1) ?? '')).toBe(parseUsd(line.cost_usd))
    expect(cells?.[1]).toBe(line.input_tokens.toLocaleString('en-US'))
  }
})

test('a restart and a second reading of everything change no figure', async () => {
  const quiet = ({ total: { idle_ms: _seenLonger, ...total } }: Awaited<ReturnType<typeof books.report>>) =>
    total
  const before = quiet(await books.report())
  await books.reopen()
  for (const { session_id, is_deleted } of books.bill())
    if (!is_deleted) await readHistory(books.as('payments'), session_id)
  for await (const _ of books.as('payments').beta.sessions.list());
  await books.settle()
  expect(quiet(await books.report())).toEqual(before)
})

test('a stream cut in the middle of a run does not bill the pause until the next one', async () => {
  const id = await books.open('payments', 'claude-opus-5-5', 'chat')
  const first = await books.follow('payments', id)
  await books.send('payments', id)
  books.clock.advance(2 * minute)
  await first.has('session.status_running')
  await first.cut()
  books.clock.advance(180 * minute)
  const second = await books.follow('payments', id)
  await books.send('payments', id)
  books.clock.advance(30 * minute)
  await second.has('session.status_idle')
  const { line, bill } = await bothSides(id)
  expect(bill.running_ms).toBe(16 * minute)
  expect(line).toMatchObject({ running_ms: 16 * minute, provisional_running_ms: 0 })
})

test('a client that comes back in the middle of a later run does not bill the pause between them', async () => {
  const id = await books.open('payments', 'claude-opus-5-5', 'chat')
  for (const event of ['session.status_running', 'session.status_idle']) {
    const watching = event === 'session.status_running' ? await books.follow('payments', id) : null
    await books.send('payments', id)
    books.clock.advance(2 * minute)
    await watching?.has(event)
    await watching?.cut()
    const late = watching === null ? await books.follow('payments', id) : null
    books.clock.advance(180 * minute)
    await late?.has(event)
  }
  expect((await bothSides(id)).line).toMatchObject({ running_ms: 16 * minute, provisional_running_ms: 0 })
})

test.each(['archived', 'retrieved'])(
  'a run whose end nobody saw is charged as stated once it is %s',
  async (how) => {
    const client = books.as('search')
    const id = await books.open('search', 'claude-haiku-4-5', 'chat')
    const stream = await books.follow('payments', id)
    await books.send('search', id)
    books.clock.advance(minute)
    await stream.has('session.status_running')
    await stream.cut()
    expect((await bothSides(id)).line).toMatchObject({ running_ms: 0 })
    books.clock.advance(180 * minute)
    if (how === 'archived') await client.beta.sessions.archive(id)
    else await client.beta.sessions.retrieve(id)
    expect((await bothSides(id)).line).toMatchObject({ running_ms: 8 * minute, provisional_running_ms: 0 })
  },
)

test('running time of a session that was only ever retrieved is what the upstream stated', async () => {
  const id = await books.open('search', 'claude-haiku-4-5', 'chat')
  await books.send('search', id)
  for (const _ of [1, 2, 3, 4]) {
    books.clock.advance(3 * minute)
    await books.as('search').beta.sessions.retrieve(id)
  }
  const { line, bill } = await bothSides(id)
  expect(line?.running_ms).toBe(bill.running_ms)
  expect(bill.running_ms).toBe(8 * minute)
})

test.each(['chat', 'tiers', 'family'])(
  'of a session that was only ever retrieved (%s), tokens are the upstream’s and cost is within a cent',
  async (scenario) => {
    const id = await books.open('search', 'claude-haiku-5-5', scenario)
    await books.send('search', id)
    books.clock.advance(120 * minute)
    await books.as('search').beta.sessions.retrieve(id)
    const { line, bill } = await bothSides(id)
    const { model_requests: _unseen, ...tokens } = billed(bill)
    expect(line).toMatchObject(tokens)
    const off = parseUsd(line?.cost_usd ?? '0') - parseUsd(bill.cost_usd ?? '')
    expect(off <= 10_000_000_000n && off >= -10_000_000_000n).toBe(true)
    await readHistory(books.as('search'), id)
    await books.settle()
    const found = (await books.report()).lines.find((each) => each.key === id)
    expect(found).toMatchObject({ ...billed(bill), adjustments: 0 })
    // The report's runtime is rounded once and split over its lines, so a line may be a pico-dollar off.
    const left = parseUsd(found?.cost_usd ?? '0') - parseUsd(bill.cost_usd ?? '')
    expect(left >= -1n && left <= 1n).toBe(true)
  },
)

test('requests of the primary thread, read under its own name by a client that never listed threads, keep their price', async () => {
  const client = books.as('search')
  const id = await books.open('search', 'claude-haiku-4-5', 'chat')
  await books.send('search', id)
  books.clock.advance(30 * minute)
  let primary = ''
  for await (const event of client.beta.sessions.events.list(id))
    if (event.type === 'session.thread_status_running') primary = event.session_thread_id
  for await (const _ of client.beta.sessions.threads.events.list(primary, { session_id: id }));
  const { line, bill } = await bothSides(id)
  expect(line).toMatchObject({ ...billed(bill), unpriced_requests: 0 })
})

test('a model without a price is counted, flagged and costs its running time only', async () => {
  const id = await books.open('payments', 'claude-next-9', 'tiers')
  await books.send('payments', id)
  books.clock.advance(30 * minute)
  await readHistory(books.as('payments'), id)
  const { line, bill } = await bothSides(id)
  expect(line).toMatchObject({ ...billed(bill), unpriced_requests: asks.tiers, token_cost_usd: '0.00' })
  expect(line?.cost_usd).toBe(line?.runtime_cost_usd)
})
