// What sessions add up to, and what the upstream stated of them: what `price/reconcile` holds against each other.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sessionTotalsSql = readFileSync(new URL('./session-totals.sql', import.meta.url), 'utf8')

// 64-bit integers come as strings; all of these were written as safe integers.
const integer = z.union([z.string(), z.number()]).transform(Number).refine(Number.isSafeInteger)

const sessionTotals = z.object({
  session_id: z.string(),
  fact_input_tokens: integer,
  fact_output_tokens: integer,
  fact_cache_read_tokens: integer,
  fact_cache_write_tokens: integer,
  unpriced_requests: integer,
  token_cost_usd: z.union([z.string(), z.number()]).transform(String),
  /** 0 when there is no fact. */
  last_fact_ms: integer,
  first_fact_ms: integer,
  stated_input_tokens: integer,
  stated_output_tokens: integer,
  stated_cache_read_tokens: integer,
  stated_cache_write_tokens: integer,
  stated_active_ms: integer,
  stated_web_searches: integer,
  /** Null while the upstream states none. */
  list_cost_cents: z.union([z.string(), z.number()]).transform(String).nullable(),
  /** 0 when nothing was stated. */
  last_stated_ms: integer,
  /** Of runs that are over. */
  running_ms: integer,
  is_running: z.union([z.literal(0), z.literal(1), z.boolean()]).transform(Boolean),
})

/** One session over its whole life. Tokens are counts, money is exact decimals of US dollars. */
export type SessionTotals = Readonly<z.output<typeof sessionTotals>>

/** Sessions active from `fromMs` until (and without) `toMs`, by id; one more than `rowsMax` says that these are not all. */
export async function readSessionTotals(
  ledger: Pick<Ledger, 'query'>,
  { fromMs, toMs, rowsMax }: { readonly fromMs: number; readonly toMs: number; readonly rowsMax: number },
): Promise<readonly SessionTotals[]> {
  const rows = await ledger.query(sessionTotalsSql, { from_ms: fromMs, to_ms: toMs, rows_max: rowsMax + 1 })
  return z.array(sessionTotals).parse(rows)
}
