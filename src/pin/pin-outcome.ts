// What the pins decided about one request.
import type { Denial } from '../kernel/errors.ts'
import type { Mode } from './pins.ts'
import type { Edit, Finding } from './rule.ts'

export type PinOutcome =
  /** No class that this request belongs to requires anything of it; the body goes up as it came. */
  | { readonly kind: 'open' }
  | PinJudged
  | { readonly kind: 'denied'; readonly denial: Denial; readonly judged: PinJudged | null }

/** Somebody required something: what was found, and how the body must change. */
export type PinJudged = {
  readonly kind: 'judged'
  /** Names of the classes it belongs to, each once; never empty. */
  readonly classes: readonly string[]
  /** What did not meet a requirement, with the mode that was applied to it. */
  readonly findings: readonly JudgedFinding[]
  /** The body to send instead, null when it goes up as it came: only the values that edits name differ. */
  readonly body: Buffer | null
  /** The edits that made `body`, in the order they were made, each by its requirement. */
  readonly edits: readonly Edit[]
  /** '' when the request names no agent, or several. */
  readonly agentId: string
  /** What was asked for: `latest` or a version as written; '' without an agent. */
  readonly requested: string
  /** The version that would run; 0 when nobody said one. */
  readonly version: number
  /** Who approved that version, and the hash approved; '' when nobody did. */
  readonly approvedBy: string
  readonly configHash: string
  /** The entries of pins.yaml that put it into its classes, e.g. `pins.yaml:12 agent agent_x`. */
  readonly rule: string
  /** How the upstream's answer is to be verified; absent when no class asks for it. */
  readonly verified?: { readonly mode: Exclude<Mode, 'off'>; readonly className: string }
}

export type JudgedFinding = Finding & {
  readonly mode: Exclude<Mode, 'off'>
  /** The class whose requirement it was, and the entry that put the request into it. */
  readonly className: string
  readonly rule: string
}
