// How far budgets are used: what the ledger has of each, and what live sessions may still spend of it. Pure: made anew at
// every look from what was read.
import type { Steps } from '../../kernel/turns.ts'
import type { LiveSession } from '../../ledger/queries/live-sessions.ts'
import type { PeriodQuantity } from '../../ledger/queries/period-quantities.ts'
import { sessionHourSku } from '../sku.ts'
import { adjustmentPrefix, type SkuPrice } from '../terms.ts'
import type { Budget, BudgetMeasure, Budgets } from './budgets-file.ts'

/** What something counts for; '' is not known. */
export type BudgetDims = {
  readonly team: string
  readonly caller: string
  readonly agent: string
  readonly model: string
  readonly session: string
}

/** From, and without, until; milliseconds, UTC midnights. `untilMs` is null for a budget without an end. */
export type BudgetWindow = { readonly fromMs: number; readonly untilMs: number | null }

/** A budget, and whose it is: '' unless each has its own. */
export type BudgetShare = { readonly budget: Budget; readonly key: string }

export type Standing = {
  /** Of which moment it is. */
  readonly atMs: number
  /** Gateways that share the ledger; each grants its part of what is left. */
  readonly gateways: number
  readonly live: ReadonlyMap<string, LiveSession>
  /** Used in the period that `atMs` lies in, in the budget's measure. */
  readonly spentOf: (share: BudgetShare) => bigint
  /** What live sessions may still spend of it, in the budget's measure; 0 for one that is not of money. */
  readonly heldOf: (share: BudgetShare) => bigint
  /** Every share anything is known of. */
  readonly shares: () => readonly BudgetShare[]
  /** List price of this many cents as the measure of a budget has it: for billed cost, at the team's dearest factor. */
  readonly worthOf: (budget: Budget, team: string, cents: bigint) => bigint
  /** The other way, rounded down. */
  readonly centsOf: (budget: Budget, team: string, worth: bigint) => bigint
}

export type StandingOf = {
  readonly budgets: Budgets
  readonly atMs: number
  readonly gateways: number
  readonly quantities: readonly PeriodQuantity[]
  readonly live: readonly LiveSession[]
  readonly priceOf: (asked: {
    readonly sku: string
    readonly team: string
    readonly atMs: number
  }) => SkuPrice | null
  /** Every SKU of the rate card: for the dearest factor between list and billed. */
  readonly skus: readonly string[]
}

const dayMs = 86_400_000
const picoPerCent = 10_000_000_000n

/** The period that a moment lies in; null when the budget's own span does not hold it. Weeks begin on Monday. */
export function windowOf({ period }: Pick<Budget, 'period'>, atMs: number): BudgetWindow | null {
  if (typeof period === 'object') {
    return period.fromMs <= atMs && atMs < period.untilMs ? period : null
  }
  const day = Math.floor(atMs / dayMs) * dayMs
  if (period === 'total') return { fromMs: 0, untilMs: null }
  if (period === 'day') return { fromMs: day, untilMs: day + dayMs }
  if (period === 'week') {
    // The epoch was a Thursday.
    const monday = day - ((day / dayMs + 3) % 7) * dayMs
    return { fromMs: monday, untilMs: monday + 7 * dayMs }
  }
  const date = new Date(day)
  return {
    fromMs: Date.UTC(date.getUTCFullYear(), date.getUTCMonth()),
    untilMs: Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1),
  }
}

/** The share of a budget that something counts for; null when it does not. What is not known counts for no one's own. */
export function shareOf(budget: Budget, dims: BudgetDims): BudgetShare | null {
  const isOf = (wanted: string | null, found: string): boolean => wanted === null || wanted === found
  if (!isOf(budget.team, dims.team) || !isOf(budget.caller, dims.caller)) return null
  if (!isOf(budget.agent, dims.agent) || !isOf(budget.model, dims.model)) return null
  if (budget.per === null) return { budget, key: '' }
  const key = dims[budget.per]
  return key === '' ? null : { budget, key }
}

export const dimsOf = (session: LiveSession): BudgetDims => ({
  team: session.team,
  caller: session.caller,
  agent: session.agent_id,
  model: session.model,
  session: session.session_id,
})

/** True while a session keeps what it may still spend: it works, or came to rest a short time ago. */
export const isHolding = (session: LiveSession, atMs: number, idleHoldMs: number): boolean =>
  !session.has_ended && (session.is_at_work || session.last_edge_ms + idleHoldMs > atMs)

/** What the upstream lets it spend beyond what it has, in cents; 0 without a limit. */
export const leftOf = ({ limit_cents: limit, spent_cents: spent }: LiveSession): bigint =>
  limit > spent ? limit - spent : 0n

