// Prices by SKU: the same sums as by request, three exact prices, terms that say what they mean, and the check that names
// a wrong price.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseUsd } from '../../src/kernel/money.ts'
import { inWorkspace, loadBook } from '../../src/price/book.ts'
import { ratesOfBook } from '../../src/price/book-rates.ts'
import { createPricer } from '../../src/price/price.ts'
import { type CheckedSession, checkPrices } from '../../src/price/price-check.ts'
import { listPrices } from '../../src/price/price-report.ts'
import { createPricesReader, noTerms, parsePrices } from '../../src/price/prices-file.ts'
import { rateLine } from '../../src/price/rate-line.ts'
import { runtimeRateAt, webSearchRateAt } from '../../src/price/rates.ts'
import { sessionHourSku, tokenCategories, tokenSku, unpricedSku, webSearchSku } from '../../src/price/sku.ts'
import { createPriceOf } from '../../src/price/terms.ts'

const book = loadBook()
const card = { version: 3, rates: ratesOfBook(book) }
const atMs = Date.UTC(2026, 10, 24)
const listPriceOf = createPriceOf(card, noTerms)

const seed = Number(process.env['TOLLGATE_SEED'] ?? Date.now() % 2 ** 31)

test(`rating by SKU adds up to what every single request is charged, exactly (seed ${seed})`, () => {
  const price = createPricer(book)
  const models = book.models.flatMap((entry) => [entry.model, ...entry.aliases])
  const tokens = fc.oneof(fc.nat({ max: 200 }), fc.nat({ max: 3_000_000 }))
  const facts = fc.record({
    model: fc.constantFrom(...models),
    speed: fc.constantFrom('', 'standard', 'fast'),
    inference_geo: fc.constantFrom('', 'global', 'us'),
    service_tier: fc.constantFrom('', 'standard'),
    occurred_at_ms: fc.integer({ min: Date.UTC(2026, 3, 1), max: Date.UTC(2027, 3, 1) }),
    input_tokens: tokens,
    output_tokens: tokens,
    cache_read_tokens: tokens,
    cache_write_5m_tokens: tokens,
    cache_write_1h_tokens: tokens,
  })
  let charged = 0
  fc.assert(
    fc.property(facts, (fact) => {
      const charge = price(fact)
      if (charge.kind === 'unpriced') return
      charged += 1
      const lines = tokenCategories.map((category) =>
        rateLine(listPriceOf, {
          sku: tokenSku(charge.priceId, category),
          team: 'payments',
          atMs: fact.occurred_at_ms,
          quantity: BigInt(fact[`${category}_tokens`]),
        }),
      )
      const sum = lines.reduce(
        (total, line) => total + (line.kind === 'rated' ? line.billedCostPicoUsd : -1n),
        0n,
      )
      expect(sum).toBe(charge.costPicoUsd)
    }),
    { seed, numRuns: 2_000 },
  )
  expect(charged).toBeGreaterThan(500)
})

test('tiers, fast, geography, running time and searches are SKUs with the prices of the book', () => {
  const list = (sku: string) => listPriceOf({ sku, team: '', atMs })?.listPicoUsd
  expect(list('claude-haiku-5-5/prompt<=100000:input')).toBe(parseUsd('0.10'))
  expect(list('claude-haiku-5-5/prompt>100000/us:cache_write_5m')).toBe(parseUsd('0.6875'))
  expect(list('claude-opus-5-5/fast/us:cache_read')).toBe(parseUsd('0.44'))
  expect(list('claude-sonnet-5-5:cache_read')).toBe(parseUsd('0.10'))
  expect(list(sessionHourSku)).toBe(runtimeRateAt(book, atMs))
  expect(list(webSearchSku)).toBe(webSearchRateAt(book, atMs))
  expect(list('claude-opus-4-5/us:input')).toBeUndefined()
})

test('a price is that of its day, and one that is missing is never zero', () => {
  const read = (day: string) =>
    listPriceOf({ sku: 'claude-sonnet-5-5:cache_read', team: '', atMs: Date.parse(day) })?.listPicoUsd
  expect(read('2026-10-06T23:59:59.999Z')).toBe(parseUsd('0.20'))
  expect(read('2026-10-07')).toBe(parseUsd('0.10'))
  expect(read('2025-01-01')).toBeUndefined()
  const missing = rateLine(listPriceOf, { sku: unpricedSku('next', 'input'), team: '', atMs, quantity: 5n })
  expect(missing).toEqual({ kind: 'unpriced', reason: expect.stringContaining('`unpriced/next:input`') })
})

