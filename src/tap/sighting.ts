// What the tap saw in the upstream's bytes: identifiers, types, times and counts; never text or tool input.
// Sightings are journal records, so every field is plain JSON; names follow the upstream's snake_case.

import type { EventDetail } from '../upstream/event-detail-schema.ts'
import type { UpstreamEvent } from '../upstream/event-schema.ts'
import type { UpstreamMessage } from '../upstream/message-schema.ts'
import type { UpstreamSession } from '../upstream/session-schema.ts'
import type { UpstreamThread } from '../upstream/thread-schema.ts'

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

/** One event of a session: what billing and status need of it, and the names, codes and sizes of the rest. */
export type EventSighting = SightingBase &
  UpstreamEvent & {
    readonly about: 'event'
    /** Thread whose stream or list carried it; '' on the primary. */
    readonly thread_id: string
    readonly detail: EventDetail
  }

/** A session object (create, retrieve, list, update, archive). */
export type SessionSighting = SightingBase &
  UpstreamSession & {
    readonly about: 'session'
    /** True when this exchange created the session: its caller is the owner. */
    readonly created_here: boolean
  }

/** A thread object, for the model its requests ran on. */
export type ThreadSighting = SightingBase & UpstreamThread & { readonly about: 'thread' }

/** The session is gone upstream (DELETE answered 2xx). */
export type DeletionSighting = SightingBase & { readonly about: 'deletion' }

/** Something was made here, and belongs to the team of the caller that made it. Sessions have their own sighting. */
export type CreationSighting = SightingBase & {
  readonly about: 'creation'
  /** As in a policy's objects: `file`, `skill`, `agent`, …; `agent_version` with the id `agent_…@3`. */
  readonly object_kind: string
  readonly object_id: string
}

/**
 * A call of the Messages API, which belongs to no session: `session_id` is `messages/<team>/<caller>`, under which the
 * ledger keeps what a caller's direct calls used.
 */
export type MessageSighting = SightingBase &
  UpstreamMessage & {
    readonly about: 'message'
    /** False when its answer broke off before its usage was said: then the counts are what was said until then. */
    readonly is_whole: boolean
  }

export type Sighting =
  | EventSighting
  | SessionSighting
  | ThreadSighting
  | DeletionSighting
  | CreationSighting
  | MessageSighting
