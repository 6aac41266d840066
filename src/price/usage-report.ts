// The usage report: quantities from the ledger, money added exactly, a total that is the sum of its lines.
import { TollgateError } from '../kernel/errors.ts'
import { allocate, formatUsd, parseUsd } from '../kernel/money.ts'
import type { Ledger } from '../ledger/port.ts'
import { queryUsage, type UsageGroupBy, type UsageQuantities } from '../ledger/queries/usage.ts'
import type { Book } from './book.ts'
import { rateBoundariesMs, runtimeRateAt, webSearchRateAt } from './rates.ts'

export type UsageQuery = {
  readonly groupBy: UsageGroupBy
  /** Inclusive start, milliseconds since the epoch. */
  readonly fromMs: number
  /** Exclusive end; an end in the future means now. */
  readonly toMs: number
  readonly bucket?: 'hour' | 'day'
}

/** Quantities and money of one key (and bucket), or of the whole report. Counts are safe integers. */
export type UsageLine = {
  /** The group's value; `(unattributed)` when no owner is known, `(unknown)` when a dimension is not. */
  readonly key: string
  /** Start of the bucket, ISO 8601 UTC; null without bucket. */
  readonly bucket: string | null
  /** Tokens are facts and adjustments together; less than zero where a line holds only what was taken back. */
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_5m_tokens: number
  readonly cache_write_1h_tokens: number
  readonly model_requests: number
  /** Model requests whose price is not known: their cost is missing from the cost fields, never guessed. */
  readonly unpriced_requests: number
  /** Running time that is over, or that the upstream has stated: charged. */
  readonly running_ms: number
  /** Running time of intervals whose end is not yet known: shown, not charged. */
  readonly provisional_running_ms: number
  /**
   * Time at rest between two things seen: costs nothing upstream. A session left open counts as idle until it was
   * last seen so, and not up to now: one that nobody looks at again adds nothing.
   */
  readonly idle_ms: number
  /** At rest too, but until somebody answers: an approval, or a tool's result that the client owes. Not in `idle_ms`. */
  readonly waiting_ms: number
  /** The upstream moved the session, and nothing ran. */
  readonly rescheduling_ms: number
  readonly web_search_requests: number
  /** How many adjustments are in the line: differences between facts and the upstream's own count. */
  readonly adjustments: number
  /** Distinct sessions that ran, rested or asked a model in the line; in `total`, over the whole report. */
  readonly sessions: number
  /** Exact decimal strings, US dollars: `cost_usd` is the sum of the other three. */
  readonly cost_usd: string
  readonly token_cost_usd: string
  /** Part of `token_cost_usd`: what adjustments added or took back. */
  readonly adjustment_cost_usd: string
  readonly runtime_cost_usd: string
  readonly web_search_cost_usd: string
}

export type UsageReport = {
  readonly group_by: UsageGroupBy
  readonly from: string
  readonly to: string
  readonly bucket: 'hour' | 'day' | null
  readonly currency: 'USD'
  /** Ordered by bucket, then cost, dearest first, then key. */
  readonly lines: readonly UsageLine[]
  /** The sum of `lines` (key `total`, bucket null), except `sessions`, which counts each session once. */
  readonly total: UsageLine
}

const msPerHour = 3_600_000n

/** A report is held in memory and read by people or a spreadsheet; 100,000 lines take about 6 s. */
const linesMaxDefault = 100_000

/**
 * Loads and rates usage. The total's runtime is rounded once, half-even, and split over the lines by largest
 * remainder, so the total is the same for every grouping and is exactly the sum of its lines.
 * Throws what the ledger throws, and TollgateError('show.query_invalid') for a report of more than `linesMax` lines.
 */
export async function loadUsageReport(
  deps: { readonly ledger: Ledger; readonly book: Book; readonly linesMax?: number },
  query: UsageQuery,
): Promise<UsageReport> {
  const { ledger, book, linesMax = linesMaxDefault } = deps
  const boundaries = rateBoundariesMs(book)
  const found = await queryUsage(ledger, { ...query, rateBoundariesMs: boundaries, linesMax })
  if (found.lines.length > linesMax) throw tooLong(query, linesMax)
  // ClickHouse answers in any order, and of equal remainders the first gets the pico-dollar: it must be the same each time.
  const ordered = found.lines.toSorted(
    (a, b) => compare(a.bucket ?? '', b.bucket ?? '') || compare(a.key, b.key),
  )
  const runtime = allocate(
    ordered.map((line) => rated(line.running_ms_by_rate, boundaries, (ms) => runtimeRateAt(book, ms))),
    msPerHour,
  )
  const lines = ordered.map((line, index) =>
    toLine(
      line,
      runtime[index] ?? 0n,
      rated(line.web_searches_by_rate, boundaries, (ms) => webSearchRateAt(book, ms)),
    ),
  )
  return {
    group_by: query.groupBy,
    from: new Date(query.fromMs).toISOString(),
    to: new Date(query.toMs).toISOString(),
    bucket: query.bucket ?? null,
    currency: 'USD',
    lines: inOrder(lines),
    total: totalOf(lines, found.sessions),
  }
}

