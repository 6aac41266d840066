// One batch of journal records -> the ledger, in an order that needs neither locks nor memory.
//
// First everything the records state by themselves is inserted, then what follows from it is read back and derived.
// Two gateways may do this at once: whichever reads later sees what both inserted, so a price or an interval that
// needed both is written by at least that one, and its row wins (`ver`, `generation`). Every insert may be repeated.
import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { JournalRecord } from '../kernel/journal.ts'
import type { Ledger } from './port.ts'
import type { Projector } from './projector.ts'
import { joinSenders, readSentEvents } from './queries/sent-events.ts'
import {
  type FindModel,
  readEdges,
  readModels,
  readStatedTimes,
  readTallies,
  readUnpricedFacts,
} from './queries/writer-reads.ts'
import type { QuarantinedRow, StatedRows, UsageEventFact, UsageEventRow } from './rows.ts'
import type { SessionIntervalsRow } from './session-rows.ts'

export type BatchDeps = { readonly ledger: Ledger; readonly projector: Projector }

/** Statements are cut at this many rows; a batch of lists may state more rows than it has records. */
const insertRowsMax = 5000

/**
 * Brings a batch into effect; returns how many records were set aside. Rejects with what the ledger throws, and may
 * then be repeated, whole or in other portions, any number of times: totals stay the same.
 */
export async function applyBatch(deps: BatchDeps, records: readonly JournalRecord[]): Promise<number> {
  const { ledger, projector } = deps
  const stated = collect(await projectAll(projector, records))
  await Promise.all([
    insertRows(ledger, 'sessions', stated.sessions),
    insertRows(ledger, 'threads', stated.threads),
    insertRows(ledger, 'session_status', stated.session_status),
    insertRows(ledger, 'session_events', stated.session_events),
    insertRows(ledger, 'session_limits', stated.session_limits),
    insertRows(ledger, 'usage_snapshots', stated.usage_snapshots),
    insertRows(ledger, 'exchanges', stated.exchanges),
    insertRows(ledger, 'object_owners', stated.object_owners),
    insertRows(ledger, 'agent_versions', stated.agent_versions),
    insertRows(ledger, 'policy_changes', stated.policy_changes),
    insertRows(ledger, 'session_verifications', stated.session_verifications),
    insertRows(ledger, 'quarantined_records', stated.quarantined_records),
  ])
  await Promise.all([applyFacts(deps, stated), applyIntervals(deps, stated), applySenders(deps, stated)])
  await applyAdjustments(deps, stated)
  // Last: it says that all of the above is here.
  await insertRows(ledger, 'watched_sessions', stated.watched_sessions)
  return stated.quarantined_records.length
}

/** Between two slices the event loop serves requests: a batch at once would hold up every answer for its length. */
const sliceRecords = 32

async function projectAll(
  projector: Projector,
  records: readonly JournalRecord[],
): Promise<readonly Partial<StatedRows>[]> {
  const parts: Partial<StatedRows>[] = []
  for (let start = 0; start < records.length; start += sliceRecords) {
    if (start > 0) await turn()
    for (const record of records.slice(start, start + sliceRecords)) parts.push(projector.project(record))
  }
  return parts
}

/** Writes quarantined rows alone; for records the ledger itself refused. */
export async function applyQuarantine(ledger: Ledger, rows: readonly QuarantinedRow[]): Promise<void> {
  await insertRows(ledger, 'quarantined_records', rows)
}

async function applyFacts(deps: BatchDeps, stated: StatedRows): Promise<void> {
  await insertFacts(deps, stated.facts)
  // What waited for a model of these sessions, here or in another gateway, now that they are in. Sessions of facts
  // alone are not asked again: one nobody knows would bring all it ever used into every batch.
  const waiting = await readUnpricedFacts(deps.ledger, sessionsOf([...stated.sessions, ...stated.threads]))
  await insertLearnt(deps, waiting)
}

async function insertFacts(deps: BatchDeps, facts: readonly UsageEventFact[]): Promise<void> {
  if (facts.length === 0) return
  const find = await readModels(deps.ledger, sessionsOf(facts))
  const rows = facts.map((fact) => attributeWith(deps.projector, find, fact))
  await insertRows(deps.ledger, 'usage_events', rows)
  // Another gateway may have learnt a model between our look and our insert, and have looked before our facts were in.
  const waiting = facts.flatMap((fact, index) => {
    const row = rows[index]
    return row !== undefined && row.cost_usd === null ? [{ fact, ver: row.ver }] : []
  })
  await insertLearnt(deps, waiting)
}

