// How the versions of one agent fare, side by side: what a canary is judged by.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sql = readFileSync(new URL('./agent-version-facts.sql', import.meta.url), 'utf8')

const row = z.object({
  version: z.number(),
  sessions: z.number(),
  failed_sessions: z.number(),
  /** Model requests only; for comparing, not for a bill. */
  cost_usd: z.number(),
  median_running_ms: z.number(),
  exchanges: z.number(),
  denials: z.number(),
})

/** Totals of one version in a time range. */
export type AgentVersionFacts = Readonly<z.output<typeof row>>

/** One line for each version that had a session begun, or a request made, in `[fromMs, toMs)`. Rejects as the ledger does. */
export async function readAgentVersionFacts(
  ledger: Pick<Ledger, 'query'>,
  { agentId, fromMs, toMs }: { readonly agentId: string; readonly fromMs: number; readonly toMs: number },
): Promise<readonly AgentVersionFacts[]> {
  const rows = await ledger.query(sql, {
    agent_id: agentId,
    from_ms: Math.floor(fromMs),
    to_ms: Math.ceil(toMs),
  })
  return z.array(row).parse(rows)
}
