// What the audit log asks of the ledger while it writes. Every insert may be repeated.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

type AuditEntryRow = { readonly gateway: string; readonly seq: number; readonly leaf_hash: string }

type CheckpointToWrite = {
  readonly number: number
  readonly size: number
  readonly timeMs: number
  readonly note: string
  readonly frontier: readonly string[]
  readonly last: string
}

const rowsMax = 5_000
const idsMax = 1_000

/** The audit log's part of the ledger. Everything rejects with what the ledger throws. */
export function createAuditWrites(ledger: Pick<Ledger, 'query' | 'insert'>) {
  const insert = async (table: string, rows: readonly object[], keys: readonly string[]): Promise<void> => {
    for (let start = 0; start < rows.length; start += rowsMax) {
      const token = createHash('sha256')
        .update(table)
        .update(keys.slice(start, start + rowsMax).join('\n'))
      await ledger.insert(table, rows.slice(start, start + rowsMax), token.digest('hex'))
    }
  }
  return {
    insertEntries: (rows: readonly AuditEntryRow[]) =>
      insert(
        'audit_entries',
        rows,
        rows.map(({ gateway, seq, leaf_hash: hash }) => `${gateway} ${seq} ${hash}`),
      ),
    insertCheckpoints: (gateway: string, checkpoints: readonly CheckpointToWrite[]) =>
      insert(
        'audit_checkpoints',
        checkpoints.map(({ number, size, timeMs, note, frontier, last }) => ({
          gateway,
          number,
          size,
          time_ms: timeMs,
          note,
          frontier,
          last_leaf: last,
        })),
        checkpoints.map(({ note }) => note),
      ),
    findRecords: async (
      gateway: string,
      ids: readonly string[],
      seq: number,
    ): Promise<ReadonlySet<string>> => {
      const found = new Set<string>()
      for (let start = 0; start < ids.length; start += idsMax) {
        const rows = await ledger.query(
          `SELECT DISTINCT concat(kind, ' ', record_id) AS key FROM tollgate.audit_entries
           WHERE gateway = {gateway: String} AND seq < {seq: UInt64} AND record_id IN {ids: Array(String)}`,
          { gateway, seq, ids: ids.slice(start, start + idsMax) },
        )
        for (const row of z.array(z.object({ key: z.string() })).parse(rows)) found.add(row.key)
      }
      return found
    },
    lastCheckpoint: async (gateway: string): Promise<number> => {
      const rows = await ledger.query(
        `SELECT toInt64(max(number)) AS last, count() AS known FROM tollgate.audit_checkpoints
         WHERE gateway = {gateway: String}`,
        { gateway },
      )
      const [row] = z.tuple([z.object({ last: z.coerce.number(), known: z.coerce.number() })]).parse(rows)
      return row.known === 0 ? -1 : row.last
    },
  }
}
