// List prices by version: recorded once for each book, never edited, and read as they were known at a moment.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

/** One rate of the card. Money and sizes are exact decimal strings; times are milliseconds since the epoch. */
export type RateCardRow = {
  readonly sku: string
  readonly effective_from_ms: number
  readonly unit: string
  readonly unit_size: string
  readonly unit_price: string
  readonly source: string
}

/** One whole version of the card. */
export type RecordedCard = {
  readonly version: number
  readonly recordedAtMs: number
  readonly rows: readonly RateCardRow[]
}

const head = z.object({
  rate_version: z.number(),
  book_hash: z.string(),
  recorded_at_ms: z.coerce.number(),
})
const row = z.object({
  sku: z.string(),
  effective_from_ms: z.coerce.number(),
  unit: z.string(),
  unit_size: z.union([z.string(), z.number()]).transform(String),
  unit_price: z.union([z.string(), z.number()]).transform(String),
  source: z.string(),
})

/** Two gateways may take the same number at once; the later one tries again, and there are never many. */
const triesMax = 20

/**
 * Makes sure that the newest version of the card is these rows, and resolves with its version: the one there is when it
 * says the same, else a new one. Safe to be called by several gateways at once. Rejects with what the ledger throws.
 */
export async function recordRateCard(
  ledger: Pick<Ledger, 'query' | 'insert'>,
  rows: readonly RateCardRow[],
  nowMs: number,
): Promise<number> {
  const hash = hashOf(rows)
  for (let tries = 0; tries < triesMax; tries += 1) {
    const newest = (await readHeads(ledger)).at(-1)
    if (newest?.book_hash === hash) return newest.rate_version
    const rate_version = (newest?.rate_version ?? 0) + 1
    const recorded_at = clickHouseTime(Math.max(nowMs, newest?.recorded_at_ms ?? 0))
    await ledger.insert(
      'rate_card',
      rows.map(({ effective_from_ms, ...rest }) => ({
        rate_version,
        ...rest,
        effective_from: clickHouseTime(effective_from_ms),
        currency: 'USD',
        recorded_at,
        book_hash: hash,
      })),
      `rate_card:${rate_version}:${hash}`,
    )
  }
  throw new Error('other gateways keep recording other price books; run one version of Tollgate')
}

/**
 * The newest version that was recorded by `knownAtMs`; before anything was, the first one, for a price that was in force
 * unrecorded is still the price. Null when there is none at all. Rejects with what the ledger throws.
 */
export async function readRateCard(
  ledger: Pick<Ledger, 'query'>,
  knownAtMs: number,
): Promise<RecordedCard | null> {
  const heads = await readHeads(ledger)
  const found = heads.findLast((each) => each.recorded_at_ms <= knownAtMs) ?? heads[0]
  if (found === undefined) return null
  const rows = await ledger.query(
    `SELECT sku, toString(toUnixTimestamp64Milli(effective_from)) AS effective_from_ms, unit,
            toString(unit_size) AS unit_size, toString(unit_price) AS unit_price, source
     FROM tollgate.rate_card FINAL
     WHERE rate_version = {version: UInt32} AND book_hash = {hash: String} ORDER BY sku, effective_from`,
    { version: found.rate_version, hash: found.book_hash },
  )
  return {
    version: found.rate_version,
    recordedAtMs: found.recorded_at_ms,
    rows: z.array(row).parse(rows),
  }
}

/** One for each version, rising; of two that took one number, the one recorded first. */
async function readHeads(ledger: Pick<Ledger, 'query'>) {
  const rows = await ledger.query(
    `SELECT rate_version, book_hash, toString(toUnixTimestamp64Milli(min(recorded_at))) AS recorded_at_ms
     FROM tollgate.rate_card GROUP BY rate_version, book_hash
     ORDER BY rate_version, min(recorded_at), book_hash LIMIT 1 BY rate_version`,
  )
  return z.array(head).parse(rows)
}

/** Names what the card says, in whatever order its rows come. */
function hashOf(rows: readonly RateCardRow[]): string {
  const lines = rows.map((each) =>
    JSON.stringify([
      each.sku,
      each.effective_from_ms,
      each.unit,
      each.unit_size,
      each.unit_price,
      each.source,
    ]),
  )
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex')
}

const clickHouseTime = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
