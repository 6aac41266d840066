// A session's facts held against what the upstream counts of it: the difference, by reason, so that facts and
// adjustments together are exactly the upstream's count. Pure: the same tally gives the same adjustments.
//
// While a session runs, its facts may be ahead of the last snapshot, so only what they lack is certain. Once it rests and
// was stated since, the count is whole, and what the facts have too much is taken back too.
import { formatUsd, parseUsd } from '../kernel/money.ts'
import type { SessionTally } from '../ledger/queries/session-tallies.ts'
import type { RequestFact, SessionRow } from '../ledger/rows.ts'
import type { SessionAdjustmentsRow } from '../ledger/session-rows.ts'
import type { ChargeColumns } from './attribute.ts'
import { formatLedgerTime } from './upstream-time.ts'

/** Why a session's facts were not what the upstream counts. */
export type AdjustmentReason =
  /** The upstream counts more: a model request whose event was never seen. */
  | 'missed_event'
  /** The upstream counts the tokens of its outcome grading in the session's. */
  | 'judge_tokens'
  /** The upstream counts fewer. */
  | 'too_much'
  /** Cache writes live for an hour, and their events did not say so. */
  | 'cache_lifetime'
  /** Same tokens, other money: a price of ours is not the upstream's any more. */
  | 'price_drift'
  /** Money of requests we have no price for, as the upstream states it. */
  | 'unknown_model'
  /** A count that may only grow became smaller. Changes nothing; somebody should look. */
  | 'counted_down'

/** What is asked of prices. */
export type AdjustmentPrices = {
  readonly price: (fact: RequestFact) => ChargeColumns
  /** Running time and web searches at list price, pico-dollars; null when their rate changed meanwhile. */
  readonly rateStated: (used: StatedUse) => bigint | null
}

export type StatedUse = {
  readonly activeMs: number
  readonly webSearches: number
  readonly fromMs: number
  readonly untilMs: number
}

const categories = ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'] as const
type Category = (typeof categories)[number]

type Adjustment = {
  readonly category: Category | ''
  readonly quantity: number
  /** Null: no price is known. */
  readonly picoUsd: bigint | null
  readonly reason: AdjustmentReason
}

/** The row that holds a session's adjustments; it has none where facts and count agree. */
export function toAdjustmentsRow(
  tally: SessionTally,
  session: Pick<SessionRow, 'model' | 'speed' | 'inference_geo'> | undefined,
  prices: AdjustmentPrices,
): SessionAdjustmentsRow {
  const model = session ?? { model: '', speed: '', inference_geo: '' }
  const ofTokens = tokenAdjustments(tally).map(
    (each): Adjustment => ({ ...each, picoUsd: priceOf(each, tally, model, prices) }),
  )
  const all = [...ofTokens, ...moneyAdjustments(tally, ofTokens, prices), ...alarms(tally)]
  const at = formatLedgerTime(tally.last_stated_ms * 1000).slice(0, -3)
  return {
    session_id: tally.session_id,
    at: all.map(() => at),
    category: all.map(({ category }) => category),
    model: all.map(() => model.model),
    quantity: all.map(({ quantity }) => quantity),
    cost_usd: all.map(({ picoUsd }) => (picoUsd === null ? null : formatUsd(picoUsd))),
    reason: all.map(({ reason }) => reason),
    generation: tally.generation,
  }
}

/** Nothing happened since it was last stated, and it does not run: what was stated is all. */
function isSettled(tally: SessionTally): boolean {
  return !tally.is_running && tally.last_fact_ms <= tally.last_stated_ms
}

type Difference = Omit<Adjustment, 'picoUsd'> & { readonly category: Category }

