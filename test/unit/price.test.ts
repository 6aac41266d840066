// The price book and what it makes of requests: exact, dated, and never a guess.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatUsd } from '../../src/kernel/money.ts'
import type { RequestFact } from '../../src/ledger/rows.ts'
import { loadBook, parseBook } from '../../src/price/book.ts'
import { chargeColumns, createPricer } from '../../src/price/price.ts'
import { rateBoundariesMs, runtimeRateAt } from '../../src/price/rates.ts'

const book = loadBook()
const price = createPricer(book)

const fact = (given: Partial<RequestFact>): RequestFact => ({
  occurred_at_ms: Date.UTC(2026, 10, 23),
  model: 'claude-opus-5-5',
  speed: '',
  inference_geo: '',
  service_tier: '',
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_5m_tokens: 0,
  cache_write_1h_tokens: 0,
  ...given,
})

const million = 1_000_000
const each = {
  input_tokens: million,
  output_tokens: million,
  cache_read_tokens: million,
  cache_write_5m_tokens: million,
  cache_write_1h_tokens: million,
}

test.each([
  ['opus 5.5, a million of each', fact(each), '37.20', 'claude-opus-5-5@2026-04-01'],
  ['fast', fact({ ...each, speed: 'fast' }), '74.40', 'claude-opus-5-5@2026-04-01/fast'],
  ['us', fact({ ...each, inference_geo: 'us' }), '40.92', 'claude-opus-5-5@2026-04-01/us'],
  [
    'fast in the us',
    fact({ ...each, speed: 'fast', inference_geo: 'us' }),
    '81.84',
    'claude-opus-5-5@2026-04-01/fast/us',
  ],
  [
    'a dated alias',
    fact({ model: 'claude-haiku-4-5-20251001', input_tokens: 7 }),
    '0.000007',
    'claude-haiku-4-5@2026-04-01',
  ],
  [
    'opus 4.6 ignores fast',
    fact({ model: 'claude-opus-4-6', speed: 'fast', output_tokens: 1 }),
    '0.000025',
    'claude-opus-4-6@2026-04-01',
  ],
  [
    'one cached token of haiku 5.5',
    fact({ model: 'claude-haiku-5-5', cache_read_tokens: 1 }),
    '0.00000001',
    'claude-haiku-5-5@2026-04-01/prompt<=100000',
  ],
])('%s costs what the price list says', (_name, given, cost, priceId) => {
  expect(chargeColumns(price(given))).toEqual({ cost_usd: cost, price_id: priceId, unpriced_reason: '' })
})

test('a price change takes effect at its day, by the time of the request', () => {
  const read = { model: 'claude-sonnet-5-5', cache_read_tokens: million }
  const cost = (occurred_at_ms: number) => chargeColumns(price(fact({ ...read, occurred_at_ms }))).cost_usd
  expect(cost(Date.UTC(2026, 9, 7) - 1)).toBe('0.20')
  expect(cost(Date.UTC(2026, 9, 7))).toBe('0.10')
})

test('the tier of haiku 5.5 is chosen by the whole prompt of the one request, caches included', () => {
  const prompt = { input_tokens: 50_000, cache_read_tokens: 25_000, cache_write_5m_tokens: 25_000 }
  expect(chargeColumns(price(fact({ model: 'claude-haiku-5-5', ...prompt }))).cost_usd).toBe('0.008375')
  const longer = { ...prompt, input_tokens: 50_001 }
  expect(chargeColumns(price(fact({ model: 'claude-haiku-5-5', ...longer }))).cost_usd).toBe('0.0418755')
})

test.each([
  ['an unknown model', fact({ model: 'claude-opus-9' })],
  ['a model not known yet', fact({ model: '' })],
  [
    'a model before its first price',
    fact({ model: 'claude-fable-5-2', occurred_at_ms: Date.UTC(2026, 10, 8) }),
  ],
  ['fast on a model that has no such price', fact({ model: 'claude-sonnet-5-5', speed: 'fast' })],
  ['an unknown speed', fact({ speed: 'ludicrous' })],
  ['an unknown geography', fact({ inference_geo: 'mars' })],
  ['us on a model that does not offer it', fact({ model: 'claude-sonnet-4-5', inference_geo: 'us' })],
])('%s is flagged with a reason and has no cost, not even zero', (_name, given) => {
  const columns = chargeColumns(price({ ...given, ...each }))
  expect(columns.cost_usd).toBeNull()
  expect(columns.unpriced_reason).not.toBe('')
})

