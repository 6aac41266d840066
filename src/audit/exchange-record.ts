// One request through the gateway, as audit keeps it: who, what, decided how, answered what. No bodies, no secrets.
import type { RequestFacts } from '../trace/request-span.ts'

/** What tracing and metrics are told of an exchange, and what only audit keeps: they cannot tell different stories. */
export type ExchangeRecord = RequestFacts & {
  readonly kind: 'exchange'
  readonly method: string
  readonly key_id: string
  readonly client_ip: string
  readonly user_agent: string
  /** `abandoned`: the client left before anything was decided, and nothing went up. `dry_run`: it was only tried out. */
  readonly decision: 'allowed' | 'denied' | 'rewritten' | 'refused' | 'failed' | 'abandoned' | 'dry_run'
  readonly end_reason:
    | 'completed'
    | 'client_gone'
    | 'upstream_broke'
    | 'shutdown'
    | 'caller_withdrawn'
    | 'stopped'
  readonly trace_id: string
  /** What did not meet a requirement, one `mode requirement path: requested -> resolved` a line; ends in `…` when that is not all. */
  readonly pin_findings?: string
  /** What went up left this open about versions, in the words of `pin/exposure.ts`. */
  readonly exposure?: string
  /** What policy was asked, one `action object` a line; '' when it was not, ends in `…` when that is not all. */
  readonly capabilities?: string
  /** What the candidate policy would have said otherwise, e.g. `would_deny: policy.csv:12 session.create`. */
  readonly shadow?: string
}
