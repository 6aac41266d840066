// List prices in the ledger: recorded once for each book by however many gateways, never edited, read as known at a
// moment; and the check of prices over real rows.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { formatUsd, parseUsd } from '../../src/kernel/money.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { type RateCardRow, readRateCard, recordRateCard } from '../../src/ledger/queries/rate-card.ts'
import { openPrices } from '../../src/open-prices.ts'
import { loadBook } from '../../src/price/book.ts'
import { ratesOfBook } from '../../src/price/book-rates.ts'
import { loadPriceCheck } from '../../src/price/price-report.ts'
import { noTerms } from '../../src/price/prices-file.ts'
import { cardOf } from '../../src/price/terms.ts'
import { startAdminListener } from '../support/admin-listener.ts'
import { startEmbeddedLedger, temporaryFolder } from '../support/embedded-ledger.ts'
import { runCommand } from '../support/run-command.ts'
import { until } from '../support/until.ts'

let started: Awaited<ReturnType<typeof startEmbeddedLedger>> | undefined
const folder = temporaryFolder()
const ledger = () => {
  if (started === undefined) throw new Error('the engine has not started')
  return started.ledger
}
beforeAll(async () => {
  started = await startEmbeddedLedger(folder)
  await migrate(started.ledger)
})
beforeEach(async () => {
  for (const table of ['rate_card', 'usage_events', 'usage_snapshots', 'session_intervals'])
    await ledger().command(`TRUNCATE TABLE tollgate.${table}`)
})
afterAll(() => started?.close())

const book = loadBook()
const card = { version: 1, rates: ratesOfBook(book) }
const rate = (unit_price: string, effective_from_ms = 0): RateCardRow => ({
  ...{ sku: 'm:input', effective_from_ms, unit: 'Tokens', unit_size: '1000000', unit_price, source: 's' },
})
const countOf = async (): Promise<number> => {
  const [row] = await ledger().query<{ n: string }>('SELECT count() AS n FROM tollgate.rate_card')
  return Number(row?.n)
}

test('what is read is what the book says, to the last digit', async () => {
  const rows = card.rates.map((each) => ({
    sku: each.sku,
    effective_from_ms: each.effectiveFromMs,
    unit: each.unit,
    unit_size: String(each.unitSize),
    unit_price: formatUsd(each.unitPricePicoUsd),
    source: each.source,
  }))
  expect(await recordRateCard(ledger(), rows, 1_000)).toBe(1)
  const read = await readRateCard(ledger(), 1_000)
  expect(read === null ? null : cardOf(read)).toEqual(card)
})

test('the same book is recorded once, by one gateway twice or by ten at once', async () => {
  const rows = [rate('1'), rate('2', 86_400_000)]
  const versions = await Promise.all(
    Array.from({ length: 10 }, (_, at) => recordRateCard(ledger(), rows, 1_000 + at)),
  )
  expect(new Set(versions)).toEqual(new Set([1]))
  expect(await recordRateCard(ledger(), rows.toReversed(), 9_000)).toBe(1)
  const read = await readRateCard(ledger(), 9_000)
  expect(read?.rows.map(({ unit_price }) => unit_price)).toEqual(['1', '2'])
})

test('another book is another version, and what was known before stays as it was', async () => {
  await recordRateCard(ledger(), [rate('1'), rate('3', 86_400_000)], 1_000)
  const before = await countOf()
  expect(await recordRateCard(ledger(), [rate('1.5')], 2_000)).toBe(2)
  expect(await countOf()).toBe(before + 1)
  const known = async (ms: number) => {
    const read = await readRateCard(ledger(), ms)
    return [read?.version, read?.recordedAtMs, read?.rows.map(({ unit_price }) => unit_price)]
  }
  expect(await known(1_999)).toEqual([1, 1_000, ['1', '3']])
  expect(await known(2_000)).toEqual([2, 2_000, ['1.5']])
  // A price that was in force before it was written down is still the price.
  expect(await known(0)).toEqual([1, 1_000, ['1', '3']])
})

test('gateways with different books that record at once end with one newest version that is whole', async () => {
  const books = ['1', '2', '3'].map((price) => [rate(price), rate(price, 86_400_000)])
  const versions = await Promise.all(books.map((rows) => recordRateCard(ledger(), rows, 1_000)))
  const read = await readRateCard(ledger(), 5_000)
  expect(read?.version).toBe(Math.max(...versions))
  expect(new Set(read?.rows.map(({ unit_price }) => unit_price)).size).toBe(1)
  expect(read?.rows.length).toBe(2)
})

const atMs = Date.UTC(2026, 10, 20)
const stamp = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '')

