// The rows that are made of a session as a whole, or of one of its events: `rows.ts` has those that a record states by itself.

/** All intervals of one session; position `n` of each array is one interval, in time order, none overlapping. */
export type SessionIntervalsRow = {
  readonly session_id: string
  readonly statuses: readonly IntervalStatus[]
  readonly started_at: readonly string[]
  /** For the open one, the latest moment it can have lasted to as far as seen, or null when nothing bounds it. */
  readonly ended_at: readonly (string | null)[]
  readonly provisional: readonly (0 | 1)[]
  /** How many edges, snapshots and checkpoints among them it was derived from; more replace fewer. */
  readonly generation: number
}

/** `waiting`: at rest until somebody answers what the session asked; `idle`: at rest with nothing asked. */
export type IntervalStatus = 'running' | 'idle' | 'waiting' | 'rescheduling'

/** Running time as the upstream has stated it of a session: the most of it, and when that was stated or first seen. */
export type StatedTimeRow = {
  readonly session_id: string
  readonly active_ms: number
  readonly observed_at: string
  /** What its `session.usage` events stated, each at its own time, in no order. */
  readonly checkpoints: readonly { readonly observed_at: string; readonly active_ms: number }[]
  /** How many different totals the ledger has of the session. */
  readonly snapshots: number
}

/**
 * What a session's facts lack of what the upstream stated, or have too much: position `n` of each array is one adjustment,
 * so that facts and adjustments together are exactly the upstream's count.
 */
export type SessionAdjustmentsRow = {
  readonly session_id: string
  readonly at: readonly string[]
  /** Of tokens: `input`, `output`, `cache_read`, `cache_write_5m`, `cache_write_1h`; '' for one of money alone. */
  readonly category: readonly string[]
  readonly model: readonly string[]
  /** Signed; 0 for one of money alone. */
  readonly quantity: readonly number[]
  /** Signed, US dollars at list price; null when no price is known. */
  readonly cost_usd: readonly (string | null)[]
  /** `src/meter/adjustments.ts` says which there are. */
  readonly reason: readonly string[]
  /** How much was known when it was derived; more replaces less. */
  readonly generation: number
}

/** One event of a session as the upstream told it: names, ids and outcomes, never its content. */
export type SessionEventRow = {
  readonly session_id: string
  readonly event_id: string
  /** Thread whose stream or list carried it; '' on the primary. */
  readonly thread_id: string
  /** `session_thread_id` in the event itself, '' when absent. */
  readonly about_thread_id: string
  readonly type: string
  /** The upstream's `processed_at`, or when it was first seen while it has none. */
  readonly occurred_at: string
  /** 0 while the upstream has not said when it was processed. */
  readonly is_processed: 0 | 1
  readonly seen_at: string
  /** Canonical JSON of one flat object of strings, numbers and booleans; names per type in `src/upstream/event-detail.ts`. */
  readonly detail: string
  /** The exchange that sent it, '' when it is not the client's or not known. */
  readonly sent_by: string
  readonly ver: number
}
