// What the admin listener tells of the audit log: wiring of `audit/` to the ledger's reading side.
import { join } from 'node:path'
import { readPublicKeys } from './audit/audit-keys.ts'
import { type BundleRange, type BundleSource, bundleLines } from './audit/bundle.ts'
import { renderProof } from './audit/proof.ts'
import { TollgateError } from './kernel/errors.ts'
import type { Ledger } from './ledger/port.ts'
import {
  findAuditEntry,
  findCheckpoint,
  readAuditEntries,
  readAuditGateways,
  readCheckpoints,
  readCheckpointsAround,
  readNewestEntries,
} from './ledger/queries/audit-reads.ts'

/** Every reading rejects with what the ledger throws. */
export function createAuditShow(ledger: Pick<Ledger, 'query'>, dataDir: string) {
  const keys = () => readPublicKeys(join(dataDir, 'audit'))
  const source: BundleSource = {
    keys,
    gateways: () => readAuditGateways(ledger),
    checkpoints: (gateway, from, limit) => readCheckpoints(ledger, gateway, from, limit),
    entries: (gateway, from, to, limit) => readAuditEntries(ledger, gateway, from, to, limit),
    checkpointAt: (gateway, timeMs) => findCheckpoint(ledger, gateway, timeMs),
  }
  return {
    bundle: (range: BundleRange) => bundleLines(source, range),
    /** The proof of the entry of a record, an entry `gateway:seq`, or a leaf hash; null when there is no such entry. */
    prove: (id: string) => prove(ledger, id),
    newest: (limit: number) => readNewestEntries(ledger, limit),
    keys,
  }
}

async function prove(ledger: Pick<Ledger, 'query'>, id: string): Promise<string | null> {
  const named = /^([A-Za-z0-9_-]+):(\d{1,15})$/.exec(id)
  const place =
    named === null ? await findAuditEntry(ledger, id) : { gateway: named[1] ?? '', seq: Number(named[2]) }
  if (place === undefined) return null
  const { gateway, seq } = place
  const around = await readCheckpointsAround(ledger, gateway, seq)
  const checkpoint = around.findLast(({ size }) => size > seq)
  const before = around.findLast(({ size }) => size <= seq) ?? null
  if (checkpoint === undefined) {
    if ((await readAuditEntries(ledger, gateway, seq, seq + 1, 1)).length === 0) return null
    throw new TollgateError(
      'show.query_invalid',
      `no checkpoint is signed for entry ${seq} yet; ask again when the next one is, within a minute as a rule`,
    )
  }
  const from = before?.size ?? 0
  const entries = await readAuditEntries(ledger, gateway, from, checkpoint.size, checkpoint.size - from)
  if (
    entries.some((entry, index) => entry.seq !== from + index) ||
    entries.length !== checkpoint.size - from
  ) {
    throw new TollgateError(
      'show.query_invalid',
      `entry ${seq} cannot be proved: the log around it is damaged; \`tollgate audit verify\` says where`,
    )
  }
  return renderProof(
    seq,
    checkpoint,
    before,
    entries.map(({ entry }) => entry),
  )
}
