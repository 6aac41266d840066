// Canaries that were held by themselves: written by the gateway that noticed, read by all.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

export type RolloutHoldRow = {
  readonly hold_id: string
  readonly agent_id: string
  readonly stable: number
  readonly canary: number
  readonly held_at_ms: number
  readonly reasons: readonly string[]
}

const row = z.object({
  hold_id: z.string(),
  agent_id: z.string(),
  stable: z.number(),
  canary: z.number(),
  held_at_ms: z.coerce.number(),
  reasons: z.array(z.string()),
})

/** The latest hold of each canary of each agent. Rejects with what the ledger throws. */
export async function readRolloutHolds(ledger: Pick<Ledger, 'query'>): Promise<readonly RolloutHoldRow[]> {
  const rows = await ledger.query(
    `SELECT argMax(hold_id, held_at) AS hold_id, agent_id, stable, canary,
            toString(toUnixTimestamp64Milli(max(h.held_at))) AS held_at_ms, argMax(reasons, held_at) AS reasons
     FROM tollgate.rollout_holds AS h FINAL GROUP BY agent_id, stable, canary ORDER BY agent_id, canary`,
  )
  return z.array(row).parse(rows)
}

/** Keeps a hold; writing the same one again is harmless. `facts` is what was seen of both versions. */
export async function writeRolloutHold(
  ledger: Pick<Ledger, 'insert'>,
  { held_at_ms, ...hold }: RolloutHoldRow,
  facts: object,
): Promise<void> {
  const held_at = new Date(held_at_ms).toISOString().replace('T', ' ').replace('Z', '')
  await ledger.insert('rollout_holds', [{ ...hold, held_at, facts: JSON.stringify(facts) }], hold.hold_id)
}
