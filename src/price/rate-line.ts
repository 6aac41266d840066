// What a quantity of one SKU costs on one day: three costs, each exact and rounded once.
import { divideHalfEven } from '../kernel/money.ts'
import type { SkuPrice } from './terms.ts'

/** Pico-dollars; each is `quantity / unit size * unit price`, rounded once, half-even, at 12 digits. */
export type RatedLine = {
  readonly price: SkuPrice
  readonly listCostPicoUsd: bigint
  readonly contractedCostPicoUsd: bigint
  readonly billedCostPicoUsd: bigint
}

/** No price is known: never zero, and `reason` is for people. */
export type UnpricedLine = { readonly kind: 'unpriced'; readonly reason: string }

/** What is charged: a whole number of the SKU's units (tokens, milliseconds, searches), signed for an adjustment. */
export type UsedQuantity = {
  readonly sku: string
  readonly team: string
  /** Any moment of the UTC day: prices of the book change at midnight. */
  readonly atMs: number
  readonly quantity: bigint
}

/** Rates one quantity by the prices that `priceOf` knows. Pure: the same quantity always costs the same. */
export function rateLine(
  priceOf: (asked: { readonly sku: string; readonly team: string; readonly atMs: number }) => SkuPrice | null,
  used: UsedQuantity,
): ({ readonly kind: 'rated' } & RatedLine) | UnpricedLine {
  const price = priceOf(used)
  if (price === null) {
    const day = new Date(used.atMs).toISOString().slice(0, 10)
    return {
      kind: 'unpriced',
      reason: `\`${used.sku}\` has no list price on ${day}; add one to the price book`,
    }
  }
  const cost = (unitPricePicoUsd: bigint): bigint =>
    divideHalfEven(used.quantity * unitPricePicoUsd, price.unitSize)
  return {
    kind: 'rated',
    price,
    listCostPicoUsd: cost(price.listPicoUsd),
    contractedCostPicoUsd: cost(price.contractedPicoUsd),
    billedCostPicoUsd: cost(price.billedPicoUsd),
  }
}
