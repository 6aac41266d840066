// A month's end: what teams are charged is what the ledger has, written once; what was wrong is corrected in the next month.
import { parse as parseCsv } from 'csv-parse/sync'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { parseUsd } from '../../src/kernel/money.ts'
import { type Accounting, openAccounting, readHistory } from '../support/accounting.ts'
import { scenarios } from '../support/billed-scenarios.ts'
import { addCaller } from '../support/callers.ts'
import { until } from '../support/until.ts'

const minute = 60_000
/** Late in September; runs of sessions go on into October by the upstream's own clock. */
const startMs = Date.UTC(2026, 8, 30, 23, 50)
const september = { fromMs: Date.UTC(2026, 8, 1), toMs: Date.UTC(2026, 9, 1) }
const october = { fromMs: Date.UTC(2026, 9, 1), toMs: Date.UTC(2026, 10, 1) }

let books: Accounting
let late = ''
/** Nobody ever read its events: what it used is known from its count alone. */
let counted = ''
let auditorKey = ''

const lineSchema = z.array(
  z.object({
    line_id: z.string(),
    team: z.string(),
    sku: z.string(),
    charge_category: z.string(),
    charge_class: z.string(),
    corrects_period: z.string(),
    charge_period_start: z.string(),
    list_cost: z.string(),
    contracted_cost: z.string(),
    billed_cost: z.string(),
    quantity: z.string(),
  }),
)

beforeAll(async () => {
  books = await openAccounting({ startMs, scenarios })
  auditorKey = addCaller(books.house(), 'auditor-cy', 'search', 'auditor')
  await books.house().refreshPolicies()
  const payments = await books.open('payments', 'claude-haiku-5-5', 'tiers')
  const search = await books.open('search', { id: 'claude-sonnet-5-5', inference_geo: 'us' }, 'chat')
  late = await books.open('payments', 'claude-opus-5-5', 'chat')
  counted = await books.open('search', 'claude-haiku-5-5', 'tiers')
  for (const id of [payments, search, late, counted]) await books.send('search', id)
  books.clock.advance(40 * minute)
  for (const id of [payments, search]) await readHistory(books.as('search'), id)
  await books.as('search').beta.sessions.retrieve(counted)
  await books.settle()
  // The rate card is recorded soon after the start.
  await until(
    () => books.house().ledger.query('SELECT 1 FROM tollgate.rate_card LIMIT 1'),
    (rows) => rows.length > 0,
  )
})
afterAll(() => books.close())

async function run(
  args: string,
  key = books.house().key,
): Promise<{ readonly code: number; readonly out: string }> {
  const printed: string[] = []
  const keep = (text: string) => void printed.push(text)
  const env = { TOLLGATE_KEY: key, TOLLGATE_ADMIN_URL: books.house().adminUrl }
  const io = { out: keep, err: keep, readFile: () => '', env, untilStopped: async () => {} }
  return { code: await runTollgate(args.split(' '), io), out: printed.join('') }
}

async function linesOf(period: string) {
  const answer = await books.house().admin(`/api/v1/periods/${period}/lines?format=csv`)
  const text = await answer.text()
  return { text, lines: lineSchema.parse(parseCsv(text, { columns: true })) }
}

const sum = (lines: z.output<typeof lineSchema>, name: 'list_cost' | 'billed_cost') =>
  lines.reduce((total, line) => total + parseUsd(line[name]), 0n)

test('lines of an open month add up to its usage report, team by team, to the pico-dollar', async () => {
  for (const [period, span] of [
    ['2026-09', september],
    ['2026-10', october],
  ] as const) {
    const { lines } = await linesOf(period)
    const report = await books.report({ groupBy: 'team', ...span })
    expect(report.lines.length).toBeGreaterThan(0)
    for (const team of report.lines) {
      const own = sum(
        lines.filter((line) => line.team === team.key),
        'list_cost',
      )
      const off = own - parseUsd(team.cost_usd)
      expect(off >= -1n && off <= 1n).toBe(true)
    }
  }
})

test('what is known from the count alone is charged as adjustments, when it became known', async () => {
  const thisMonth = new Date().toISOString().slice(0, 7)
  const { lines } = await linesOf(thisMonth)
  expect(lines.map(({ charge_category, sku, team }) => [charge_category, sku, team])).toEqual([
    ['Adjustment', 'adjustment/missed_event', 'search'],
  ])
  const fromMs = Date.parse(`${thisMonth}-01`)
  const report = await books.report({ groupBy: 'team', fromMs, toMs: Date.now() + 1000 })
  expect(sum(lines, 'list_cost')).toBe(parseUsd(report.total.adjustment_cost_usd))
})

test('a month is not closed before the months that came before it', async () => {
  expect(await run('close 2026-10')).toMatchObject({
    code: 2,
    out: expect.stringContaining('`2026-09` was used in and is not closed'),
  })
})

test('a dry run says what would be written and writes nothing', async () => {
  const { code, out } = await run('close 2026-09 --dry-run')
  expect(code).toBe(0)
  expect(out).toContain('would close 2026-09')
  expect((await run('periods')).out).toBe('no month is closed\n')
})

test('a month is closed once: a second run, and another reader, get the same bytes', async () => {
  const open = await linesOf('2026-09')
  const first = await run('close 2026-09')
  expect(first.out).toContain('closed 2026-09\n')
  const closed = await linesOf('2026-09')
  expect(closed.text).toBe(open.text)
  const second = await run('close 2026-09')
  expect(second.code).toBe(0)
  expect(second.out).toContain('nothing is changed')
  const hashOf = (text: string) => /sha256 ([0-9a-f]{64})/.exec(text)?.[1]
  expect(hashOf(second.out)).toBe(hashOf(first.out))
  expect((await linesOf('2026-09')).text).toBe(closed.text)
})

