// An audit log in a folder over a ledger that the test owns: records in, lines of a bundle out.
import { createFileAnchor } from '../../src/audit/anchors.ts'
import { openAuditKeys, readPublicKeys } from '../../src/audit/audit-keys.ts'
import {
  type AuditLedger,
  type AuditLog,
  type AuditLogDeps,
  createAuditLog,
  keyOf,
} from '../../src/audit/audit-log.ts'
import { emptyState, loadState, type SignedCheckpoint, storeState } from '../../src/audit/audit-state.ts'
import { type BundleLine, type BundleSource, bundleLines } from '../../src/audit/bundle.ts'
import type { EntryRow } from '../../src/audit/entry.ts'
import { createSignCheckpoint } from '../../src/audit/sign-checkpoint.ts'
import { type Verification, type VerifyOptions, verifyBundle } from '../../src/audit/verify.ts'
import { createSecretFile, readSecretFile } from '../../src/identify/secret-file.ts'
import type { JournalRecord } from '../../src/kernel/journal.ts'
import { silentLogger } from '../../src/kernel/logger.ts'

/** A clock that moves when told. */
export function createOwnClock(startMs = Date.UTC(2026, 10, 1)) {
  let nowMs = startMs
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

/** Everything as in the drain process but the ledger, the clock and how often is signed. */
export function openLog(
  dir: string,
  ledger: AuditLedger,
  given: Partial<AuditLogDeps> & Pick<AuditLogDeps, 'clock'>,
): AuditLog {
  const keys = openAuditKeys(dir, { read: readSecretFile, create: createSecretFile })
  return createAuditLog({
    ledger,
    sign: createSignCheckpoint(dir, keys),
    load: () => loadState(dir),
    store: (state) => storeState(dir, state),
    begin: () => emptyState('gw_test'),
    anchors: [createFileAnchor(`${dir}/checkpoints`)],
    logger: silentLogger,
    checkpointEntries: 8,
    checkpointMs: 60_000,
    ...given,
  })
}

/** An exchange as audit records it, the n-th. */
export const exchange = (n: number): JournalRecord => ({
  kind: 'exchange',
  exchange_id: `exch_${n}`,
  started_at_ms: Date.UTC(2026, 10, 1) + n * 1_000,
  operation: 'sessions.create',
  caller: 'ada',
  team: 'payments',
  decision: 'allowed',
  status: 200,
})

export const exchanges = (from: number, to: number): readonly JournalRecord[] =>
  Array.from({ length: to - from }, (_, index) => exchange(from + index))

/** A batch as the journal gives it, at a place that is the count of what lies before. */
export const batchAt = (offset: number, records: readonly JournalRecord[]) => ({
  records,
  from: { segment: 1, offset },
  next: { segment: 1, offset: offset + records.length },
})

/** A ledger of rows in memory, as a set: writing a row again is one row. */
export function createMemoryAuditLedger() {
  const entries = new Map<string, EntryRow>()
  const checkpoints = new Map<string, SignedCheckpoint & { readonly gateway: string }>()
  const sorted = (gateway: string) =>
    [...entries.values()].filter((row) => row.gateway === gateway).sort((a, b) => a.seq - b.seq)
  const ledger: AuditLedger = {
    insertEntries: async (rows) => {
      for (const row of rows) entries.set(`${row.gateway} ${row.seq} ${row.leaf_hash}`, row)
    },
    insertCheckpoints: async (gateway, signed) => {
      for (const each of signed) checkpoints.set(`${gateway} ${each.note}`, { ...each, gateway })
    },
    findRecords: async (gateway, ids, seq) =>
      new Set(
        sorted(gateway)
          .filter((row) => row.seq < seq && ids.includes(row.record_id))
          .map(keyOf),
      ),
    lastCheckpoint: async (gateway) =>
      Math.max(-1, ...[...checkpoints.values()].filter((c) => c.gateway === gateway).map((c) => c.number)),
  }
  const source: BundleSource = {
    gateways: async () => [...new Set([...entries.values()].map((row) => row.gateway))],
    checkpoints: async (gateway, from, limit) =>
      [...checkpoints.values()]
        .filter((c) => c.gateway === gateway && c.number >= from)
        .sort((a, b) => a.number - b.number)
        .slice(0, limit)
        .map(({ number, size, timeMs, note, frontier, last }) => ({
          number,
          size,
          time_ms: timeMs,
          note,
          frontier,
          last_leaf: last,
        })),
    entries: async (gateway, from, to, limit) =>
      sorted(gateway)
        .filter(({ seq }) => seq >= from && seq < to)
        .slice(0, limit)
        .map(({ gateway: _gateway, ...row }) => row),
    checkpointAt: async (gateway, timeMs) =>
      Math.max(
        0,
        ...[...checkpoints.values()]
          .filter((c) => c.gateway === gateway && c.timeMs <= timeMs)
          .map((c) => c.number),
      ),
    keys: () => [],
  }
  return { ledger, source, rows: () => [...entries.values()] }
}

/** The lines of everything that a source has. */
export async function linesOf(source: BundleSource, withTail = false): Promise<readonly BundleLine[]> {
  const lines: BundleLine[] = []
  for await (const line of bundleLines(source, { withTail })) lines.push(line)
  return lines
}

/** What `audit verify` says of these lines, by the keys that signed in `dir`. */
export function verifyLines(
  dir: string,
  lines: readonly (BundleLine | string)[],
  given: Partial<VerifyOptions> = {},
): Promise<Verification> {
  async function* texts() {
    for (const line of lines) yield typeof line === 'string' ? line : JSON.stringify(line)
  }
  return verifyBundle(texts(), { keys: readPublicKeys(dir), anchors: [], isLive: false, ...given })
}
