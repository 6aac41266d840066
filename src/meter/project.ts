// One journal record -> the rows it states by itself, whatever came before or comes after. Pure and deterministic:
// the same thing seen twice gives rows with the same keys, so order and repetition cannot move a total.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { JournalRecord } from '../kernel/journal.ts'
import type {
  PolicyChangeRow,
  QuarantinedRow,
  StatedRows,
  VerificationRow,
  WatchedSessionRow,
} from '../ledger/rows.ts'
import { projectEvent } from './event-rows.ts'
import { projectMessage } from './message-rows.ts'
import { projectCreation, projectDeletion, projectSession, projectThread } from './object-rows.ts'
import {
  type MeteredExchange,
  type MeteredPolicyChange,
  type MeteredVerification,
  type MeteredWatched,
  meteredRecordSchema,
} from './record-schema.ts'

/** Rows of a record; one that cannot be read becomes a quarantined row with the reason. Never throws. */
export function project(record: JournalRecord): Partial<StatedRows> {
  const parsed = meteredRecordSchema.safeParse(record)
  if (!parsed.success) return { quarantined_records: [quarantine(record, z.prettifyError(parsed.error))] }
  const rows = projectKnown(parsed.data)
  return rows === null
    ? { quarantined_records: [quarantine(record, 'the upstream time or counts are missing or unreadable')] }
    : rows
}

/** Sets a record aside, whole, under a key made of its content. */
export function quarantine(record: JournalRecord, reason: string): QuarantinedRow {
  const content = JSON.stringify(record)
  const key = createHash('sha256').update(content).digest('hex')
  return { record_key: key, kind: String(record.kind), reason, content }
}

function projectKnown(record: z.output<typeof meteredRecordSchema>): Partial<StatedRows> | null {
  if (record.kind === 'exchange') return { exchanges: [toExchangeRow(record)] }
  if (record.kind === 'policy_change') return { policy_changes: [toPolicyChangeRow(record)] }
  if (record.kind === 'verification') return { session_verifications: [toVerificationRow(record)] }
  if (record.kind === 'act') return {}
  if (record.kind === 'watched') return { watched_sessions: [toWatchedRow(record)] }
  switch (record.about) {
    case 'event':
      return projectEvent(record)
    case 'session':
      return projectSession(record)
    case 'thread':
      return projectThread(record)
    case 'deletion':
      return projectDeletion(record)
    case 'creation':
      return projectCreation(record)
    case 'message':
      return projectMessage(record)
  }
}

function toExchangeRow({ kind: _kind, started_at_ms, ...rest }: MeteredExchange) {
  return { ...rest, started_at: toColumnTime(started_at_ms) }
}

function toPolicyChangeRow({
  kind: _kind,
  changed_at_ms,
  files,
  diff,
  ...rest
}: MeteredPolicyChange): PolicyChangeRow {
  return { ...rest, changed_at: toColumnTime(changed_at_ms), files: files.join(','), diff: diff.join('\n') }
}

function toVerificationRow({ kind: _kind, checked_at_ms, ...rest }: MeteredVerification): VerificationRow {
  return { ...rest, checked_at: toColumnTime(checked_at_ms) }
}

function toWatchedRow({ kind: _kind, seen_at_ms, ...rest }: MeteredWatched): WatchedSessionRow {
  return { ...rest, watched_at: toColumnTime(seen_at_ms), ver: Math.floor(seen_at_ms) }
}

const toColumnTime = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