/** Writes those again that are better known by now. */
async function insertLearnt(
  { ledger, projector }: BatchDeps,
  waiting: readonly WaitingFact[],
): Promise<void> {
  if (waiting.length === 0) return
  const find = await readModels(ledger, sessionsOf(waiting.map(({ fact }) => fact)))
  const learnt = waiting.flatMap(({ fact, ver }) => {
    const row = attributeWith(projector, find, fact)
    return row.ver > ver ? [row] : []
  })
  await insertRows(ledger, 'usage_events', learnt)
}

type WaitingFact = { readonly fact: UsageEventFact; readonly ver: number }

/** What was sent is told twice: by whom when it was sent, and when it was processed by whoever saw it then. */
async function applySenders({ ledger }: BatchDeps, { session_events }: StatedRows): Promise<void> {
  const sendable = session_events.filter(({ type }) => /^(user|system)\./.test(type))
  await insertRows(ledger, 'session_events', joinSenders(sendable, await readSentEvents(ledger, sendable)))
}

async function applyIntervals({ ledger, projector }: BatchDeps, stated: StatedRows): Promise<void> {
  const sessionIds = sessionsOf([...stated.session_status, ...stated.usage_snapshots])
  const [edges, times] = await Promise.all([
    readEdges(ledger, sessionIds),
    readStatedTimes(ledger, sessionIds),
  ])
  const rows: SessionIntervalsRow[] = []
  for (const [sessionId, ofSession] of edges) {
    if (rows.length % sliceRecords === sliceRecords - 1) await turn()
    rows.push(projector.deriveIntervals(sessionId, ofSession, times.get(sessionId)))
  }
  await insertRows(ledger, 'session_intervals', rows)
}

/**
 * After facts, prices and intervals: it is made of all three. A row without adjustments is written too: another gateway that
 * looked before our facts were in may be about to write one with some, and whoever knew more must win.
 */
async function applyAdjustments({ ledger, projector }: BatchDeps, stated: StatedRows): Promise<void> {
  const { facts, sessions, threads, session_status, usage_snapshots } = stated
  const ids = sessionsOf([...facts, ...sessions, ...threads, ...session_status, ...usage_snapshots])
  const tallies = await readTallies(ledger, ids)
  if (tallies.length === 0) return
  const find = await readModels(ledger, sessionsOf(tallies))
  const rows = tallies.map((tally) => projector.deriveAdjustments(tally, find(tally.session_id, '')))
  await insertRows(ledger, 'session_adjustments', rows)
}

function attributeWith(projector: Projector, find: FindModel, fact: UsageEventFact): UsageEventRow {
  return projector.attribute(fact, {
    session: find(fact.session_id, ''),
    thread: fact.thread_id === '' ? undefined : find(fact.session_id, fact.thread_id),
  })
}

/**
 * The token is made of the rows, so repeating an insert is the same insert, whoever repeats it. An exchange never
 * changes and is by far the most common row, so there the ids stand for the rows.
 */
async function insertRows(ledger: Ledger, table: string, rows: readonly object[]): Promise<void> {
  for (let start = 0; start < rows.length; start += insertRowsMax) {
    const part = rows.slice(start, start + insertRowsMax)
    const content = part.map((row) => ('exchange_id' in row ? String(row.exchange_id) : JSON.stringify(row)))
    const token = createHash('sha256').update(table).update(content.join('\n')).digest('hex')
    await ledger.insert(table, part, token)
  }
}

function collect(parts: readonly Partial<StatedRows>[]): StatedRows {
  return {
    facts: parts.flatMap((part) => part.facts ?? []),
    sessions: parts.flatMap((part) => part.sessions ?? []),
    threads: parts.flatMap((part) => part.threads ?? []),
    session_status: parts.flatMap((part) => part.session_status ?? []),
    session_limits: parts.flatMap((part) => part.session_limits ?? []),
    session_events: parts.flatMap((part) => part.session_events ?? []),
    usage_snapshots: parts.flatMap((part) => part.usage_snapshots ?? []),
    exchanges: parts.flatMap((part) => part.exchanges ?? []),
    object_owners: parts.flatMap((part) => part.object_owners ?? []),
    agent_versions: parts.flatMap((part) => part.agent_versions ?? []),
    policy_changes: parts.flatMap((part) => part.policy_changes ?? []),
    session_verifications: parts.flatMap((part) => part.session_verifications ?? []),
    watched_sessions: parts.flatMap((part) => part.watched_sessions ?? []),
    quarantined_records: parts.flatMap((part) => part.quarantined_records ?? []),
  }
}

function sessionsOf(rows: readonly { readonly session_id: string }[]): readonly string[] {
  return [...new Set(rows.map((row) => row.session_id))]
}