function tokenAdjustments(tally: SessionTally): readonly Difference[] {
  // The upstream leaves counts out until it has them, and absent reads as zero: that states nothing.
  if (categories.every((name) => tally[`stated_${name}`] === 0)) return []
  const moved = movedToHour(tally)
  const off = (name: Category): number => tally[`stated_${name}`] - tally[`fact_${name}`]
  const lifetime: readonly Difference[] =
    moved === 0
      ? []
      : [
          { category: 'cache_write_5m', quantity: -moved, reason: 'cache_lifetime' },
          { category: 'cache_write_1h', quantity: moved, reason: 'cache_lifetime' },
        ]
  const left: Readonly<Record<Category, number>> = {
    input: off('input'),
    output: off('output'),
    cache_read: off('cache_read'),
    cache_write_5m: off('cache_write_5m') + moved,
    cache_write_1h: off('cache_write_1h') - moved,
  }
  return [...lifetime, ...categories.flatMap((name) => explain(name, left[name], tally))]
}

/** Cache writes that events gave the short life and the count gives the long one. */
function movedToHour(tally: SessionTally): number {
  const more = tally.stated_cache_write_1h - tally.fact_cache_write_1h
  const fewer = tally.fact_cache_write_5m - tally.stated_cache_write_5m
  return Math.max(0, Math.min(more, fewer))
}

function explain(category: Category, off: number, tally: SessionTally): readonly Difference[] {
  if (off < 0) return isSettled(tally) ? [{ category, quantity: off, reason: 'too_much' }] : []
  const judged = Math.min(off, tally[`judge_${category}`])
  const missed = off - judged
  return [
    ...(judged === 0 ? [] : [{ category, quantity: judged, reason: 'judge_tokens' } as const]),
    ...(missed === 0 ? [] : [{ category, quantity: missed, reason: 'missed_event' } as const]),
  ]
}

/** At the session's own model and the price of a short prompt: which request it was is not known. */
function priceOf(
  { category, quantity }: Difference,
  tally: SessionTally,
  model: Pick<SessionRow, 'model' | 'speed' | 'inference_geo'>,
  { price }: AdjustmentPrices,
): bigint | null {
  const one = { ...noTokens, [`${category}_tokens`]: 1 }
  const { cost_usd } = price({ ...one, ...model, service_tier: '', occurred_at_ms: tally.last_stated_ms })
  return cost_usd === null ? null : parseUsd(cost_usd) * BigInt(quantity)
}

const cent = 10_000_000_000n

/** What the upstream's own statement of the session's cost leaves, once tokens agree; it is rounded to the cent. */
function moneyAdjustments(
  tally: SessionTally,
  ofTokens: readonly Adjustment[],
  { rateStated }: AdjustmentPrices,
): readonly Adjustment[] {
  if (tally.list_cost_cents === null || !isSettled(tally)) return []
  const meters = rateStated({
    activeMs: tally.stated_active_ms,
    webSearches: tally.stated_web_searches,
    fromMs: tally.first_fact_ms === 0 ? tally.last_stated_ms : tally.first_fact_ms,
    untilMs: tally.last_stated_ms,
  })
  if (meters === null) return []
  const adjusted = ofTokens.reduce((sum, { picoUsd }) => sum + (picoUsd ?? 0n), 0n)
  const off = BigInt(tally.list_cost_cents) * cent - (parseUsd(tally.token_cost_usd) + meters + adjusted)
  if (off <= cent && off >= -cent) return []
  const isUnpriced = tally.unpriced_requests > 0 || ofTokens.some(({ picoUsd }) => picoUsd === null)
  // Tokens of requests nobody saw were priced by a guess of which they were: the statement corrects it.
  const reason = isUnpriced ? 'unknown_model' : ofTokens.length > 0 ? 'missed_event' : 'price_drift'
  return [{ category: '', quantity: 0, picoUsd: off, reason }]
}

function alarms(tally: SessionTally): readonly Adjustment[] {
  return tally.counted_down ? [{ category: '', quantity: 0, picoUsd: 0n, reason: 'counted_down' }] : []
}

const noTokens = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_5m_tokens: 0,
  cache_write_1h_tokens: 0,
}
