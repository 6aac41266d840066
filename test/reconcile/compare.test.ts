// Each kind of difference is found, called by its name, and costs exactly what it costs.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatUsd, parseUsd } from '../../src/kernel/money.ts'
import type { SessionTotals } from '../../src/ledger/queries/session-totals.ts'
import { loadBook } from '../../src/price/book.ts'
import { compareDays, tiesAsDay } from '../../src/price/reconcile/compare-days.ts'
import {
  compareListCost,
  compareRunningTime,
  compareTokens,
} from '../../src/price/reconcile/compare-sessions.ts'
import { type ProviderCost, parseCents, readProviderCost } from '../../src/price/reconcile/provider-cost.ts'

const at = Date.UTC(2026, 9, 20)
const day = '2026-10-20'

const session = (given: Partial<SessionTotals> = {}): SessionTotals => ({
  session_id: 'sesn_1',
  ...{ fact_input_tokens: 10, fact_output_tokens: 5, fact_cache_read_tokens: 3, fact_cache_write_tokens: 1 },
  ...{
    stated_input_tokens: 10,
    stated_output_tokens: 5,
    stated_cache_read_tokens: 3,
    stated_cache_write_tokens: 1,
  },
  ...{
    unpriced_requests: 0,
    token_cost_usd: '0.50',
    first_fact_ms: at,
    last_fact_ms: at,
    last_stated_ms: at + 5,
  },
  ...{ stated_active_ms: 3_600_000, running_ms: 3_600_000, is_running: false },
  ...{ stated_web_searches: 2, list_cost_cents: '60' },
  ...given,
})

const book = loadBook()

test('a session whose facts, running time and cost are what the upstream states ties at every level', () => {
  const sessions = [session()]
  for (const { result, differences } of [
    compareTokens(sessions),
    compareRunningTime(sessions),
    compareListCost(sessions, book),
  ])
    expect([result.compared, result.tied, differences]).toEqual([1, 1, []])
})

test.each([
  ['a lost event', { fact_output_tokens: 4 }, 'missed_usage', '-1 output tokens'],
  ['an event too many', { fact_cache_write_tokens: 2 }, 'too_much', '+1 cache_write tokens'],
  [
    'less here and more there',
    { fact_input_tokens: 9, fact_output_tokens: 6 },
    'missed_usage',
    '-1 input tokens, +1 output tokens',
  ],
])('one token is not tolerated: %s', (_name, given, reason, detail) => {
  const { result, differences } = compareTokens([session(given)])
  expect(result.tied).toBe(0)
  expect(differences).toMatchObject([{ level: 'L0', reason, detail, sessionId: 'sesn_1' }])
})

test('what happened after the last statement, or still runs, is not compared yet', () => {
  const later = [
    session({ last_fact_ms: at + 6, fact_input_tokens: 99 }),
    session({ is_running: true, running_ms: 0 }),
  ]
  expect(compareTokens(later).result.compared).toBe(0)
  expect(compareRunningTime(later).result.compared).toBe(0)
})

test('running time may be off by a second or a thousandth, and no more', () => {
  const off = (ms: number) => compareRunningTime([session({ running_ms: 3_600_000 + ms })]).differences.length
  expect([off(3_600), off(-3_600), off(3_601), off(-3_601)]).toEqual([0, 0, 1, 1])
})

test('a price that changed is told apart from usage that was lost', () => {
  const cost = (given: Partial<SessionTotals>) => compareListCost([session(given)], book).differences
  expect(cost({ list_cost_cents: '61' })).toEqual([])
  expect(cost({ list_cost_cents: '62' })).toMatchObject([
    { reason: 'price_drift', detail: expect.stringContaining('0.62') },
  ])
  expect(cost({ list_cost_cents: '90', fact_output_tokens: 2 })).toMatchObject([{ reason: 'missed_usage' }])
  expect(cost({ unpriced_requests: 1 })).toMatchObject([{ reason: 'unpriced' }])
  expect(compareListCost([session({ list_cost_cents: null })], book).result.compared).toBe(0)
})

const usd = parseUsd
const provided = (given: Partial<ProviderCost> & { readonly usd: string }): ProviderCost => ({
  ...{ day, sessionId: 'sesn_1', workspaceId: 'wrkspc_1', product: 'managed_agents_api' },
  listPicoUsd: usd(given.usd),
  amountPicoUsd: usd(given.usd),
  ...given,
})
const kept = (key: string, cost: string, unpriced = 0) => ({
  key,
  bucket: `${day}T00:00:00Z`,
  cost_usd: cost,
  unpriced_requests: unpriced,
})

const daysOf = (
  ledger: ReturnType<typeof kept>[],
  provider: readonly ProviderCost[],
  notFinalFrom = '2026-10-30',
  known: readonly string[] = [],
) => compareDays({ ledger, provider, isKnown: (id) => known.includes(id), notFinalFrom })