function tooLong({ groupBy, bucket }: UsageQuery, linesMax: number): TollgateError {
  const what = `\`group_by=${groupBy}\`${bucket === undefined ? '' : ` with \`bucket=${bucket}\``}`
  const most = linesMax.toLocaleString('en-US')
  return new TollgateError(
    'show.query_invalid',
    `${what} gives more than ${most} lines here; ask for less time, or for a wider \`bucket\` or \`group_by\``,
  )
}

/** Sum of quantity times rate, not yet divided by the rate's unit. Period 0 is before the first boundary. */
function rated(
  byRate: ReadonlyMap<number, number>,
  boundaries: readonly number[],
  rateAt: (ms: number) => bigint,
): bigint {
  let sum = 0n
  for (const [period, quantity] of byRate) {
    sum += BigInt(quantity) * rateAt(boundaries[period - 1] ?? 0)
  }
  return sum
}

function toLine(line: UsageQuantities, runtimePicoUsd: bigint, webSearchPicoUsd: bigint): UsageLine {
  const tokenPicoUsd = parseUsd(line.token_cost_usd)
  const { running_ms_by_rate: _running, web_searches_by_rate: _searches, ...quantities } = line
  return {
    ...quantities,
    cost_usd: formatUsd(tokenPicoUsd + runtimePicoUsd + webSearchPicoUsd),
    token_cost_usd: formatUsd(tokenPicoUsd),
    adjustment_cost_usd: formatUsd(parseUsd(line.adjustment_cost_usd)),
    runtime_cost_usd: formatUsd(runtimePicoUsd),
    web_search_cost_usd: formatUsd(webSearchPicoUsd),
  }
}

function totalOf(lines: readonly UsageLine[], sessions: number): UsageLine {
  const count = (pick: (line: UsageLine) => number) => lines.reduce((sum, line) => sum + pick(line), 0)
  const money = (pick: (line: UsageLine) => string) =>
    formatUsd(lines.reduce((sum, line) => sum + parseUsd(pick(line)), 0n))
  return {
    key: 'total',
    bucket: null,
    input_tokens: count((line) => line.input_tokens),
    output_tokens: count((line) => line.output_tokens),
    cache_read_tokens: count((line) => line.cache_read_tokens),
    cache_write_5m_tokens: count((line) => line.cache_write_5m_tokens),
    cache_write_1h_tokens: count((line) => line.cache_write_1h_tokens),
    model_requests: count((line) => line.model_requests),
    unpriced_requests: count((line) => line.unpriced_requests),
    running_ms: count((line) => line.running_ms),
    provisional_running_ms: count((line) => line.provisional_running_ms),
    idle_ms: count((line) => line.idle_ms),
    waiting_ms: count((line) => line.waiting_ms),
    rescheduling_ms: count((line) => line.rescheduling_ms),
    web_search_requests: count((line) => line.web_search_requests),
    adjustments: count((line) => line.adjustments),
    sessions,
    cost_usd: money((line) => line.cost_usd),
    token_cost_usd: money((line) => line.token_cost_usd),
    adjustment_cost_usd: money((line) => line.adjustment_cost_usd),
    runtime_cost_usd: money((line) => line.runtime_cost_usd),
    web_search_cost_usd: money((line) => line.web_search_cost_usd),
  }
}

/** By bucket, dearest first, then key. Costs are read once each: a report by hour may have many lines. */
function inOrder(lines: readonly UsageLine[]): readonly UsageLine[] {
  return lines
    .map((line) => ({ line, bucket: line.bucket ?? '', picoUsd: parseUsd(line.cost_usd) }))
    .sort(
      (a, b) =>
        compare(a.bucket, b.bucket) || compare(b.picoUsd, a.picoUsd) || compare(a.line.key, b.line.key),
    )
    .map(({ line }) => line)
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}