test('the default geography of the workspace decides what a request costs that names none', () => {
  const fact = {
    ...{ model: 'claude-opus-5-5', speed: '', inference_geo: '', service_tier: '', occurred_at_ms: atMs },
    ...{
      input_tokens: 10,
      output_tokens: 0,
      cache_read_tokens: 0,
      cache_write_5m_tokens: 0,
      cache_write_1h_tokens: 0,
    },
  }
  const idIn = (geo: 'global' | 'us' | null) => {
    const charge = createPricer(inWorkspace(book, geo))(fact)
    return charge.kind === 'charge' ? charge.priceId : charge.reason
  }
  expect([null, 'global' as const, 'us' as const].map(idIn)).toEqual([
    'claude-opus-5-5@2026-04-01',
    'claude-opus-5-5@2026-04-01',
    'claude-opus-5-5@2026-04-01/us',
  ])
})

test('a line is rounded once, half to even, and its mirror image is its negative', () => {
  const rates = [
    {
      ...{ sku: 's', effectiveFromMs: 0, unit: 'Tokens' as const },
      unitSize: 2n,
      unitPricePicoUsd: 1n,
      source: '',
    },
  ]
  const priceOf = createPriceOf({ version: 1, rates }, noTerms)
  const cost = (quantity: bigint) => {
    const line = rateLine(priceOf, { sku: 's', team: '', atMs, quantity })
    return line.kind === 'rated' ? line.listCostPicoUsd : null
  }
  expect([1n, 3n, 5n, -1n, -3n].map(cost)).toEqual([0n, 2n, 2n, 0n, -2n])
})

const terms = `version: 7
contract:
  - { from: 2026-11-01, factor: "0.85" }
  - { from: 2026-11-01, model: claude-opus-*, sku: "*:output", factor: "0.8001" }
markups:
  - { from: 2026-11-01, until: 2026-12-01, team: research, factor: "1.5" }
`

test('list, contracted and billed price follow the terms in force, of which the last that fits counts', () => {
  const priceOf = createPriceOf(card, parsePrices(terms, 'policies/prices.yaml'))
  const ask = (sku: string, team: string, day: string) => {
    const found = priceOf({ sku, team, atMs: Date.parse(day) })
    return found === null ? null : [found.listPicoUsd, found.contractedPicoUsd, found.billedPicoUsd]
  }
  const usd = (...amounts: readonly string[]) => amounts.map(parseUsd)
  expect(ask('claude-opus-5-5:output', 'research', '2026-11-24')).toEqual(usd('20', '16.002', '24.003'))
  expect(ask('claude-opus-5-5:input', 'research', '2026-11-24')).toEqual(usd('4', '3.4', '5.1'))
  expect(ask('claude-opus-5-5:input', 'payments', '2026-11-24')).toEqual(usd('4', '3.4', '3.4'))
  expect(ask('claude-opus-5-5:input', 'research', '2026-12-01')).toEqual(usd('4', '3.4', '3.4'))
  expect(ask('claude-opus-5-5:input', 'research', '2026-10-31')).toEqual(usd('4', '4', '4'))
  expect(ask(sessionHourSku, 'research', '2026-11-24')).toEqual(usd('0.08', '0.068', '0.102'))
  const named = priceOf({ sku: 'claude-opus-5-5:output', team: 'research', atMs })
  expect(named).toMatchObject({
    rateVersion: 3,
    termsVersion: 7,
    contractRule: 'prices.yaml:4',
    markupRule: 'prices.yaml:6',
  })
})

test.each([
  ['contract: [{ from: 2026-11-01, factor: "0.9" }]\n', 'version: 1'],
  [
    'version: 1\ncontract:\n  - { from: 2026-11-01, factor: 0.9 }\n',
    'prices.yaml:3: `contract.0.factor` must be',
  ],
  [
    'version: 1\ncontract:\n  - { from: 2026-02-31, factor: "1" }\n',
    'prices.yaml:3: `contract.0.from` is no date',
  ],
  [
    'version: 1\nmarkups:\n  - { from: 2026-11-01, factor: "1", tem: x }\n',
    'prices.yaml:3: `markups.0.tem` is not a key',
  ],
  [
    'version: 1\nmarkups:\n  - { from: 2026-11-02, until: 2026-11-01, factor: "1" }\n',
    'prices.yaml:3: `markups.0.until`',
  ],
  ['version: 1\nmarkups:\n  - { from: 2026-11-01, factor: "-1" }\n', 'prices.yaml:3: `markups.0.factor`'],
  ['version: 1\ndiscounts: []\n', 'prices.yaml:2: `discounts` is not a key'],
  ['- 1\n', 'prices.yaml:1: must be an object'],
])('terms that cannot be understood are refused with their line: %j', (text, reason) => {
  expect(() => parsePrices(text, 'prices.yaml')).toThrow(reason)
})