/** Adds it all up. May pause between rows: a month of a large organisation has many. */
export function* takeStanding(given: StandingOf): Steps<Standing> {
  const { budgets, atMs } = given
  const spent = new Map<string, bigint>()
  const held = new Map<string, bigint>()
  const shares = new Map<string, BudgetShare>()
  const add = (to: Map<string, bigint>, share: BudgetShare, worth: bigint): void => {
    const id = idOf(share)
    shares.set(id, share)
    to.set(id, (to.get(id) ?? 0n) + worth)
  }
  const open = budgets.budgets
    .map((budget) => ({ budget, window: windowOf(budget, atMs) }))
    .filter((each) => each.window !== null)
  for (const { budget } of open)
    if (budget.per === null) shares.set(idOf({ budget, key: '' }), { budget, key: '' })
  for (const row of given.quantities) {
    yield
    const dims = { ...row, agent: row.agent_id, session: '' }
    const worth = measureRow(row, given.priceOf)
    for (const { budget, window } of open) {
      if (window === null || budget.per === 'session' || row.day * dayMs < window.fromMs) continue
      const share = shareOf(budget, dims)
      if (share !== null) add(spent, share, worth[budget.measure])
    }
  }
  const ratio = dearestRatio(given)
  const worthOf = (budget: Budget, team: string, cents: bigint): bigint => {
    const list = cents * picoPerCent
    if (budget.measure !== 'billed_usd') return list
    const { numerator, denominator } = ratio(team)
    return (list * numerator + denominator - 1n) / denominator
  }
  for (const session of given.live) {
    yield
    const dims = dimsOf(session)
    const holds = isHolding(session, atMs, budgets.idleHoldMs)
    for (const { budget } of open) {
      const share = shareOf(budget, dims)
      if (share === null) continue
      if (budget.per === 'session')
        add(spent, share, measureSession(session, budget.measure, worthOf, budget))
      if (holds && isMoney(budget)) add(held, share, worthOf(budget, session.team, leftOf(session)))
    }
  }
  return {
    atMs,
    gateways: given.gateways,
    live: new Map(given.live.map((session) => [session.session_id, session])),
    spentOf: (share) => spent.get(idOf(share)) ?? 0n,
    heldOf: (share) => held.get(idOf(share)) ?? 0n,
    shares: () => [...shares.values()],
    worthOf,
    centsOf: (budget, team, worth) => {
      const { numerator, denominator } =
        budget.measure === 'billed_usd' ? ratio(team) : { numerator: 1n, denominator: 1n }
      return numerator === 0n ? worth / picoPerCent : (worth * denominator) / (numerator * picoPerCent)
    },
  }
}

/** Whether a limit of the upstream can hold it. */
export const isMoney = ({ measure }: Pick<Budget, 'measure'>): boolean =>
  measure === 'list_usd' || measure === 'billed_usd'

/** Names a share in a map. */
export const idOf = ({ budget, key }: BudgetShare): string => `${budget.name}\n${key}`

function measureRow(
  row: PeriodQuantity,
  priceOf: StandingOf['priceOf'],
): { readonly [measure in BudgetMeasure]: bigint } {
  const { sku, team, quantity } = row
  const price = priceOf({ sku, team, atMs: row.day * dayMs })
  const isTime = sku === sessionHourSku
  return {
    // Kept apart from bills, so rounding each row down is far below a cent.
    list_usd: price === null ? 0n : (quantity * price.listPicoUsd) / price.unitSize,
    billed_usd: price === null ? 0n : (quantity * price.billedPicoUsd) / price.unitSize,
    tokens: isTime || !sku.includes(':') || sku.startsWith(adjustmentPrefix) ? 0n : quantity,
    running_ms: isTime ? quantity : 0n,
  }
}

function measureSession(
  session: LiveSession,
  measure: BudgetMeasure,
  worthOf: Standing['worthOf'],
  budget: Budget,
): bigint {
  if (measure === 'tokens') return session.tokens
  if (measure === 'running_ms') return session.active_ms
  return worthOf(budget, session.team, session.spent_cents)
}

/** The most that a team is billed for something of a list price of one, as a fraction; asked once a team. */
function dearestRatio({ skus, priceOf, atMs }: StandingOf) {
  type Ratio = { readonly numerator: bigint; readonly denominator: bigint }
  const known = new Map<string, Ratio>()
  return (team: string): Ratio => {
    const found = known.get(team)
    if (found !== undefined) return found
    let dearest: Ratio | null = null
    for (const sku of skus) {
      const price = priceOf({ sku, team, atMs })
      if (price === null || price.listPicoUsd === 0n) continue
      const ratio = { numerator: price.billedPicoUsd, denominator: price.listPicoUsd }
      if (dearest === null || ratio.numerator * dearest.denominator > dearest.numerator * ratio.denominator)
        dearest = ratio
    }
    const ratio = dearest ?? { numerator: 1n, denominator: 1n }
    known.set(team, ratio)
    return ratio
  }
}
