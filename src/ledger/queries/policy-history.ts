// What policy decided, as the exchanges tell it: where the candidate would have differed, and the questions themselves.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

/** Groups in one answer; the rest is counted. */
const groupsMax = 5_000

// Neither a refused credential nor an unreadable body was a question to policy, and what could not be looked up was not
// answered by it; nor was what somebody only tried out.
const decided = `started_at >= fromUnixTimestamp64Milli({from_ms: Int64}) AND caller != ''
  AND (policy_hash != '' OR capabilities != '' OR error_code = 'authorize.denied')
  AND NOT startsWith(error_code, 'ownership.') AND decision != 'dry_run'`

const disagreement = z.object({
  shadow: z.string(),
  caller: z.string(),
  team: z.string(),
  operation: z.string(),
  count: z.coerce.number(),
  last_at: z.string(),
})

/** One line for each way in which the candidate would have decided otherwise, most frequent first. */
export type Disagreements = {
  readonly disagreements: readonly Readonly<z.output<typeof disagreement>>[]
  /** Decisions in the same time, disagreements included. */
  readonly decisions: number
  /** Disagreements that are not in the lines. */
  readonly left_out: number
}

/** Rejects with what the ledger throws. */
export async function readDisagreements(
  ledger: Pick<Ledger, 'query'>,
  fromMs: number,
): Promise<Disagreements> {
  const rows = await ledger.query(
    `SELECT shadow, caller, team, operation, count() AS count,
            formatDateTime(max(started_at), '%FT%TZ', 'UTC') AS last_at
     FROM tollgate.exchanges FINAL WHERE ${decided} AND shadow != ''
     GROUP BY shadow, caller, team, operation ORDER BY count DESC, shadow, caller LIMIT ${groupsMax}`,
    { from_ms: fromMs },
  )
  const disagreements = z.array(disagreement).parse(rows)
  const totals = await readTotals(ledger, fromMs)
  return { disagreements, decisions: totals.decisions, left_out: totals.shadowed - sumOf(disagreements) }
}

const decision = z.object({
  caller: z.string(),
  team: z.string(),
  operation: z.string(),
  key_id: z.string(),
  allowed: z.coerce.boolean(),
  rules: z.string(),
  capabilities: z.string(),
  count: z.coerce.number(),
})

/** The questions that policy was asked, each with how often, most frequent first. */
export type Decisions = {
  readonly decisions: readonly Readonly<z.output<typeof decision>>[]
  /** Decisions of which it is not recorded, or not whole, what was asked: an older version, or too long. */
  readonly unrecorded: number
  /** Recorded decisions that are not in the lines. */
  readonly left_out: number
}

/** Rejects with what the ledger throws. */
export async function readDecisions(ledger: Pick<Ledger, 'query'>, fromMs: number): Promise<Decisions> {
  const rows = await ledger.query(
    `SELECT caller, team, operation, key_id, error_code != 'authorize.denied' AS allowed,
            argMax(e.rules, e.started_at) AS rules, capabilities, count() AS count
     FROM tollgate.exchanges AS e FINAL WHERE ${decided} AND capabilities != '' AND NOT endsWith(capabilities, '…')
     GROUP BY caller, team, operation, key_id, allowed, capabilities
     ORDER BY count DESC, caller, operation, capabilities LIMIT ${groupsMax}`,
    { from_ms: fromMs },
  )
  const decisions = z.array(decision).parse(rows)
  const totals = await readTotals(ledger, fromMs)
  const unrecorded = totals.decisions - totals.recorded
  return { decisions, unrecorded, left_out: totals.recorded - sumOf(decisions) }
}

const totalsRow = z.object({
  decisions: z.coerce.number(),
  recorded: z.coerce.number(),
  shadowed: z.coerce.number(),
})

async function readTotals(ledger: Pick<Ledger, 'query'>, fromMs: number) {
  const rows = await ledger.query(
    `SELECT count() AS decisions, countIf(capabilities != '' AND NOT endsWith(capabilities, '…')) AS recorded,
            countIf(shadow != '') AS shadowed
     FROM tollgate.exchanges FINAL WHERE ${decided}`,
    { from_ms: fromMs },
  )
  return z.tuple([totalsRow]).parse(rows)[0]
}

const sumOf = (lines: readonly { readonly count: number }[]): number =>
  lines.reduce((sum, { count }) => sum + count, 0)
