// The rows of the ledger's tables, column for column (`migrations/`). Times are strings of UTC, as ClickHouse reads
// them (`2026-11-23 16:00:00.123456`); counts are safe integers; money is an exact decimal string or null.
import type { SessionEventRow } from './session-rows.ts'

/** Counts of one model request; disjoint categories. */
export type RequestTokens = {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_5m_tokens: number
  readonly cache_write_1h_tokens: number
}

/** What pricing needs of one model request. */
export type RequestFact = RequestTokens & {
  readonly occurred_at_ms: number
  /** '' while not known. */
  readonly model: string
  /** '', `standard` or `fast`. */
  readonly speed: string
  /** '' when neither agent nor thread states it. */
  readonly inference_geo: string
  /** '', `standard`, `batch` or `priority`. */
  readonly service_tier: string
}

/** What an event itself says of a model request: immutable, whoever saw it. */
export type UsageEventFact = RequestTokens & {
  readonly session_id: string
  readonly event_id: string
  /**
   * `model_request` and `message` (a call of the Messages API) are charged; a `message_part` broke off before its usage was
   * said, so its charge is not known; `outcome_grading` is kept apart, for the upstream may count it in a session's own.
   */
  readonly kind: 'model_request' | 'outcome_grading' | 'message' | 'message_part'
  /** '' on the session's primary thread. */
  readonly thread_id: string
  readonly occurred_at: string
  readonly event_speed: string
  /** What the fact itself says of its model, as a message does; '' where the thread or session says it. */
  readonly event_model: string
  readonly event_geo: string
  readonly service_tier: string
  /** Of a message; a session's are in its snapshots. */
  readonly web_search_requests: number
  readonly is_error: 0 | 1
}

/** A fact with what is known of its model, and the charge that follows. */
export type UsageEventRow = UsageEventFact & {
  readonly model: string
  readonly speed: string
  readonly inference_geo: string
  readonly cost_usd: string | null
  readonly price_id: string
  readonly unpriced_reason: string
  /** How much is known: a row that knows more replaces one that knows less, whichever came first. */
  readonly ver: number
}

export type SessionRow = {
  readonly session_id: string
  /** '' unless the row says who created the session. */
  readonly team: string
  readonly caller: string
  readonly agent_id: string
  readonly agent_name: string
  readonly agent_version: number
  readonly model: string
  readonly speed: string
  readonly inference_geo: string
  readonly environment_id: string
  readonly deployment_id: string
  readonly created_at: string
  readonly ver: number
}

/** What the upstream lets a session spend over its life, in whole cents; `0` without a limit. */
export type SessionLimitRow = {
  readonly session_id: string
  readonly limit_cents: string
  /** When its object said so, ms. */
  readonly ver: number
}

export type ThreadRow = {
  readonly session_id: string
  readonly thread_id: string
  readonly parent_thread_id: string
  readonly is_primary: 0 | 1
  /** '' when the thread runs on the session's model. */
  readonly model: string
  readonly speed: string
  readonly inference_geo: string
}

/**
 * One edge of a session's or thread's status, or one thing that decides how edges are read.
 * `observed` edges say what a status was seen to be, not when it changed: they only bound an open interval.
 */
export type SessionStatusRow = {
  readonly session_id: string
  readonly event_id: string
  readonly scope: 'session' | 'thread' | 'observed'
  /** '' for the session as a whole. */
  readonly thread_id: string
  /** For scope `thread`, `primary` and `child` say what the thread is. */
  readonly status: 'running' | 'idle' | 'rescheduling' | 'terminated' | 'primary' | 'child'
  readonly occurred_at: string
  /** `stop_reason.type` of an idle edge; '' where nothing says one. */
  readonly reason: string
  readonly ver: number
}

export type UsageSnapshotRow = RequestTokens & {
  readonly session_id: string
  readonly observed_at: string
  /** `event`: the upstream's own time; `object`: when we first saw this total. */
  readonly source: 'event' | 'object'
  /** Names the totals, so that seeing them again adds no row. */
  readonly snapshot_key: string
  readonly ver: number
  readonly active_ms: number
  readonly list_cost_cents: string | null
  readonly web_search_requests: number
}