test.each([
  ['the same', [kept('sesn_1', '1.5')], [provided({ usd: '1.5' })], []],
  ['a session made elsewhere', [], [provided({ usd: '1.5' })], ['dark_session']],
  [
    'a session of ours that was not seen to use anything',
    [],
    [provided({ usd: '1.5', sessionId: 'sesn_ours' })],
    ['missed_usage'],
  ],
  ['a session the provider does not charge', [kept('sesn_1', '1.5')], [], ['unknown_to_provider']],
  ['less', [kept('sesn_1', '1.2')], [provided({ usd: '1.5' })], ['missed_usage']],
  ['more', [kept('sesn_1', '1.7')], [provided({ usd: '1.5' })], ['too_much']],
  ['less than a cent off', [kept('sesn_1', '1.507')], [provided({ usd: '1.5' })], ['rounding']],
  ['no price', [kept('sesn_1', '1.5', 2)], [provided({ usd: '1.5' })], ['unpriced']],
  [
    'calls outside of sessions',
    [kept('messages/a/b', '1')],
    [provided({ usd: '1', sessionId: '', product: 'messages_api' })],
    [],
  ],
  [
    'calls of others',
    [kept('messages/a/b', '1')],
    [provided({ usd: '4', sessionId: '', product: 'messages_api' })],
    ['messages_elsewhere'],
  ],
  ['another product', [], [provided({ usd: '4', sessionId: '', product: 'claude_code' })], ['other_product']],
])('a day with %s', (_name, ledger, provider, reasons) => {
  const { result, differences } = daysOf(ledger, provider, '2026-10-30', ['sesn_ours'])
  expect(differences.map(({ reason }) => reason)).toEqual(reasons)
  expect(result.compared).toBe(1)
})

test('a day that the provider may still change breaches nothing, but a stranger is a stranger on any day', () => {
  const differences = daysOf(
    [kept('sesn_1', '1')],
    [provided({ usd: '2' }), provided({ usd: '3', sessionId: 'sesn_dark' })],
    day,
  ).differences
  expect(differences.map(({ sessionId, reason }) => [sessionId, reason])).toEqual([
    ['sesn_1', 'not_final'],
    ['sesn_dark', 'dark_session'],
  ])
})

test('differences add up to exactly the difference of the totals, whatever there is', () => {
  const amount = fc.bigInt({ min: 0n, max: 10n ** 15n }).map((pico) => formatUsd(pico))
  const id = fc.constantFrom('sesn_1', 'sesn_2', 'sesn_3', 'messages/a/b')
  fc.assert(
    fc.property(fc.array(fc.tuple(id, amount)), fc.array(fc.tuple(id, amount)), (ours, theirs) => {
      const provider = theirs.map(([key, usd]) =>
        key.startsWith('messages/')
          ? provided({ usd, sessionId: '', product: 'messages_api' })
          : provided({ usd, sessionId: key }),
      )
      const { differences } = daysOf(
        ours.map(([key, cost]) => kept(key, cost)),
        provider,
      )
      const sum = (amounts: readonly bigint[]) => amounts.reduce((a, b) => a + b, 0n)
      expect(sum(differences.map((each) => each.ledgerPicoUsd - each.providerPicoUsd))).toBe(
        sum(ours.map(([, cost]) => usd(cost))) - sum(provider.map(({ listPicoUsd }) => listPicoUsd)),
      )
    }),
  )
})

test('a day of a workspace ties within half a percent and less than five dollars', () => {
  const ties = (ours: string, theirs: string) => tiesAsDay(usd(ours), usd(theirs))
  expect([ties('100.5', '100'), ties('100.51', '100')]).toEqual([true, false])
  expect([ties('1004.99', '1000'), ties('1005', '1000')]).toEqual([true, false])
})

test('fractional cents are exact, and what is no amount is none', () => {
  expect(formatUsd(parseCents('123.4567') ?? 0n)).toBe('1.234567')
  expect(formatUsd(parseCents('0.0000000001') ?? 0n)).toBe('0.000000000001')
  for (const text of ['', '1e3', '1.', '0x1', '1.23456789012', 'NaN']) expect(parseCents(text)).toBeNull()
})

test('a report is walked page by page and in parts of a month, and its freshness is that of its oldest part', async () => {
  const asked: URL[] = []
  const read = async (path: string) => {
    const url = new URL(path, 'http://provider')
    asked.push(url)
    const isFirst = !url.searchParams.has('page')
    const starting_at = url.searchParams.get('starting_at') ?? ''
    const group = { session_id: isFirst ? 'sesn_1' : 'sesn_2', workspace_id: null, product: null }
    return {
      status: 200,
      body: {
        data: [{ starting_at, group, cost: { amount: '1', list_amount: '1.5', currency: 'USD' } }],
        has_more: isFirst,
        next_page: isFirst ? 'next' : null,
        data_refreshed_at: asked.length > 2 ? '2026-11-01T00:00:00Z' : '2026-11-02T00:00:00Z',
      },
    }
  }
  const report = await readProviderCost(read, { fromMs: Date.UTC(2026, 8, 1), toMs: Date.UTC(2026, 9, 10) })
  expect(report.costs.map(({ sessionId, day: of }) => [sessionId, of])).toEqual([
    ['sesn_1', '2026-09-01'],
    ['sesn_2', '2026-09-01'],
    ['sesn_1', '2026-10-02'],
    ['sesn_2', '2026-10-02'],
  ])
  expect(report.refreshedAtMs).toBe(Date.UTC(2026, 10, 1))
  expect(asked[0]?.searchParams.getAll('group_by[]')).toEqual(['session_id', 'workspace_id', 'product'])
})

test.each([
  [403, { error: { message: 'this key is no admin key' } }, 'status 403: this key is no admin key'],
  [200, { data: 'none' }, 'cannot be read'],
  [200, { data: [], has_more: true, next_page: 'again' }, 'does not end'],
])('an answer of %i that is no report is told', async (status, body, said) => {
  await expect(
    readProviderCost(async () => ({ status, body }), { fromMs: at, toMs: at + 86_400_000 }),
  ).rejects.toThrow(said)
})
