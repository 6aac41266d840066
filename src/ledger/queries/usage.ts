// Quantities of usage by one dimension, exact: what `price/usage-report.ts` turns into money.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const usageSql = readFileSync(new URL('./usage.sql', import.meta.url), 'utf8')

/** The dimensions usage can be grouped by. */
export const usageGroups = [
  'team',
  'caller',
  'agent',
  'agent_version',
  'model',
  'environment',
  'session',
] as const
export type UsageGroupBy = (typeof usageGroups)[number]

export type UsageQuantitiesQuery = {
  readonly groupBy: UsageGroupBy
  /** Inclusive. */
  readonly fromMs: number
  /** Exclusive; an open interval is counted up to now at most. */
  readonly toMs: number
  readonly bucket?: 'hour' | 'day'
  /** Rising moments, midnights UTC, at which a price changes: quantities are given apart for each period between. */
  readonly rateBoundariesMs: readonly number[]
  /** Of a longer answer, this many lines and one more are read. */
  readonly linesMax: number
}

// ClickHouse answers 64-bit integers as strings, smaller ones as numbers. Beyond 2^53 we refuse rather than round.
const count = z.union([z.string(), z.number()]).transform((value, context) => {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 0) return number
  context.addIssue(`\`${value}\` is not a count`)
  return z.NEVER
})
// Adjustments may take back more than a bucket used.
const signed = z.union([z.string(), z.number()]).transform(Number).refine(Number.isSafeInteger)
const countByRate = z
  .record(z.string(), count)
  .transform(
    (record): ReadonlyMap<number, number> => new Map(Object.entries(record).map(([k, v]) => [Number(k), v])),
  )

const rowSchema = z.object({
  key: z.string(),
  bucket: z.string().nullable(),
  input_tokens: signed,
  output_tokens: signed,
  cache_read_tokens: signed,
  cache_write_5m_tokens: signed,
  cache_write_1h_tokens: signed,
  model_requests: count,
  unpriced_requests: count,
  token_cost_usd: z.union([z.string(), z.number()]).transform(String),
  running_ms: count,
  provisional_running_ms: count,
  idle_ms: count,
  waiting_ms: count,
  rescheduling_ms: count,
  web_search_requests: count,
  adjustments: count,
  adjustment_cost_usd: z.union([z.string(), z.number()]).transform(String),
  running_ms_by_rate: countByRate,
  web_searches_by_rate: countByRate,
  sessions: count,
  is_total: count,
})

/** One line. The `_by_rate` maps are keyed by how many price changes lie at or before the quantity. */
export type UsageQuantities = Readonly<Omit<z.output<typeof rowSchema>, 'is_total'>>

const hourMs = 3_600_000

/**
 * Reads usage, one line per key and bucket that has any; `sessions` counts each session once. More than `linesMax`
 * lines mean that there are too many, and that these are not all.
 */
export async function queryUsage(
  ledger: Ledger,
  query: UsageQuantitiesQuery,
): Promise<{ readonly lines: readonly UsageQuantities[]; readonly sessions: number }> {
  const raw = await ledger.query(usageSql, {
    group_by: query.groupBy,
    from_ms: query.fromMs,
    to_ms: query.toMs,
    bucket: query.bucket ?? '',
    rate_boundaries_ms: query.rateBoundariesMs,
    piece_ms: query.bucket === 'hour' ? hourMs : 24 * hourMs,
    // One line too many, and the total.
    rows_max: query.linesMax + 2,
  })
  const rows = z.array(rowSchema).parse(raw)
  const lines = rows.filter((row) => row.is_total === 0).map(({ is_total: _total, ...line }) => line)
  return { lines, sessions: rows.find((row) => row.is_total === 1)?.sessions ?? 0 }
}
