// Quantities of a period by day, owner and SKU, exact: what `price/chargeback` makes lines of.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sql = readFileSync(new URL('./period-quantities.sql', import.meta.url), 'utf8')

const schema = z.object({
  /** Days since 1970-01-01, UTC. */
  day: z.union([z.string(), z.number()]).transform(Number).refine(Number.isSafeInteger),
  /** `UNALLOCATED` where nobody is known to own it: never dropped, never guessed. */
  team: z.string(),
  /** '' unless callers were asked for. */
  caller: z.string(),
  agent_id: z.string(),
  agent_version: z.number(),
  model: z.string(),
  environment_id: z.string(),
  /** `src/price/sku.ts`; or `adjustment/<reason>`, whose quantity is pico-dollars at list price. */
  sku: z.string(),
  quantity: z.string().transform(BigInt),
})

export type PeriodQuantity = Readonly<z.output<typeof schema>>

/** Quantities from `fromMs` until (and without) `toMs`, both UTC midnights. One more than `rowsMax` says that these are not all. */
export async function readPeriodQuantities(
  ledger: Pick<Ledger, 'query'>,
  query: {
    readonly fromMs: number
    readonly toMs: number
    readonly rowsMax: number
    /** By caller, too, and with what still runs, up to now. */
    readonly isLive?: boolean
  },
): Promise<readonly PeriodQuantity[]> {
  const { fromMs, toMs, rowsMax, isLive = false } = query
  const live = isLive ? 1 : 0
  const rows = await ledger.query(sql, {
    from_ms: fromMs,
    to_ms: toMs,
    rows_max: rowsMax + 1,
    by_caller: live,
    with_open: live,
  })
  return z.array(schema).parse(rows)
}

/** When anything was used first, milliseconds since the epoch; null while nothing was. */
export async function readFirstUseMs(ledger: Pick<Ledger, 'query'>): Promise<number | null> {
  const rows = await ledger.query(
    `SELECT toString(toUnixTimestamp64Milli(min(at))) AS first_ms FROM
     (SELECT occurred_at AS at FROM tollgate.usage_events
      UNION ALL SELECT arrayMin(started_at) AS at FROM tollgate.session_intervals FINAL WHERE has(statuses, 'running'))
     HAVING count() > 0`,
  )
  const [row] = z.array(z.object({ first_ms: z.string().transform(Number) })).parse(rows)
  return row?.first_ms ?? null
}
