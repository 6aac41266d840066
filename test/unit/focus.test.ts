// The FOCUS dataset holds what the specification's columns ask: presence, nulls, allowed values, and price times quantity.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { divideHalfEven, formatUsd, parseUsd } from '../../src/kernel/money.ts'
import { loadBook } from '../../src/price/book.ts'
import { ratesOfBook } from '../../src/price/book-rates.ts'
import { makeCorrections } from '../../src/price/chargeback/corrections.ts'
import { type FocusRow, focusColumns, toFocusRow } from '../../src/price/chargeback/focus.ts'
import { makeLines } from '../../src/price/chargeback/make-lines.ts'
import { noTerms } from '../../src/price/prices-file.ts'
import { createPriceOf, withAdjustments } from '../../src/price/terms.ts'

const card = withAdjustments({ version: 1, rates: ratesOfBook(loadBook()) }, ['adjustment/missed_event'])
const priceOf = createPriceOf(card, noTerms)
const firstDay = Date.UTC(2026, 9, 1) / 86_400_000
const bill = { billingAccountId: 'acme', invoiceId: '2026-10' }

const quantities = fc.uniqueArray(
  fc.record({
    day: fc.integer({ min: firstDay, max: firstDay + 30 }),
    team: fc.constantFrom('a', 'UNALLOCATED'),
    caller: fc.constant(''),
    agent_id: fc.constantFrom('agent_1', ''),
    agent_version: fc.constant(1),
    model: fc.constantFrom('claude-opus-5-5', ''),
    environment_id: fc.constant('env_1'),
    sku: fc.constantFrom(
      'session-hour',
      'web-search',
      'claude-opus-5-5:input',
      'claude-opus-5-5:cache_read',
      'adjustment/missed_event',
      'unpriced/claude-next:input',
    ),
    quantity: fc.bigInt({ min: 1n, max: 10n ** 11n }),
  }),
  { maxLength: 20, selector: ({ quantity: _amount, ...key }) => JSON.stringify(key) },
)

const linesOf = (given: Parameters<typeof makeLines>[0]['quantities']) =>
  makeLines({
    ...{ period: '2026-10', quantities: given, priceOf },
    ...{ costCentreOf: () => 'CC', rateVersion: 1, termsVersion: 0 },
  })

// Mandatory columns of 1.4 and those conditional ones that apply here, with what they may never be empty for.
const never = [
  ...['BilledCost', 'BillingAccountId', 'BillingCurrency', 'BillingPeriodEnd', 'BillingPeriodStart'],
  ...['ChargeCategory', 'ChargeDescription', 'ChargeFrequency', 'ChargePeriodEnd', 'ChargePeriodStart'],
  ...['ContractedCost', 'EffectiveCost', 'HostProviderName', 'InvoiceIssuerName', 'ListCost'],
  ...['ServiceCategory', 'ServiceName', 'ServiceProviderName'],
] as const
const ofPlainUsage = [
  ...['ConsumedQuantity', 'ConsumedUnit', 'ContractedUnitPrice', 'ListUnitPrice', 'PricingCategory'],
  ...['PricingQuantity', 'PricingUnit', 'SkuId', 'SkuPriceId'],
] as const
const decimal = /^-?\d+(\.\d+)?$/
const time = /^\d{4}-\d\d-\d\dT00:00:00Z$/

function check(row: FocusRow): void {
  expect(Object.keys(row)).toEqual([...focusColumns])
  for (const name of never) expect(row[name], name).not.toBe('')
  expect(['Usage', 'Adjustment']).toContain(row.ChargeCategory)
  expect(['', 'Correction']).toContain(row.ChargeClass)
  expect(row.ChargeFrequency).toBe('Usage-Based')
  expect(row.BillingCurrency).toBe('USD')
  for (const name of ['BilledCost', 'ContractedCost', 'EffectiveCost', 'ListCost'] as const)
    expect(row[name], name).toMatch(decimal)
  for (const name of [
    'BillingPeriodStart',
    'BillingPeriodEnd',
    'ChargePeriodStart',
    'ChargePeriodEnd',
  ] as const)
    expect(row[name], name).toMatch(time)
  expect(row.ChargePeriodStart < row.ChargePeriodEnd).toBe(true)
  expect(JSON.parse(row.Tags)).toBeTypeOf('object')
  if (row.ChargeCategory !== 'Usage') expect(row.ConsumedQuantity).toBe('')
  if (row.ChargeCategory !== 'Usage' || row.ChargeClass !== '') return
  for (const name of ofPlainUsage) expect(row[name], name).not.toBe('')
  for (const [unitPrice, cost] of [
    [row.ListUnitPrice, row.ListCost],
    [row.ContractedUnitPrice, row.ContractedCost],
  ] as const) {
    const [whole = '0', fraction = ''] = row.PricingQuantity.split('.')
    const quantity = BigInt(whole + fraction.padEnd(18, '0'))
    expect(formatUsd(divideHalfEven(quantity * parseUsd(unitPrice), 10n ** 18n))).toBe(cost)
  }
}

test('every row keeps the rules of its columns, and price times quantity is its cost', () => {
  fc.assert(
    fc.property(quantities, quantities, (first, second) => {
      const charged = linesOf(first)
      const corrections = makeCorrections({
        ...{ period: '2026-11', corrects: '2026-10', charged, now: linesOf(second) },
      })
      const lines = [...charged, ...corrections]
      const rows = lines.map((line) => toFocusRow(line, bill))
      for (const row of rows) check(row)
      // What an invoice asks for is the sum of its rows.
      const sum = (texts: readonly string[]) => texts.reduce((total, text) => total + parseUsd(text), 0n)
      expect(sum(rows.map((row) => row.BilledCost))).toBe(sum(lines.map((line) => line.billed_cost)))
    }),
  )
})

test('tokens are priced by the million and consumed one by one; running time by the hour and in seconds', () => {
  const at = {
    day: firstDay,
    team: 'a',
    caller: '',
    agent_id: 'agent_1',
    agent_version: 1,
    model: 'm',
    environment_id: 'e',
  }
  const rows = linesOf([
    { ...at, sku: 'claude-opus-5-5:input', quantity: 1_500_000n },
    { ...at, sku: 'session-hour', quantity: 5_400_500n },
  ]).map((line) => toFocusRow(line, bill))
  expect(rows[0]).toMatchObject({
    ...{
      PricingUnit: '1M Tokens',
      PricingQuantity: '1.5',
      ConsumedUnit: 'Tokens',
      ConsumedQuantity: '1500000',
    },
    ...{ SubAccountId: 'a', ResourceId: 'agent_1', SkuMeter: 'Tokens, input', x_CostCentre: 'CC' },
    ...{ BillingPeriodStart: '2026-10-01T00:00:00Z', BillingPeriodEnd: '2026-11-01T00:00:00Z' },
  })
  expect(rows[1]).toMatchObject({ PricingUnit: 'Hours', ConsumedUnit: 'Seconds', ConsumedQuantity: '5400.5' })
})
