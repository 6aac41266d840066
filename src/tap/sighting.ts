// What the tap saw in the upstream's bytes: identifiers, types, times and counts; never text or tool input.
// Sightings are journal records, so every field is plain JSON; names follow the upstream's snake_case.

/** Token counts of one model request or one cumulative snapshot; disjoint categories. */
export type SightedTokens = {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_input_tokens: number
  /** 5-minute cache writes; a model request's undivided `cache_creation_input_tokens` counts here. */
  readonly cache_write_5m_input_tokens: number
  readonly cache_write_1h_input_tokens: number
}

/** A cumulative `usage` object as the upstream last stated it. */
export type SightedUsage = SightedTokens & {
  readonly active_seconds: number
  /** Cents as the upstream writes them (integer in a string), null while it has none. */
  readonly list_cost_cents: string | null
  readonly web_search_requests: number
}

/** Which way an observation came. */
export type SightingSource = 'stream' | 'list' | 'send' | 'object'

type SightingBase = {
  readonly kind: 'sighting'
  readonly session_id: string
  readonly source: SightingSource
  readonly seen_at_ms: number
  readonly exchange_id: string
  /** The caller on whose exchange it was seen; not the owner. */
  readonly team: string
  readonly caller: string
}

/** One event of a session, with what billing and status need of it and nothing else. */
export type EventSighting = SightingBase & {
  readonly about: 'event'
  /** Thread whose stream or list carried it; '' on the primary. */
  readonly thread_id: string
  readonly event_id: string
  readonly type: string
  /** ISO 8601 as received; null while queued. */
  readonly processed_at: string | null
  /** `session_thread_id` in the event itself, '' when absent. */
  readonly about_thread_id: string
  readonly tokens: SightedTokens | null
  readonly speed: string
  readonly is_error: boolean
  readonly stop_reason: string
  /** On `session.usage`: the cumulative snapshot. */
  readonly usage: SightedUsage | null
}

/** A session object (create, retrieve, list, update, archive). */
export type SessionSighting = SightingBase & {
  readonly about: 'session'
  readonly agent_id: string
  readonly agent_name: string
  readonly agent_version: number
  readonly model: string
  readonly speed: string
  readonly inference_geo: string
  readonly environment_id: string
  readonly deployment_id: string
  readonly status: string
  readonly created_at: string
  readonly archived_at: string | null
  /** True when this exchange created the session: its caller is the owner. */
  readonly created_here: boolean
  readonly usage: SightedUsage | null
}

/** A thread object, for the model its requests ran on. */
export type ThreadSighting = SightingBase & {
  readonly about: 'thread'
  readonly thread_id: string
  /** null on the primary thread. */
  readonly parent_thread_id: string | null
  readonly model: string
  readonly speed: string
  readonly inference_geo: string
}

/** The session is gone upstream (DELETE answered 2xx). */
export type DeletionSighting = SightingBase & { readonly about: 'deletion' }

/** Something was made here, and belongs to the team of the caller that made it. Sessions have their own sighting. */
export type CreationSighting = SightingBase & {
  readonly about: 'creation'
  /** As in a policy's objects: `file`, `skill`, `agent`, … */
  readonly object_kind: string
  readonly object_id: string
}

export type Sighting = EventSighting | SessionSighting | ThreadSighting | DeletionSighting | CreationSighting
