// Which SKU's price is wrong, told from whole sessions: the upstream states one sum a session, and a wrong price errs by
// the same amount for every unit, so the SKU whose quantities explain the errors best is the one to look at.
import { divideHalfEven } from '../kernel/money.ts'

/** One session that is over and whole: what it used by SKU, what that costs by our prices, and what the upstream states. */
export type CheckedSession = {
  readonly sessionId: string
  readonly quantities: ReadonlyMap<string, bigint>
  readonly ratedPicoUsd: bigint
  readonly statedPicoUsd: bigint
}

/** What is known of one SKU if it alone were wrong. */
export type SkuDrift = {
  readonly sku: string
  readonly quantity: bigint
  readonly sessions: number
  readonly driftingSessions: number
  /** What the upstream charged more (or, below zero, less) than our price says, were all of it this SKU's. */
  readonly driftPicoUsd: bigint
  /** The same for `unitSize` units: the price it seems to have is ours and this. */
  readonly driftOf: (unitSize: bigint) => bigint
  /** What this SKU does not explain, over all sessions; the smallest is the likeliest. */
  readonly leftPicoUsd: bigint
}

export type PriceCheck = {
  readonly compared: number
  /** Sessions off by more than a cent. */
  readonly drifting: readonly CheckedSession[]
  /** Likeliest first; empty when nothing drifts. */
  readonly suspects: readonly SkuDrift[]
}

/** The upstream rounds each sum to a cent. */
const centPicoUsd = 10_000_000_000n

/** Compares and looks for the cause. Pure, exact, and the same whatever the order of sessions. */
export function checkPrices(sessions: readonly CheckedSession[]): PriceCheck {
  const drifting = sessions.filter((session) => sizeOf(errorOf(session)) > centPicoUsd)
  const skus = new Set(drifting.flatMap(({ quantities }) => [...quantities.keys()]))
  const suspects = [...skus]
    .map((sku) => blame(sku, sessions, drifting))
    .filter((suspect) => suspect !== null)
    .sort((a, b) => compare(a.leftPicoUsd, b.leftPicoUsd) || compare(a.sku, b.sku))
  return { compared: sessions.length, drifting, suspects }
}

/** The price that fits all errors best (least squares, in whole numbers), and what it leaves; null when it used nothing. */
function blame(
  sku: string,
  sessions: readonly CheckedSession[],
  drifting: readonly CheckedSession[],
): SkuDrift | null {
  const quantityOf = (session: CheckedSession): bigint => session.quantities.get(sku) ?? 0n
  const sum = (each: (session: CheckedSession) => bigint): bigint =>
    sessions.reduce((total, session) => total + each(session), 0n)
  const squares = sum((session) => quantityOf(session) ** 2n)
  if (squares === 0n) return null
  const products = sum((session) => quantityOf(session) * errorOf(session))
  const shareOf = (quantity: bigint): bigint => divideHalfEven(quantity * products, squares)
  const quantity = sum(quantityOf)
  const uses = (session: CheckedSession): boolean => quantityOf(session) !== 0n
  return {
    sku,
    quantity,
    sessions: sessions.filter(uses).length,
    driftingSessions: drifting.filter(uses).length,
    driftPicoUsd: shareOf(quantity),
    driftOf: shareOf,
    leftPicoUsd: sum((session) => sizeOf(errorOf(session) - shareOf(quantityOf(session)))),
  }
}

const errorOf = ({ ratedPicoUsd, statedPicoUsd }: CheckedSession): bigint => statedPicoUsd - ratedPicoUsd
const sizeOf = (amount: bigint): bigint => (amount < 0n ? -amount : amount)
const compare = <T extends string | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)
