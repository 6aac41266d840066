// Lines of a month: each rounded once, together what they are exactly; corrections bring what was charged to what is known.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { divideHalfEven, parseUsd } from '../../src/kernel/money.ts'
import type { PeriodQuantity } from '../../src/ledger/queries/period-quantities.ts'
import { loadBook } from '../../src/price/book.ts'
import { ratesOfBook } from '../../src/price/book-rates.ts'
import { type ChargeLine, hashLines } from '../../src/price/chargeback/charge-line.ts'
import { makeCorrections } from '../../src/price/chargeback/corrections.ts'
import { makeLines, nextPeriodStart } from '../../src/price/chargeback/make-lines.ts'
import { parsePrices } from '../../src/price/prices-file.ts'
import { createPriceOf, withAdjustments } from '../../src/price/terms.ts'

const card = withAdjustments({ version: 3, rates: ratesOfBook(loadBook()) }, ['adjustment/missed_event'])
const terms = parsePrices(
  'version: 7\ncontract:\n  - { from: 2026-01-01, factor: "0.8573" }\nmarkups:\n  - { from: 2026-01-01, team: b, factor: "1.0211" }\n',
  'prices.yaml',
)
const priceOf = createPriceOf(card, terms)
const firstDay = Date.UTC(2026, 9, 1) / 86_400_000

const quantity: fc.Arbitrary<PeriodQuantity> = fc.record({
  day: fc.integer({ min: firstDay, max: firstDay + 30 }),
  team: fc.constantFrom('a', 'b', 'UNALLOCATED'),
  caller: fc.constant(''),
  agent_id: fc.constantFrom('agent_1', ''),
  agent_version: fc.integer({ min: 0, max: 2 }),
  model: fc.constantFrom('claude-opus-5-5', ''),
  environment_id: fc.constant('env_1'),
  sku: fc.constantFrom(
    'session-hour',
    'web-search',
    'claude-opus-5-5:input',
    'claude-opus-5-5:output',
    'adjustment/missed_event',
    'unpriced/claude-next:input',
  ),
  quantity: fc.bigInt({ min: 1n, max: 10n ** 12n }),
})
const keyOf = ({ quantity: _amount, ...key }: PeriodQuantity) => JSON.stringify(key)
const quantities = fc.uniqueArray(quantity, { maxLength: 40, selector: keyOf })

const linesOf = (given: readonly PeriodQuantity[], period = '2026-10') =>
  makeLines({ period, quantities: given, priceOf, costCentreOf: () => 'CC', rateVersion: 3, termsVersion: 7 })

const costs = [
  ['list_cost', 'listPicoUsd'],
  ['contracted_cost', 'contractedPicoUsd'],
  ['billed_cost', 'billedPicoUsd'],
] as const
const total = (lines: readonly ChargeLine[], name: (typeof costs)[number][0]) =>
  lines.reduce((sum, line) => sum + parseUsd(line[name]), 0n)

test('a team is charged the exact sum of its use, rounded once, whatever its lines round to', () => {
  fc.assert(
    fc.property(quantities, (given) => {
      const lines = linesOf(given)
      for (const team of ['a', 'b', 'UNALLOCATED']) {
        for (const [cost, unitPrice] of costs) {
          // Over one denominator that every unit size divides.
          const common = 3_600_000n * 10n ** 12n
          const exact = given
            .filter((used) => used.team === team)
            .reduce((sum, used) => {
              const price = priceOf({ sku: used.sku, team, atMs: used.day * 86_400_000 })
              return price === null ? sum : sum + (used.quantity * price[unitPrice] * common) / price.unitSize
            }, 0n)
          const own = lines.filter((line) => line.team === team)
          expect(total(own, cost)).toBe(divideHalfEven(exact, common))
        }
      }
    }),
  )
})

test('the same use in another order gives the same lines, and the same hash', () => {
  fc.assert(
    fc.property(quantities, fc.infiniteStream(fc.nat()), (given, ranks) => {
      const shuffled = given
        .map((used) => ({ used, rank: ranks.next().value ?? 0 }))
        .toSorted((a, b) => a.rank - b.rank)
        .map(({ used }) => used)
      expect(hashLines(linesOf(shuffled))).toBe(hashLines(linesOf(given)))
    }),
  )
})

test('what was charged and its corrections are what is known now, and then there is nothing to correct', () => {
  fc.assert(
    fc.property(quantities, quantities, quantities, (first, second, third) => {
      let charged = linesOf(first)
      for (const [n, known] of [second, third].entries()) {
        const now = linesOf(known)
        const corrections = makeCorrections({ period: `2026-1${n + 1}`, corrects: '2026-10', charged, now })
        for (const line of corrections)
          expect(line).toMatchObject({ charge_class: 'Correction', corrects_period: '2026-10' })
        charged = [...charged, ...corrections]
        for (const team of ['a', 'b', 'UNALLOCATED'])
          for (const [cost] of costs) {
            const of = (lines: readonly ChargeLine[]) =>
              total(
                lines.filter((line) => line.team === team),
                cost,
              )
            expect(of(charged)).toBe(of(now))
          }
        expect(makeCorrections({ period: '2026-12', corrects: '2026-10', charged, now })).toEqual([])
      }
    }),
  )
})

test('use without a price is a line that says so, and its quantity is not lost', () => {
  const lines = linesOf([
    {
      ...{
        day: firstDay,
        team: 'a',
        caller: '',
        agent_id: 'agent_1',
        agent_version: 1,
        model: 'claude-next',
      },
      ...{ environment_id: 'env_1', sku: 'unpriced/claude-next:input', quantity: 12n },
    },
  ])
  expect(lines).toMatchObject([
    { quantity: '12', billed_cost: '0.00', reason: 'no price is known: charged nothing, and said so' },
  ])
})

test('a period ends where the next month begins', () => {
  expect(nextPeriodStart('2026-10')).toBe('2026-11-01')
  expect(nextPeriodStart('2026-12')).toBe('2027-01-01')
})
