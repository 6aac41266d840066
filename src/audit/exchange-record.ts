// One request through the gateway, as audit keeps it: who, what, decided how, answered what. No bodies, no secrets.
import type { RequestFacts } from '../trace/request-span.ts'

/** What tracing and metrics are told of an exchange, and what only audit keeps: they cannot tell different stories. */
export type ExchangeRecord = RequestFacts & {
  readonly kind: 'exchange'
  readonly method: string
  readonly key_id: string
  readonly client_ip: string
  readonly user_agent: string
  readonly decision: 'allowed' | 'denied' | 'rewritten' | 'refused' | 'failed'
  readonly end_reason: 'completed' | 'client_gone' | 'upstream_broke' | 'shutdown' | 'caller_withdrawn'
  readonly trace_id: string
}
