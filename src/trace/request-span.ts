// What one request looks like to tracing: plain facts in, one SERVER span out. No header but `traceparent`
// and no free text of the client ever gets here, so nothing of them can leave in a span.

/** Known when the request arrives. */
export type RequestArrival = {
  readonly method: string
  /** The operation's pattern, e.g. `/v1/sessions/:session_id/events`; '' when the path is not known. */
  readonly route: string
  /** The client's `traceparent` header as received; anything invalid is ignored. */
  readonly traceparent: string | undefined
  readonly startedAtMs: number
}

/**
 * Known when the request is settled; the audit's `ExchangeRecord` is this and more. Empty strings and zeros mean
 * "not known" and leave their attribute out.
 */
export type RequestFacts = {
  readonly exchange_id: string
  readonly started_at_ms: number
  readonly duration_ms: number
  /** Operation id, '' when the path or method was not known. */
  readonly operation: string
  /** Path without query; '' when it was not canonical. */
  readonly path: string
  readonly team: string
  readonly caller: string
  readonly decision: string
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
  readonly end_reason: string
  readonly upstream_request_id: string
  readonly request_bytes: number
  readonly response_bytes: number
  readonly events: number
  /** `x-stainless-retry-count` as sent, 0 when absent. */
  readonly retry_count: number
  /** `satisfied`, `observed`, `forced` or `denied` when its classes require something of it; else '' or `open`. */
  readonly pin_kind: string
  /** Its classes, comma-separated; the entries of pins.yaml that put it there. */
  readonly pin_class?: string
  readonly pin_rule?: string
  /** Who approved the version that runs, and the hash of what was approved. */
  readonly approved_by?: string
  readonly config_hash?: string
}

/** One request's span, from arrival to settling. */
export type RequestSpan = {
  /** 32 hex digits, never all zero, also when nothing is exported: goes into `x-tollgate-trace-id`. */
  readonly traceId: string
  /** The `traceparent` to send upstream. With export on it is our span's; without, a valid one of the client passes unchanged. `tracestate` and `baggage` stay behind. */
  readonly traceparent: string
  /** Ends the span with what is now known; a second call does nothing. Never throws. */
  readonly end: (facts: RequestFacts) => void
}