/** Sessions on one model; the upstream charges `real` for a million tokens of output where our book says 20. */
async function fillSessions(real: string): Promise<void> {
  const realPicoUsd = parseUsd(real)
  for (let at = 0; at < 12; at += 1) {
    const [input, output] = [1_000_000 + at * 77_000, 2_000_000 - ((at * 5) % 12) * 91_000]
    const activeMs = 3_600_000 + ((at * 7) % 12) * 300_000
    const ours = BigInt(input) * 4_000_000n + BigInt(output) * 20_000_000n
    const theirs =
      BigInt(input) * 4_000_000n +
      (BigInt(output) * realPicoUsd) / 1_000_000n +
      (BigInt(activeMs) * parseUsd('0.08')) / 3_600_000n
    const tokens = { input_tokens: input, output_tokens: output }
    await ledger().insert(
      'usage_events',
      [
        {
          ...{ event_id: `e${at}`, session_id: `s${at}`, kind: 'model_request', occurred_at: stamp(atMs) },
          ...{ ...tokens, model: 'claude-opus-5-5', price_id: 'claude-opus-5-5@2026-04-01', ver: 1 },
          cost_usd: formatUsd(ours),
        },
      ],
      `e${real}${at}`,
    )
    await ledger().insert(
      'usage_snapshots',
      [
        {
          ...{ session_id: `s${at}`, snapshot_key: 'k', observed_at: stamp(atMs + 1_000), source: 'event' },
          ...{ ...tokens, active_ms: activeMs, ver: 1, list_cost_cents: String(theirs / 10_000_000_000n) },
        },
      ],
      `s${real}${at}`,
    )
  }
}
const period = { fromMs: atMs - 86_400_000, toMs: atMs + 86_400_000 }
const check = () => loadPriceCheck({ ledger: ledger(), book, card, nowMs: period.toMs }, period)

test('prices that are the upstream’s do not drift', async () => {
  await fillSessions('20')
  expect(await check()).toMatchObject({
    complete: true,
    compared: 12,
    drifting: 0,
    likely_sku: null,
    unpriced: [],
  })
})

test('a price that the upstream changed is named with what it seems to be now; the command fails with it', async () => {
  await fillSessions('25')
  const report = await check()
  expect(report).toMatchObject({ compared: 12, drifting: 12, likely_sku: 'claude-opus-5-5:output' })
  expect(report.suspects[0]).toMatchObject({ list_usd: '20.00' })
  expect(Number(report.suspects[0]?.implied_usd)).toBeCloseTo(25, 1)
  const admin = await startAdminListener({ checkPrices: check })
  const run = await runCommand({ adminUrl: admin.url }, 'auditor', ['prices', 'check'])
  expect([run.code, run.err]).toEqual([1, expect.stringContaining('`claude-opus-5-5:output`')])
})

test('usage without a price is told in metrics, readiness and the check, and stops no traffic', async () => {
  const gauges: (() => { readonly unpricedRequests: number; readonly rateVersion: number })[] = []
  await ledger().insert(
    'usage_events',
    [
      {
        ...{ event_id: 'e', session_id: 's', kind: 'model_request', occurred_at: stamp(Date.now() - 60_000) },
        ...{
          input_tokens: 5,
          model: 'claude-next-1',
          unpriced_reason: 'not in the price book',
          ver: 1,
          cost_usd: null,
        },
      },
    ],
    'unpriced',
  )
  const prices = openPrices({
    ledger: ledger(),
    book,
    policies: { current: () => ({ prices: noTerms }) },
    metrics: { pricesAttached: (status) => void gauges.push(status) },
    clock: systemClock,
    logger: silentLogger,
  })
  await until(
    () => gauges[0]?.(),
    (seen) => seen?.unpricedRequests === 1 && seen.rateVersion === 1,
  )
  const admin = await startAdminListener({
    clock: systemClock,
    listPrices: prices.list,
    checkPrices: prices.check,
    readiness: prices.readiness,
  })
  const ready = await admin.get('/ready')
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { ready: true, checks: [{ name: 'prices', ok: true, reason: expect.stringContaining('has no price') }] },
  ])
  const command = (...args: readonly string[]) =>
    runCommand({ adminUrl: admin.url }, 'auditor', ['prices', ...args])
  const checked = await command('check')
  expect([checked.code, checked.out]).toEqual([1, expect.stringContaining('1 requests of claude-next-1')])
  const listed = await command('--at', '2026-11-24')
  expect(listed.code).toBe(0)
  expect(listed.out).toContain('list prices version 1, terms version 0')
  expect(listed.out).toMatch(/session-hour.*an hour.*0\.08.*2026-04-01.*pricing-page/)
  expect((await command('--at', 'soon')).code).not.toBe(0)
  await prices.close()
})

test('with nothing to compare the check says so instead of that all is well', async () => {
  const admin = await startAdminListener({ checkPrices: check })
  const run = await runCommand({ adminUrl: admin.url }, 'auditor', ['prices', 'check'])
  expect([run.code, run.err]).toEqual([2, expect.stringContaining('no session could be compared')])
})
