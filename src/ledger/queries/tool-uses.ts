// Uses of tools, each with its permission, its confirmation and its result: facts of events, nothing of what was said.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'
import type { SessionListQuery } from './adjustments.ts'

const sql = readFileSync(new URL('./tool-uses.sql', import.meta.url), 'utf8')

const ms = z.union([z.string(), z.number()]).transform(Number).nullable()

const schema = z.object({
  session_id: z.string(),
  tool_use_id: z.string(),
  /** '' on the primary thread. */
  thread_id: z.string(),
  kind: z.enum(['agent', 'mcp', 'custom']),
  tool: z.string(),
  /** '' for a tool of no server. */
  server: z.string(),
  /** `allow`, `ask`, `deny`; '' when it was not said. */
  permission: z.string(),
  permission_policy: z.string(),
  input_hash: z.string(),
  used_at: z.string(),
  /** `allow` or `deny`; '' when nobody was asked or has answered. */
  confirmation: z.string(),
  /** The exchange that sent the confirmation; '' when it was not sent through here. */
  confirmed_by: z.string(),
  /** From the use to its confirmation; null without one. */
  waited_ms: ms,
  /** From the use to its result, waiting included; null without one. */
  duration_ms: ms,
  is_error: z.coerce.number().transform((n) => n === 1),
})

export type ToolUse = Readonly<z.output<typeof schema>>

/** The uses of a time, oldest first; the time is of the use. */
export async function readToolUses(
  ledger: Pick<Ledger, 'query'>,
  { sessionId, fromMs, toMs, rowsMax }: SessionListQuery,
): Promise<readonly ToolUse[]> {
  const given = { session_id: sessionId, from_ms: fromMs, to_ms: toMs, rows_max: rowsMax }
  return z.array(schema).parse(await ledger.query(sql, given))
}
