// What sessions used by SKU, and what nobody has a price for: for holding prices against what the upstream states.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

const sql = readFileSync(new URL('./sku-quantities.sql', import.meta.url), 'utf8')

const tokens = z.union([z.string(), z.number()]).transform(BigInt)
const priced = z.object({
  session_id: z.string(),
  priced_as: z.string(),
  input: tokens,
  output: tokens,
  cache_read: tokens,
  cache_write_5m: tokens,
  cache_write_1h: tokens,
})
const unpriced = z.object({
  model: z.string(),
  reason: z.string(),
  requests: z.coerce.number(),
  since_ms: z.coerce.number(),
})

/** Tokens of one session that were priced as one thing: a SKU without its category. */
export type PricedTokens = Readonly<z.output<typeof priced>>
/** Requests of one model whose cost is not known, why, and since when. `model` is '' when that is what is missing. */
export type UnpricedModel = Readonly<z.output<typeof unpriced>>

/** Of sessions active from `fromMs` until (and without) `toMs`; one more than `rowsMax` says that these are not all. */
export async function readPricedTokens(
  ledger: Pick<Ledger, 'query'>,
  { fromMs, toMs, rowsMax }: { readonly fromMs: number; readonly toMs: number; readonly rowsMax: number },
): Promise<readonly PricedTokens[]> {
  const rows = await ledger.query(sql, { from_ms: fromMs, to_ms: toMs, rows_max: rowsMax + 1 })
  return z.array(priced).parse(rows)
}

/** A model is learnt a little after its request; until then nothing is missing. */
const learningMs = 3_600_000

/** The most frequent ones first, a hundred at most. An answer that broke off has no known usage and is left out. */
export async function readUnpricedModels(
  ledger: Pick<Ledger, 'query'>,
  { fromMs, toMs, nowMs }: { readonly fromMs: number; readonly toMs: number; readonly nowMs: number },
): Promise<readonly UnpricedModel[]> {
  const rows = await ledger.query(
    `SELECT model, any(unpriced_reason) AS reason, count() AS requests,
            toString(toUnixTimestamp64Milli(min(occurred_at))) AS since_ms
     FROM tollgate.usage_events FINAL
     WHERE kind IN ('model_request', 'message') AND isNull(cost_usd)
       AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
       AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
       AND (model != '' OR occurred_at < fromUnixTimestamp64Milli({learnt_ms: Int64}, 'UTC'))
     GROUP BY model, replaceRegexpAll(unpriced_reason, '[0-9]', '') ORDER BY requests DESC, model LIMIT 100
     SETTINGS do_not_merge_across_partitions_select_final = 1`,
    { from_ms: fromMs, to_ms: toMs, learnt_ms: nowMs - learningMs },
  )
  return z.array(unpriced).parse(rows)
}
