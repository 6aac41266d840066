// Where facts of sessions were not what the upstream counts of them: what makes up the difference, and why there was one.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sql = readFileSync(new URL('./adjustments.sql', import.meta.url), 'utf8')

const schema = z.object({
  session_id: z.string(),
  at: z.string(),
  reason: z.string(),
  /** Of tokens; '' for one of money alone. */
  category: z.string(),
  model: z.string(),
  quantity: z.union([z.string(), z.number()]).transform(Number).refine(Number.isSafeInteger),
  /** Exact, in US dollars, with its sign; null where no price is known. */
  cost_usd: z.string().nullable(),
  /** '' where nobody is known to own the session. */
  team: z.string(),
})

export type AdjustmentLine = Readonly<z.output<typeof schema>>

/** A period, `toMs` not included, and a session ('' for all). */
export type SessionListQuery = {
  readonly sessionId: string
  readonly fromMs: number
  readonly toMs: number
  readonly rowsMax: number
}

/** The adjustments of a time, oldest first. */
export async function readAdjustments(
  ledger: Pick<Ledger, 'query'>,
  { sessionId, fromMs, toMs, rowsMax }: SessionListQuery,
): Promise<readonly AdjustmentLine[]> {
  const given = { session_id: sessionId, from_ms: fromMs, to_ms: toMs, rows_max: rowsMax }
  return z.array(schema).parse(await ledger.query(sql, given))
}
