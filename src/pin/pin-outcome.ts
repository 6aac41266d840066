// What pinning decided about one request.
import type { Denial } from '../kernel/errors.ts'

export type PinOutcome =
  /** Nothing sensitive is named; the body goes up as it came. */
  | { readonly kind: 'open' }
  /** Sensitive, and the request already names the approved version. */
  | PinnedVersion<'satisfied'>
  /** Sensitive, and the body was rewritten: only the `agent` value differs. */
  | (PinnedVersion<'forced'> & { readonly body: Buffer })
  | { readonly kind: 'denied'; readonly denial: Denial }

type PinnedVersion<Kind extends string> = {
  readonly kind: Kind
  readonly agentId: string
  readonly version: number
  /** What the client asked for: `latest` or a version number in decimal. */
  readonly requested: string
  /** The entry of pins.yaml that made it sensitive, e.g. `pins.yaml:12 agent agent_x`. */
  readonly rule: string
}
