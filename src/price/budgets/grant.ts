// A grant: what a request got of its budgets, from then until the ledger shows it.
import type { LiveSession } from '../../ledger/queries/live-sessions.ts'
import type { BudgetDims } from './standing.ts'

/** What was granted and is not in the ledger yet, as far as anybody here knows. */
export type Grant = {
  readonly dims: BudgetDims
  /** What counts against budgets. */
  readonly cents: bigint
  /** The limit the session will show when the ledger has seen it. */
  readonly limitCents: bigint
  sessionId: string
  /** 0 while it is on its way. */
  settledAtMs: number
  isUnknown: boolean
  shownSinceMs: number
}

/** A session the ledger has not shown yet, by what was granted for it. */
export const justMade = (sessionId: string, { dims, limitCents }: Grant, nowMs: number): LiveSession => ({
  session_id: sessionId,
  team: dims.team,
  caller: dims.caller,
  agent_id: dims.agent,
  agent_version: 0,
  deployment_id: '',
  model: dims.model,
  limit_cents: limitCents,
  spent_cents: 0n,
  tokens: 0n,
  active_ms: 0n,
  last_edge_ms: nowMs,
  is_at_work: true,
  has_ended: false,
})
