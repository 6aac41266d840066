// What may still be used by sessions that live, and which thresholds of budgets were told: what budgets are held against.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sql = readFileSync(new URL('./live-sessions.sql', import.meta.url), 'utf8')

const big = z.string().transform(BigInt)
const bit = z.number().transform((value) => value === 1)
const schema = z.object({
  session_id: z.string(),
  team: z.string(),
  caller: z.string(),
  agent_id: z.string(),
  /** 0 is not known. */
  agent_version: z.number(),
  deployment_id: z.string(),
  model: z.string(),
  /** Cents the upstream lets it spend over its life; 0 without a limit. */
  limit_cents: big,
  /** The upstream's own count at its last snapshot. */
  spent_cents: big,
  tokens: big,
  active_ms: big,
  last_edge_ms: z.string().transform(Number),
  is_at_work: bit,
  has_ended: bit,
})

export type LiveSession = Readonly<z.output<typeof schema>>

/** Of the latest sessions at work since `sinceMs`, at most `rowsMax`; those `named` in any case. */
export async function readLiveSessions(
  ledger: Pick<Ledger, 'query'>,
  {
    sinceMs,
    named,
    rowsMax,
  }: { readonly sinceMs: number; readonly named: readonly string[]; readonly rowsMax: number },
): Promise<readonly LiveSession[]> {
  const rows = await ledger.query(sql, { since_ms: Math.floor(sinceMs), named, rows_max: rowsMax })
  return z.array(schema).parse(rows)
}

/** One threshold of one budget in one period. */
export type BudgetNotice = {
  readonly budget: string
  readonly budget_key: string
  /** `2026-11-01 00:00:00`. */
  readonly period_start: string
  readonly threshold: number
  readonly limit_text: string
}

const notice = z.object({
  budget: z.string(),
  budget_key: z.string(),
  period_start: z.string(),
  threshold: z.number(),
  limit_text: z.string(),
})

/** What was told since a moment; at most 100,000. */
export async function readBudgetNotices(
  ledger: Pick<Ledger, 'query'>,
  sinceMs: number,
): Promise<readonly BudgetNotice[]> {
  const rows = await ledger.query(
    `SELECT budget, budget_key, formatDateTime(period_start, '%Y-%m-%d %H:%i:%S') AS period_start, threshold, limit_text
     FROM tollgate.budget_notices FINAL
     WHERE told_at >= fromUnixTimestamp64Milli({since_ms: Int64}, 'UTC') LIMIT 100000`,
    { since_ms: Math.floor(sinceMs) },
  )
  return z.array(notice).parse(rows)
}

/** Keeps what is about to be told. */
export async function recordBudgetNotices(
  ledger: Pick<Ledger, 'insert'>,
  notices: readonly BudgetNotice[],
): Promise<void> {
  if (notices.length === 0) return
  const token = notices.map((each) => Object.values(each).join('|')).join('\n')
  await ledger.insert('budget_notices', notices, token)
}
