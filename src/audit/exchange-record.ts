// One request through the gateway, as audit keeps it: who, what, decided how, answered what. No bodies, no secrets.

export type ExchangeRecord = {
  readonly kind: 'exchange'
  readonly exchange_id: string
  readonly started_at_ms: number
  readonly duration_ms: number
  /** Operation id, '' when the path or method was not known. */
  readonly operation: string
  readonly method: string
  /** Path without query; '' when it was not canonical. */
  readonly path: string
  readonly team: string
  readonly caller: string
  readonly key_id: string
  readonly client_ip: string
  readonly user_agent: string
  readonly decision: 'allowed' | 'denied' | 'rewritten' | 'refused' | 'failed'
  /** Our error code, '' when the upstream's answer passed through. */
  readonly error_code: string
  /** Rules that decided, e.g. `policy.csv:14`, comma-separated. */
  readonly rules: string
  readonly policy_hash: string
  readonly agent_id: string
  /** 0 when no version was named or pinned. */
  readonly agent_version: number
  /** What the client asked for before pinning: '', `latest` or a number. */
  readonly agent_version_requested: string
  readonly session_id: string
  /** Status the client got; 499 when it went away first. */
  readonly status: number
  readonly end_reason: 'completed' | 'client_gone' | 'upstream_broke' | 'shutdown'
  readonly upstream_request_id: string
  readonly request_bytes: number
  readonly response_bytes: number
  readonly events: number
  readonly trace_id: string
  /** `x-stainless-retry-count` as sent, 0 when absent. */
  readonly retry_count: number
}
