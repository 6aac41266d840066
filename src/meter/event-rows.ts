// An event of a session -> rows: its own among all events; model requests, status edges and cumulative snapshots besides.
import { createHash } from 'node:crypto'
import type { RequestTokens, SessionStatusRow, StatedRows, UsageSnapshotRow } from '../ledger/rows.ts'
import type { MeteredEvent, MeteredTokens, MeteredUsage } from './record-schema.ts'
import { toSessionEvent } from './session-event-rows.ts'
import { formatLedgerTime, parseUpstreamTime } from './upstream-time.ts'

const requestKinds = new Map<string, 'model_request' | 'outcome_grading'>([
  ['span.model_request_end', 'model_request'],
  ['span.outcome_evaluation_end', 'outcome_grading'],
])

const statuses = new Map<string, SessionStatusRow['status']>([
  ['session.status_running', 'running'],
  ['session.status_idle', 'idle'],
  ['session.status_rescheduled', 'rescheduling'],
  ['session.status_terminated', 'terminated'],
  ['session.deleted', 'terminated'],
  ['session.thread_status_running', 'running'],
  ['session.thread_status_idle', 'idle'],
  ['session.thread_status_rescheduled', 'rescheduling'],
  ['session.thread_status_terminated', 'terminated'],
  ['session.thread_created', 'child'],
])

/** What nothing used. */
export const noTokens: MeteredTokens = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_write_5m_input_tokens: 0,
  cache_write_1h_input_tokens: 0,
}

/** Rows of one event, or null when it should count but its time (part of its key) or its counts cannot be read. */
export function projectEvent(event: MeteredEvent): Partial<StatedRows> | null {
  const counted = projectCounts(event)
  if (counted === null) return null
  const isFact = counted.facts !== undefined || counted.session_status !== undefined
  return { ...counted, session_events: [toSessionEvent(event, isFact ? eventKey(event) : event.event_id)] }
}

/** What of it counts. */
function projectCounts(event: MeteredEvent): Partial<StatedRows> | null {
  const requestKind = requestKinds.get(event.type)
  const status = statuses.get(event.type)
  const snapshot = event.type === 'session.usage' ? event.usage : null
  if (requestKind === undefined && status === undefined && snapshot === null) return {}

  const micros = parseUpstreamTime(event.processed_at ?? '')
  if (micros === null) return null
  const occurredAt = formatLedgerTime(micros)
  if (snapshot !== null) return { usage_snapshots: [toSnapshot(event.session_id, snapshot, 'event', micros)] }
  if (status !== undefined) return { session_status: [toEdge(event, status, occurredAt)] }
  if (requestKind === undefined) return {}
  // The upstream always says what a request used: counts nobody could read are not zero.
  if (requestKind === 'model_request' && event.tokens === null && !event.is_error) return null
  return {
    facts: [
      {
        session_id: event.session_id,
        event_id: eventKey(event),
        kind: requestKind,
        thread_id: event.about_thread_id === '' ? event.thread_id : event.about_thread_id,
        occurred_at: occurredAt,
        event_speed: event.speed,
        event_model: '',
        event_geo: '',
        service_tier: '',
        web_search_requests: 0,
        is_error: event.is_error ? 1 : 0,
        ...toRequestTokens(event.tokens ?? noTokens),
      },
    ],
  }
}

/**
 * A cumulative statement of usage. Its key is made of the totals: the same totals seen again, by anybody, are the
 * same row; the upstream's own event wins over an object, and an earlier one over a later.
 */
export function toSnapshot(
  sessionId: string,
  usage: MeteredUsage,
  source: UsageSnapshotRow['source'],
  micros: number,
): UsageSnapshotRow {
  const totals = {
    active_ms: Math.round(usage.active_seconds * 1000),
    ...toRequestTokens(usage),
    web_search_requests: usage.web_search_requests,
    list_cost_cents: usage.list_cost_cents,
  }
  const rank = source === 'event' ? 2 ** 52 : 2 ** 51
  return {
    session_id: sessionId,
    snapshot_key: digest(Object.values(totals)),
    observed_at: formatLedgerTime(micros),
    source,
    ...totals,
    ver: rank - Math.floor(micros / 1000),
  }
}

function toEdge(
  event: MeteredEvent,
  status: SessionStatusRow['status'],
  occurredAt: string,
): SessionStatusRow {
  const ofThread = event.type.startsWith('session.thread_')
  const threadId = event.about_thread_id === '' ? event.thread_id : event.about_thread_id
  const isDeletion = event.type === 'session.deleted'
  return {
    session_id: event.session_id,
    // A role is a property of the thread, and may be learnt from the thread object too; so may a deletion, by
    // our clock: here the upstream says its time, which wins.
    event_id: isDeletion ? 'deleted' : status === 'child' ? `role:${threadId}` : eventKey(event),
    scope: ofThread ? 'thread' : 'session',
    thread_id: ofThread ? threadId : '',
    status,
    occurred_at: occurredAt,
    reason: event.stop_reason,
    ver: isDeletion ? Number.MAX_SAFE_INTEGER : 0,
  }
}

/** The upstream's id; without one, a digest of what the event says, so that its copies still meet. */
function eventKey(event: MeteredEvent): string {
  if (event.event_id !== '') return event.event_id
  const said = [event.type, event.processed_at, event.about_thread_id, event.is_error, event.speed]
  return `derived_${digest([...said, ...Object.values(event.tokens ?? {})])}`
}

/** The ledger's columns of the upstream's counts. */
export function toRequestTokens(tokens: MeteredTokens): RequestTokens {
  return {
    input_tokens: tokens.input_tokens,
    output_tokens: tokens.output_tokens,
    cache_read_tokens: tokens.cache_read_input_tokens,
    cache_write_5m_tokens: tokens.cache_write_5m_input_tokens,
    cache_write_1h_tokens: tokens.cache_write_1h_input_tokens,
  }
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
