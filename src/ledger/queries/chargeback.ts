// Closed periods and their lines: written once, read as they were written. Lines whose close never finished count for nothing.
import { z } from 'zod'
import { formatUsd, parseUsd } from '../../kernel/money.ts'
import type { Ledger } from '../port.ts'

const integer = z.union([z.string(), z.number()]).transform(Number).refine(Number.isSafeInteger)
const whole = z.union([z.string(), z.number()]).transform(String)
// The database answers all its zeros; money is told as it was written.
const usd = z.union([z.string(), z.number()]).transform((text) => formatUsd(parseUsd(String(text))))

const period = z.object({
  period: z.string(),
  close_id: z.string(),
  closed_at: z.string(),
  closed_by: z.string(),
  lines: integer,
  lines_hash: z.string(),
  list_cost: usd,
  billed_cost: usd,
  rate_version: z.number(),
  terms_version: z.number(),
  /** Why it was closed although something did not tie; '' when all did. */
  accepted: z.string(),
})

const line = z.object({
  line_id: z.string(),
  period: z.string(),
  charge_period_start: z.string(),
  charge_period_end: z.string(),
  charge_category: z.enum(['Usage', 'Adjustment', 'Rounding']),
  charge_class: z.enum(['', 'Correction']),
  corrects_period: z.string(),
  team: z.string(),
  cost_centre: z.string(),
  agent_id: z.string(),
  agent_version: z.number(),
  model: z.string(),
  environment_id: z.string(),
  sku: z.string(),
  quantity: whole,
  unit: z.enum(['Tokens', 'Milliseconds', 'Searches', 'USD']),
  unit_size: whole,
  rate_version: z.number(),
  terms_version: z.number(),
  list_unit_price: usd,
  contracted_unit_price: usd,
  billed_unit_price: usd,
  list_cost: usd,
  contracted_cost: usd,
  billed_cost: usd,
  currency: z.literal('USD'),
  reason: z.string(),
})

/** A closed period; `closed_at` is ISO 8601, money exact decimals of US dollars. */
export type ClosedPeriod = Readonly<z.output<typeof period>>
export type StoredLine = Readonly<z.output<typeof line>>

const linesAtOnce = 5_000

/** Closed periods, the earliest first. Where two gateways closed one at once, the one that was recorded first counts. */
export async function readPeriods(ledger: Pick<Ledger, 'query'>): Promise<readonly ClosedPeriod[]> {
  const rows = await ledger.query(
    `SELECT period, close_id, concat(replaceOne(toString(closed_at), ' ', 'T'), 'Z') AS closed_at, closed_by, lines, lines_hash, list_cost, billed_cost,
            rate_version, terms_version, accepted
     FROM tollgate.periods FINAL
     ORDER BY period, recorded_at, close_id LIMIT 1 BY period`,
  )
  return z.array(period).parse(rows)
}

/** The lines of these closes, which are those of whole periods. */
export async function readLines(
  ledger: Pick<Ledger, 'query'>,
  closeIds: readonly string[],
): Promise<readonly StoredLine[]> {
  const rows = await ledger.query(
    `SELECT * EXCEPT (close_id, charge_period_start, charge_period_end),
            toString(charge_period_start) AS charge_period_start, toString(charge_period_end) AS charge_period_end
     FROM tollgate.chargeback_lines FINAL WHERE close_id IN {close_ids: Array(String)} ORDER BY line_id`,
    { close_ids: [...closeIds] },
  )
  return z.array(line).parse(rows)
}

/** Writes a close: first its lines, then the row that makes them count. May be repeated whole. */
export async function writeClose(
  ledger: Pick<Ledger, 'insert'>,
  closed: ClosedPeriod,
  lines: readonly StoredLine[],
): Promise<void> {
  const { close_id, lines_hash } = closed
  for (let start = 0; start < lines.length; start += linesAtOnce) {
    const part = lines.slice(start, start + linesAtOnce).map((each) => ({ close_id, ...each }))
    await ledger.insert('chargeback_lines', part, `${close_id}-${lines_hash}-${start}`)
  }
  await ledger.insert('periods', [closed], `${close_id}-${lines_hash}`)
}

/** What a team was billed in each of these periods, by period. */
export async function readTeamTotals(
  ledger: Pick<Ledger, 'query'>,
  team: string,
  periods: readonly ClosedPeriod[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await ledger.query(
    `SELECT period, sum(billed_cost) AS billed FROM tollgate.chargeback_lines FINAL
     WHERE close_id IN {close_ids: Array(String)} AND team = {team: String} GROUP BY period`,
    { close_ids: periods.map(({ close_id }) => close_id), team },
  )
  const totals = z.array(z.object({ period: z.string(), billed: usd })).parse(rows)
  return new Map(totals.map(({ period, billed }) => [period, billed]))
}
