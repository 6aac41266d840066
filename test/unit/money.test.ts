// Money is exact: what is written is read back, and parts add up to the whole.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allocate, divideHalfEven, formatUsd, parseUsd } from '../../src/kernel/money.ts'

const amount = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n })

test('an amount survives being written and read', () => {
  fc.assert(fc.property(amount, (pico) => parseUsd(formatUsd(pico)) === pico))
})

test.each([
  ['0.08', 80_000_000_000n],
  ['-1.5', -1_500_000_000_000n],
  ['0.000000000001', 1n],
  ['12', 12_000_000_000_000n],
  ['1.100000000000000', 1_100_000_000_000n],
])('`%s` is read exactly', (text, pico) => {
  expect(parseUsd(text)).toBe(pico)
})

test.each(['', '1e3', '.5', '1.', '0x1', 'NaN', '1,5', '0.0000000000001', ' 1'])(
  '`%s` is no amount',
  (text) => {
    expect(() => parseUsd(text)).toThrow('is not an amount')
  },
)

test('cents keep two digits and nothing is dropped', () => {
  expect(formatUsd(0n)).toBe('0.00')
  expect(formatUsd(40_000_000_000n)).toBe('0.04')
  expect(formatUsd(-1n)).toBe('-0.000000000001')
})

test.each([
  [5n, 2n, 2n],
  [7n, 2n, 4n],
  [-5n, 2n, -2n],
  [-7n, 2n, -4n],
  [1n, 3n, 0n],
  [2n, 3n, 1n],
])('%d / %d rounds half to even', (numerator, denominator, rounded) => {
  expect(divideHalfEven(numerator, denominator)).toBe(rounded)
})

test('allocated parts add up to the whole, each within one of its exact share', () => {
  fc.assert(
    fc.property(
      fc.array(amount, { maxLength: 20 }),
      fc.bigInt({ min: 1n, max: 10n ** 9n }),
      (numerators, unit) => {
        const parts = allocate(numerators, unit)
        const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n)
        expect(sum(parts)).toBe(divideHalfEven(sum(numerators), unit))
        for (const [index, numerator] of numerators.entries()) {
          const off = (parts[index] ?? 0n) * unit - numerator
          expect(off < unit && off > -unit).toBe(true)
        }
      },
    ),
  )
})