test('who closed it, and the hash of what was written, are in the audit log', async () => {
  const entries = await until(
    async () => {
      await books.house().writer.flush()
      return books
        .house()
        .ledger.query<{ entry: string }>("SELECT entry FROM tollgate.audit_entries WHERE kind = 'act'")
    },
    (rows) => rows.length > 0,
  )
  expect(entries).toHaveLength(1)
  expect(entries[0]?.entry).toContain('period.close')
  expect(entries[0]?.entry).toContain('first-admin')
  const quarantined = await books.house().ledger.query('SELECT kind FROM tollgate.quarantined_records')
  expect(quarantined).toEqual([])
})

test('what is found after the close changes no closed line: the next month takes back and states anew', async () => {
  const before = await linesOf('2026-09')
  await readHistory(books.as('search'), late)
  await books.settle()
  expect((await linesOf('2026-09')).text).toBe(before.text)

  expect((await run('close 2026-10')).out).toContain('closed 2026-10')
  const { lines } = await linesOf('2026-10')
  const corrections = lines.filter(({ charge_class }) => charge_class === 'Correction')
  expect(corrections.length).toBeGreaterThan(0)
  for (const line of corrections) {
    expect(line).toMatchObject({ corrects_period: '2026-09', team: 'payments' })
    expect(line.charge_period_start.startsWith('2026-09-')).toBe(true)
  }
  // September as charged in both months is September as it is known now.
  const inSeptember = [...before.lines, ...corrections]
  const report = await books.report({ groupBy: 'team', ...september })
  for (const team of report.lines) {
    const off =
      sum(
        inSeptember.filter((line) => line.team === team.key),
        'list_cost',
      ) - parseUsd(team.cost_usd)
    expect(off >= -1n && off <= 1n).toBe(true)
  }
  expect(new Set(lines.map(({ line_id }) => line_id)).size).toBe(lines.length)
})

test('a statement tells the team what it is charged, with its corrections and the month before', async () => {
  const { code, out } = await run('statement payments --period 2026-10')
  expect(code).toBe(0)
  const { lines } = await linesOf('2026-10')
  const own = lines.filter(({ team }) => team === 'payments')
  const statement = z
    .object({
      billed_usd: z.string(),
      corrections_usd: z.string(),
      status: z.string(),
      trend: z.array(z.object({ period: z.string(), billed_usd: z.string() })),
      time: z.object({ running_ms: z.number() }),
    })
    .parse(JSON.parse((await run('statement payments --period 2026-10 --format json')).out))
  expect(parseUsd(statement.billed_usd)).toBe(sum(own, 'billed_cost'))
  expect(statement.status).toBe('closed')
  expect(parseUsd(statement.corrections_usd) > 0n).toBe(true)
  expect(out).toContain(`**${statement.billed_usd}**`)
  expect(out).toContain('session-hour')
  const september = (await linesOf('2026-09')).lines.filter(({ team }) => team === 'payments')
  expect(statement.trend.map(({ period, billed_usd }) => [period, parseUsd(billed_usd)])).toEqual([
    ['2026-09', sum(september, 'billed_cost')],
  ])
  const csv = (await run('statement payments --period 2026-10 --format csv')).out
  expect(parseCsv(csv, { columns: true })).toHaveLength(own.length)
  expect((await run('statement nobody --period 2026-10')).out).toContain('**0.00**')
})

test('the FOCUS dataset of a closed month is charged what its lines are, row by row', async () => {
  const rows: readonly Record<string, string>[] = parseCsv((await run('focus 2026-10')).out, {
    columns: true,
  })
  const { lines } = await linesOf('2026-10')
  expect(rows.map((row) => [row['x_LineId'], row['BilledCost']])).toEqual(
    lines.map((line) => [line.line_id, line.billed_cost]),
  )
  expect(new Set(rows.map((row) => row['InvoiceId'])).size).toBe(1)
})

test('a month that is not over, comes before a closed one, or is no month is refused', async () => {
  const thisMonth = new Date().toISOString().slice(0, 7)
  expect(await run(`close ${thisMonth}`)).toMatchObject({
    code: 2,
    out: expect.stringContaining('is not over'),
  })
  expect(await run('close 2026-08')).toMatchObject({
    code: 2,
    out: expect.stringContaining('closed in their order'),
  })
  expect(await run('close 2026-13')).toMatchObject({
    code: 2,
    out: expect.stringContaining('a period is a month'),
  })
})

test('who may only read closes nothing', async () => {
  expect((await run('close 2026-10', auditorKey)).code).toBe(3)
  expect((await run('statement search --period 2026-10', auditorKey)).code).toBe(0)
})

test('lines of a closed month that somebody changed are told to nobody', async () => {
  await books
    .house()
    .ledger.command(
      "ALTER TABLE tollgate.chargeback_lines UPDATE billed_cost = billed_cost + 1 WHERE period = '2026-10' AND sku = 'session-hour' SETTINGS mutations_sync = 1",
    )
  const answer = await books.house().admin('/api/v1/periods/2026-10/lines')
  expect(answer.status).toBe(400)
  expect(await answer.text()).toContain('are not those that were written')
})
