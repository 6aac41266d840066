// What sessions add up to, beside what the upstream has stated of them: what adjustments are derived from.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sql = readFileSync(new URL('./session-tallies.sql', import.meta.url), 'utf8')

// 64-bit integers come as strings; all of these were written as safe integers.
const integer = z.union([z.string(), z.number()]).transform(Number).refine(Number.isSafeInteger)
const flag = z.union([z.literal(0), z.literal(1), z.boolean()]).transform(Boolean)

const tally = z.object({
  session_id: z.string(),
  fact_input: integer,
  fact_output: integer,
  fact_cache_read: integer,
  fact_cache_write_5m: integer,
  fact_cache_write_1h: integer,
  /** Tokens of outcome grading, which the upstream may count in the session's own. */
  judge_input: integer,
  judge_output: integer,
  judge_cache_read: integer,
  judge_cache_write_5m: integer,
  judge_cache_write_1h: integer,
  unpriced_requests: integer,
  token_cost_usd: z.union([z.string(), z.number()]).transform(String),
  /** 0 when there is no fact. */
  first_fact_ms: integer,
  last_fact_ms: integer,
  stated_input: integer,
  stated_output: integer,
  stated_cache_read: integer,
  stated_cache_write_5m: integer,
  stated_cache_write_1h: integer,
  stated_active_ms: integer,
  stated_web_searches: integer,
  /** Null while the upstream states none. */
  list_cost_cents: z.union([z.string(), z.number()]).transform(String).nullable(),
  last_stated_ms: integer,
  is_running: flag,
  /** Whether a cumulative count was ever smaller than one stated before it. */
  counted_down: flag,
  /** Grows with every fact, snapshot and edge, and with all that is learnt of them. */
  generation: integer,
})

/** One session over its whole life: tokens by category, milliseconds, exact dollars. */
export type SessionTally = Readonly<z.output<typeof tally>>

/** Those of the sessions of which the upstream has stated anything. */
export async function readSessionTallies(
  ledger: Pick<Ledger, 'query'>,
  sessionIds: readonly string[],
): Promise<readonly SessionTally[]> {
  if (sessionIds.length === 0) return []
  return z.array(tally).parse(await ledger.query(sql, { session_ids: sessionIds }))
}