test('charges add up: requests priced apart cost the same as their sum, in bigint throughout', () => {
  const tokens = fc.record({
    input_tokens: fc.nat(2 ** 31 - 1),
    output_tokens: fc.nat(2 ** 31 - 1),
    cache_read_tokens: fc.nat(2 ** 31 - 1),
    cache_write_5m_tokens: fc.nat(2 ** 31 - 1),
    cache_write_1h_tokens: fc.nat(2 ** 31 - 1),
  })
  const cost = (given: Partial<RequestFact>) => {
    const outcome = price(fact({ inference_geo: 'us', ...given }))
    if (outcome.kind === 'unpriced') throw new Error(outcome.reason)
    expect(typeof outcome.costPicoUsd).toBe('bigint')
    return outcome.costPicoUsd
  }
  fc.assert(
    fc.property(tokens, tokens, (a, b) => {
      const both = {
        input_tokens: a.input_tokens + b.input_tokens,
        output_tokens: a.output_tokens + b.output_tokens,
        cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
        cache_write_5m_tokens: a.cache_write_5m_tokens + b.cache_write_5m_tokens,
        cache_write_1h_tokens: a.cache_write_1h_tokens + b.cache_write_1h_tokens,
      }
      return cost(a) + cost(b) === cost(both)
    }),
  )
})

test('the session-hour costs eight cents, and its price changes at full hours only', () => {
  expect(formatUsd(runtimeRateAt(book, Date.UTC(2026, 10, 23)))).toBe('0.08')
  expect(rateBoundariesMs(book).every((ms) => ms % 3_600_000 === 0)).toBe(true)
})

const minimal = (models: string) => `
currency: USD
sources: { here: a test }
default_inference_geo: us
us_inference_multiplier: "1.1"
session_hour: [{ effective_from: 2026-04-01, source: here, usd: "0.08" }]
web_search: [{ effective_from: 2026-04-01, source: here, usd_per_search: "0.01" }]
models:
${models}`
const rates = 'cache_write_5m: "1", cache_write_1h: "1", cache_read: "1", output: "1"'
const entry = (model: string, effectiveFrom: string, tiers: string, source = 'here') =>
  `  - { model: ${model}, prices: [{ effective_from: ${effectiveFrom}, source: ${source}, tiers: [${tiers}] }] }`

test('the geography of the workspace applies when neither agent nor thread names one', () => {
  const us = createPricer(
    parseBook(minimal(entry('m', '2026-04-01', `{ input: "1", ${rates} }`)), 'book.yaml'),
  )
  expect(chargeColumns(us(fact({ model: 'm', input_tokens: 10 }))).cost_usd).toBe('0.000011')
})

test.each([
  [
    'two entries for one model',
    `${entry('m', '2026-04-01', `{ input: "1", ${rates} }`)}\n${entry('m', '2026-04-01', `{ input: "1", ${rates} }`)}`,
  ],
  ['an amount written as a number', entry('m', '2026-04-01', `{ input: 1.5, ${rates} }`)],
  ['an amount too fine to stay exact', entry('m', '2026-04-01', `{ input: "0.0001", ${rates} }`)],
  ['a day that does not exist', entry('m', '2026-02-30', `{ input: "1", ${rates} }`)],
  ['a source nobody names', entry('m', '2026-04-01', `{ input: "1", ${rates} }`, 'hearsay')],
  [
    'tiers that leave long prompts without a price',
    entry('m', '2026-04-01', `{ prompt_tokens_max: 10, input: "1", ${rates} }`),
  ],
  ['a bracket left open', '  - { model: [m'],
])('a book with %s is refused', (_name, models) => {
  expect(() => parseBook(minimal(models), 'book.yaml')).toThrow('book.yaml')
})
