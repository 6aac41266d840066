// The policy that is not decided yet, asked beside the one in force: what it would have said otherwise is told, and
// never changes an answer.
import type { Caller } from '../identify/caller.ts'
import type { Subject } from './decide.ts'
import type { Capability } from './permit.ts'
import { subjectOf } from './roles.ts'
import type { Decision, Snapshot } from './snapshot.ts'

/** The candidate beside the live policies, and who a caller is to it. */
export type Candidate = {
  readonly snapshot: Snapshot
  /** Its team and roles by the candidate's directory; null when that knows nobody of the name. */
  readonly standingOf: (caller: Caller) => Subject | null
}

export type Direction = 'would_deny' | 'would_allow'

/**
 * '' when the candidate agrees or there is none, else `would_deny: policy.csv:12 session.create`: the candidate's rule on the
 * first pair that decides otherwise, and its action. Never throws.
 */
export type Shadow = (caller: Caller, capabilities: readonly Capability[], allowed: boolean) => string

export type ShadowDeps = {
  readonly candidate: () => Candidate | null
  /** Judges one capability of the caller as somebody of this standing. The scopes of the key count for both. */
  readonly decide: (policy: Snapshot, caller: Caller, capability: Capability, as: Subject) => Decision
  readonly onDisagreement: (direction: Direction) => void
}

/** Makes the second opinion. Without a candidate it costs one call. */
export function createShadow({ candidate, decide, onDisagreement }: ShadowDeps): Shadow {
  return (caller, capabilities, allowed) => {
    const found = candidate()
    if (found === null) return ''
    try {
      // Whom its directory does not know it cannot let in; asked as it is known here, the rules for everybody are left.
      const as = found.standingOf(caller) ?? { sub: subjectOf(caller), team: caller.team }
      const decisions = capabilities.map((each) => ({
        each,
        decision: decide(found.snapshot, caller, each, as),
      }))
      const refused = decisions.find(({ decision }) => !decision.allowed)
      const deciding = refused ?? decisions[0]
      if (deciding === undefined || (refused === undefined) === allowed) return ''
      const direction = allowed ? 'would_deny' : 'would_allow'
      onDisagreement(direction)
      return `${direction}: ${deciding.decision.rule || 'no rule'} ${deciding.each.action}`
    } catch {
      // A second opinion that cannot be had must not cost the first.
      return ''
    }
  }
}
