// The policy that is not decided yet, asked beside the one in force: what it would have said otherwise is told, and
// never changes an answer.
import type { Caller } from '../identify/caller.ts'
import type { Capability } from './permit.ts'
import type { Decision, Snapshot } from './snapshot.ts'

/** The candidate beside the live policies, and the team it gives a caller that it knows. */
export type Candidate = {
  readonly snapshot: Snapshot
  readonly directory: {
    readonly callers: ReadonlyMap<string, { readonly team: { readonly name: string } }>
  }
}

export type Direction = 'would_deny' | 'would_allow'

/**
 * '' when the candidate agrees or there is none, else `would_deny: policy.csv:12 session.create`: the candidate's rule on the
 * first pair that decides otherwise, and its action. Never throws.
 */
export type Shadow = (caller: Caller, capabilities: readonly Capability[], allowed: boolean) => string

export type ShadowDeps = {
  readonly candidate: () => Candidate | null
  /** The scopes of the key count for both. */
  readonly decide: (policy: Snapshot, caller: Caller, capability: Capability) => Decision
  readonly onDisagreement: (direction: Direction) => void
}

/** Makes the second opinion. Without a candidate it costs one call. */
export function createShadow({ candidate, decide, onDisagreement }: ShadowDeps): Shadow {
  return (caller, capabilities, allowed) => {
    const found = candidate()
    if (found === null) return ''
    try {
      const team = found.directory.callers.get(caller.id)?.team.name ?? caller.team
      const asked = team === caller.team ? caller : { ...caller, team }
      const decisions = capabilities.map((each) => ({ each, decision: decide(found.snapshot, asked, each) }))
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
