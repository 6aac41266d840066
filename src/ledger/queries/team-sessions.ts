// The sessions a team's statement names: those that used most.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sql = readFileSync(new URL('./team-sessions.sql', import.meta.url), 'utf8')

const schema = z.object({
  session_id: z.string(),
  agent_id: z.string(),
  token_cost_usd: z.string(),
  running_ms: z.union([z.string(), z.number()]).transform(Number).refine(Number.isSafeInteger),
})

export type TeamSession = Readonly<z.output<typeof schema>>

/** At most `rowsMax` sessions of a team (`UNALLOCATED`: of nobody), dearest first; costs at list price, exact. */
export async function readTeamSessions(
  ledger: Pick<Ledger, 'query'>,
  query: { readonly team: string; readonly fromMs: number; readonly toMs: number; readonly rowsMax: number },
): Promise<readonly TeamSession[]> {
  const { team, fromMs, toMs, rowsMax } = query
  const given = { team, from_ms: fromMs, to_ms: toMs, rows_max: rowsMax }
  return z.array(schema).parse(await ledger.query(sql, given))
}
