// Sightings of a small session life, for tests of the meter and the ledger. Times are given in milliseconds.
import type {
  DeletionSighting,
  EventSighting,
  SessionSighting,
  ThreadSighting,
} from '../../src/tap/sighting.ts'
import type { UpstreamTokens, UpstreamUsage } from '../../src/upstream/usage-schema.ts'

const seen = {
  kind: 'sighting',
  source: 'stream',
  seen_at_ms: Date.UTC(2026, 10, 20, 10),
  exchange_id: 'exc_1',
  team: 'watchers',
  caller: 'watcher',
} as const

export const noTokens: UpstreamTokens = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_write_5m_input_tokens: 0,
  cache_write_1h_input_tokens: 0,
}

export const iso = (ms: number): string => new Date(ms).toISOString()

/** Any event; `about_thread_id` and tokens are absent unless given. */
export function event(
  given: Partial<EventSighting> &
    Pick<EventSighting, 'session_id' | 'event_id' | 'type'> & { readonly atMs: number },
): EventSighting {
  const { atMs, ...rest } = given
  return {
    ...seen,
    about: 'event',
    thread_id: '',
    processed_at: iso(atMs),
    about_thread_id: '',
    tokens: null,
    speed: '',
    is_error: false,
    stop_reason: '',
    detail: {},
    usage: null,
    ...rest,
  }
}

/** A model request that ended at `atMs`. */
export function modelRequest(
  session_id: string,
  event_id: string,
  atMs: number,
  tokens: Partial<UpstreamTokens>,
  given: Partial<EventSighting> = {},
): EventSighting {
  const type = 'span.model_request_end'
  return event({ session_id, event_id, type, atMs, tokens: { ...noTokens, ...tokens }, ...given })
}

/** A change of the session's status. */
export function status(session_id: string, event_id: string, atMs: number, to: string): EventSighting {
  return event({ session_id, event_id, type: `session.status_${to}`, atMs })
}

/** A change of a thread's status, as the session's own stream carries it. */
export function threadStatus(session_id: string, event_id: string, atMs: number, thread: string, to: string) {
  return event({ session_id, event_id, type: `session.thread_status_${to}`, atMs, about_thread_id: thread })
}

/** A session object as a retrieve shows it; give `created_here`, `team` and `caller` for its creation. */
export function session(session_id: string, given: Partial<SessionSighting> = {}): SessionSighting {
  return {
    ...seen,
    about: 'session',
    session_id,
    source: 'object',
    agent_id: 'agent_1',
    agent_name: 'Helper',
    agent_version: 3,
    model: 'claude-opus-5-5',
    speed: '',
    inference_geo: '',
    environment_id: 'env_1',
    deployment_id: '',
    status: 'running',
    created_at: iso(Date.UTC(2026, 10, 20, 9)),
    archived_at: null,
    created_here: false,
    usage: null,
    limit_cents: null,
    ...given,
  }
}

/** The creation of a session by a caller of a team. */
export function creation(
  session_id: string,
  team: string,
  given: Partial<SessionSighting> = {},
): SessionSighting {
  return session(session_id, { team, caller: `${team}-ci`, created_here: true, ...given })
}

/** A child thread on a model of its own. */
export function thread(
  session_id: string,
  thread_id: string,
  given: Partial<ThreadSighting> = {},
): ThreadSighting {
  return {
    ...seen,
    about: 'thread',
    session_id,
    thread_id,
    parent_thread_id: 'sthr_primary',
    model: 'claude-haiku-4-5',
    speed: '',
    inference_geo: '',
    ...given,
  }
}

export function deletion(session_id: string, seen_at_ms: number): DeletionSighting {
  return { ...seen, about: 'deletion', session_id, seen_at_ms }
}

/** A cumulative usage, as `session.usage` states it. */
export function cumulative(given: Partial<UpstreamUsage>): UpstreamUsage {
  return { ...noTokens, active_seconds: 0, list_cost_cents: null, web_search_requests: 0, ...given }
}