test('the shipped file and an empty one change no price, and what it shows as examples is understood', () => {
  const shipped = readFileSync(new URL('../../policies/prices.yaml', import.meta.url), 'utf8')
  expect(parsePrices(shipped, 'prices.yaml')).toEqual({ version: 1, contract: [], markups: [] })
  expect(parsePrices('', 'prices.yaml')).toEqual(noTerms)
  const examples = parsePrices(
    shipped.replaceAll(/: \[\]\n/g, ':\n').replaceAll(/^# {2}- /gm, '  - '),
    'prices.yaml',
  )
  expect([examples.contract.length, examples.markups.length]).toEqual([2, 2])
})

test('terms that change must change their version; words about them need not', () => {
  const read = createPricesReader()
  read(terms, 'prices.yaml')
  expect(() => read(`# spoken of\n${terms}`, 'prices.yaml')).not.toThrow()
  const dearer = terms.replace('1.5', '1.6')
  expect(() => read(dearer, 'prices.yaml')).toThrow('prices.yaml:1: terms changed under version 7')
  expect(() => read(dearer.replace('version: 7', 'version: 8'), 'prices.yaml')).not.toThrow()
})

test('the list names every SKU once with its source and day, and leaves out what is not yet in force', () => {
  const list = listPrices(card, noTerms, '', Date.UTC(2026, 9, 1))
  expect(new Set(list.prices.map(({ sku }) => sku)).size).toBe(list.prices.length)
  expect(list.prices.find(({ sku }) => sku === 'session-hour')).toMatchObject({
    ...{ unit: 'Milliseconds', unit_size: '3600000', list_usd: '0.08', billed_usd: '0.08' },
    ...{
      effective_from: '2026-04-01',
      source: expect.stringContaining('about-claude/pricing, read 2026-10-10'),
    },
  })
  expect(list.prices.some(({ sku }) => sku.startsWith('claude-fable-5-2'))).toBe(false)
})

test(`the check names the one SKU whose price is wrong, among random sessions (seed ${seed})`, () => {
  const skus = ['session-hour', 'web-search', 'm:input', 'm:output', 'm:cache_read', 'n:input', 'n:output']
  const cent = 10_000_000_000n
  const quantity = fc.bigInt({ min: 1_000_000n, max: 90_000_000n })
  const sessions = fc.array(fc.array(quantity, { minLength: skus.length, maxLength: skus.length }), {
    minLength: 20,
    maxLength: 30,
  })
  fc.assert(
    fc.property(
      sessions,
      fc.constantFrom(...skus),
      fc.constantFrom(1_000_000n, -400_000n),
      (drawn, wrong, off) => {
        const checked = drawn.map((amounts, index): CheckedSession => {
          const quantities = new Map(skus.map((sku, at) => [sku, amounts[at] ?? 0n]))
          const rated = amounts.reduce((sum, each) => sum + each * 2_000_000n, 0n)
          const real = rated + (quantities.get(wrong) ?? 0n) * off
          const stated = ((real + cent / 2n) / cent) * cent
          return { sessionId: `s${index}`, quantities, ratedPicoUsd: rated, statedPicoUsd: stated }
        })
        const check = checkPrices(checked)
        expect(check.drifting.length).toBeGreaterThan(0)
        expect(check.suspects[0]?.sku).toBe(wrong)
      },
    ),
    { seed, numRuns: 100 },
  )
})

test('what a cent of rounding explains is no drift', () => {
  const quantities = new Map([['m:input', 5n]])
  const check = checkPrices([
    { sessionId: 'a', quantities, ratedPicoUsd: parseUsd('0.014'), statedPicoUsd: parseUsd('0.01') },
    { sessionId: 'b', quantities, ratedPicoUsd: parseUsd('0.02'), statedPicoUsd: parseUsd('0.01') },
  ])
  expect(check).toEqual({ compared: 2, drifting: [], suspects: [] })
})