/** One request through the gateway, as audit recorded it. */
export type ExchangeRow = {
  readonly exchange_id: string
  readonly started_at: string
  readonly duration_ms: number
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly team: string
  readonly caller: string
  readonly key_id: string
  readonly client_ip: string
  readonly user_agent: string
  readonly decision: string
  readonly error_code: string
  readonly rules: string
  readonly policy_hash: string
  readonly agent_id: string
  readonly agent_version: number
  readonly agent_version_requested: string
  readonly pin_kind: string
  readonly session_id: string
  readonly status: number
  readonly end_reason: string
  readonly upstream_request_id: string
  readonly request_bytes: number
  readonly response_bytes: number
  readonly events: number
  readonly trace_id: string
  readonly retry_count: number
  /** One `action object` a line; ends in `…` when that is not all. */
  readonly capabilities: string
  /** What the candidate policy would have said otherwise. */
  readonly shadow: string
  readonly pin_class: string
  readonly pin_rule: string
  /** One `mode requirement path: requested -> resolved` a line. */
  readonly pin_findings: string
  readonly approved_by: string
  readonly config_hash: string
  /** What went up left this open about versions, e.g. `unpinned overrides:model`. */
  readonly exposure: string
}

/** What was found of a session that the upstream had answered, held against what was pinned. */
export type VerificationRow = {
  readonly exchange_id: string
  readonly checked_at: string
  readonly team: string
  readonly caller: string
  readonly session_id: string
  readonly agent_id: string
  readonly agent_version: number
  readonly pin_class: string
  readonly mode: string
  /** `same`, `different`, `unknown` or `unverified`. */
  readonly outcome: string
  readonly differences: readonly string[]
  readonly expected_hash: string
  readonly answered_hash: string
  /** '', `stopped` or `stop_failed`. */
  readonly action: string
}

/** One change of the policies in force. */
export type PolicyChangeRow = {
  readonly change_id: string
  readonly changed_at: string
  readonly old_hash: string
  readonly new_hash: string
  /** Comma-separated. */
  readonly files: string
  /** One `+ file:line text` a line. */
  readonly diff: string
}

/** Whose an object is, as its creation was seen. */
export type ObjectOwnerRow = {
  readonly object_kind: string
  readonly object_id: string
  readonly team: string
  readonly caller: string
  readonly exchange_id: string
  readonly seen_at: string
}

/** Who saved a version of an agent, or saved it again without a change. */
export type AgentVersionRow = {
  readonly agent_id: string
  readonly version: number
  readonly team: string
  readonly caller: string
  readonly exchange_id: string
  readonly seen_at: string
}

/** How far the watcher has read a session. */
export type WatchedSessionRow = {
  readonly session_id: string
  readonly upstream: string
  readonly state_key: string
  readonly listed_until: string
  readonly watched_at: string
  readonly ver: number
}

export type QuarantinedRow = {
  readonly record_key: string
  readonly kind: string
  readonly reason: string
  readonly content: string
}

/** What one journal record states by itself, table by table. */
export type StatedRows = {
  readonly facts: readonly UsageEventFact[]
  readonly sessions: readonly SessionRow[]
  readonly threads: readonly ThreadRow[]
  readonly session_status: readonly SessionStatusRow[]
  readonly session_events: readonly SessionEventRow[]
  readonly session_limits: readonly SessionLimitRow[]
  readonly usage_snapshots: readonly UsageSnapshotRow[]
  readonly exchanges: readonly ExchangeRow[]
  readonly object_owners: readonly ObjectOwnerRow[]
  readonly agent_versions: readonly AgentVersionRow[]
  readonly policy_changes: readonly PolicyChangeRow[]
  readonly session_verifications: readonly VerificationRow[]
  readonly watched_sessions: readonly WatchedSessionRow[]
  readonly quarantined_records: readonly QuarantinedRow[]
}
