// What is read of the audit log: its gateways, its checkpoints and its entries, in order and in bounded parts. Nothing is
// merged or left out here: two rows under one number are both told, for one of them is wrong.
import { z } from 'zod'
import type { Ledger } from '../port.ts'

type Reading = Pick<Ledger, 'query'>

const whole = z.coerce.number().int()

const checkpoint = z.object({
  number: whole,
  size: whole,
  time_ms: whole,
  note: z.string(),
  frontier: z.array(z.string()),
  last_leaf: z.string(),
})

const entry = z.object({
  seq: whole,
  kind: z.string(),
  record_id: z.string(),
  occurred_at_ms: whole,
  leaf_hash: z.string(),
  entry: z.string(),
})

/** A signed head, with what lets a reader begin there. */
export type CheckpointRow = Readonly<z.output<typeof checkpoint>>
/** An entry as the ledger has it. */
export type AuditEntry = Readonly<z.output<typeof entry>>

/** Gateways that have a log here, in order of their names. */
export async function readAuditGateways(ledger: Reading): Promise<readonly string[]> {
  const rows = await ledger.query(
    `SELECT DISTINCT gateway FROM (
       SELECT gateway FROM tollgate.audit_checkpoints UNION ALL SELECT gateway FROM tollgate.audit_entries
     ) ORDER BY gateway`,
  )
  return z
    .array(z.object({ gateway: z.string() }))
    .parse(rows)
    .map((row) => row.gateway)
}

/** Checkpoints from a number on, lowest first: `limit` of them, and all that share the last one's number. */
export async function readCheckpoints(
  ledger: Reading,
  gateway: string,
  from: number,
  limit: number,
): Promise<readonly CheckpointRow[]> {
  const rows = await ledger.query(
    `SELECT DISTINCT number, size, time_ms, note, frontier, last_leaf FROM tollgate.audit_checkpoints
     WHERE gateway = {gateway: String} AND number >= {from: UInt64} ORDER BY number LIMIT {limit: UInt32} WITH TIES`,
    { gateway, from, limit },
  )
  return z.array(checkpoint).parse(rows)
}

/** Entries with `from <= seq < to`, lowest first: `limit` of them, and all that share the last one's number. */
export async function readAuditEntries(
  ledger: Reading,
  gateway: string,
  from: number,
  to: number,
  limit: number,
): Promise<readonly AuditEntry[]> {
  const rows = await ledger.query(
    `SELECT DISTINCT seq, kind, record_id, occurred_at_ms, leaf_hash, entry FROM tollgate.audit_entries
     WHERE gateway = {gateway: String} AND seq >= {from: UInt64} AND seq < {to: UInt64}
     ORDER BY seq LIMIT {limit: UInt32} WITH TIES`,
    { gateway, from, to, limit },
  )
  return z.array(entry).parse(rows)
}

const newest = entry.extend({ gateway: z.string() })

/** The newest entries of all gateways, oldest of them first. */
export async function readNewestEntries(
  ledger: Reading,
  limit: number,
): Promise<readonly Readonly<z.output<typeof newest>>[]> {
  const rows = await ledger.query(
    `SELECT gateway, seq, kind, record_id, occurred_at_ms, leaf_hash, entry FROM tollgate.audit_entries FINAL
     ORDER BY occurred_at_ms DESC, gateway, seq DESC LIMIT {limit: UInt32}`,
    { limit },
  )
  return z.array(newest).parse(rows).toReversed()
}

const place = z.object({ gateway: z.string(), seq: whole })

/** Where the entry of a record is, by the record's id or its leaf hash; the first one when there are several. */
export async function findAuditEntry(
  ledger: Reading,
  id: string,
): Promise<Readonly<z.output<typeof place>> | undefined> {
  const rows = await ledger.query(
    `SELECT gateway, seq FROM tollgate.audit_entries
     WHERE record_id = {id: String} OR leaf_hash = {id: String} ORDER BY gateway, seq LIMIT 1`,
    { id },
  )
  return z.array(place).parse(rows)[0]
}

const bound = z.object({ number: whole })

/** The last checkpoint that is not after a time; 0 when there is none such. */
export async function findCheckpoint(ledger: Reading, gateway: string, timeMs: number): Promise<number> {
  const rows = await ledger.query(
    `SELECT max(number) AS number FROM tollgate.audit_checkpoints
     WHERE gateway = {gateway: String} AND time_ms <= {time_ms: UInt64}`,
    { gateway, time_ms: timeMs },
  )
  return z.tuple([bound]).parse(rows)[0].number
}

/** The first checkpoint that has an entry under it, and the one before; empty while none has. */
export async function readCheckpointsAround(
  ledger: Reading,
  gateway: string,
  seq: number,
): Promise<readonly CheckpointRow[]> {
  const rows = await ledger.query(
    `SELECT min(number) AS number, count() AS known FROM tollgate.audit_checkpoints
     WHERE gateway = {gateway: String} AND size > {seq: UInt64}`,
    { gateway, seq },
  )
  const [{ number, known }] = z.tuple([bound.extend({ known: whole })]).parse(rows)
  if (known === 0) return []
  const from = Math.max(0, number - 1)
  const around = await readCheckpoints(ledger, gateway, from, 2)
  return around.filter((row) => row.number <= number)
}
