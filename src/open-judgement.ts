// What may be done, wired: policy, ownership, what agents carry and which tool is confirmed, and beside the verdict that
// of the candidate policy.
import { type Authorize, createAuthorize } from './authorize/authorize.ts'
import { createCarriedAgents } from './authorize/carried-agents.ts'
import { createConfirmedTools } from './authorize/confirmed-tools.ts'
import { decideFor } from './authorize/decide.ts'
import type { Ownership } from './authorize/ownership/ownership.ts'
import { withSecondOpinion } from './authorize/second-opinion.ts'
import { createShadow } from './authorize/shadow.ts'
import type { createReadUpstream } from './forward/read-upstream.ts'
import { standingIn } from './identify/standing.ts'
import type { PolicyStore } from './policies.ts'
import type { Metrics } from './trace/metrics.ts'

export type JudgementParts = {
  readonly policies: PolicyStore
  readonly ownership: Ownership
  readonly readUpstream: ReturnType<typeof createReadUpstream>
  /** The account that serves a team; null for the first. */
  readonly upstreamOf: (team: string) => string | null
  readonly metrics: Metrics
}

/** Wires the judge of everything that wants to go up. */
export function openJudgement({
  policies,
  ownership,
  readUpstream,
  upstreamOf,
  metrics,
}: JudgementParts): Authorize {
  return withSecondOpinion(
    createAuthorize({
      snapshot: () => policies.current().snapshot,
      checkOwnership: ownership.checkOwnership,
      findCarried: createCarriedAgents({ readUpstream, upstreamOf: (team) => upstreamOf(team) ?? '' }),
      findConfirmed: createConfirmedTools({ readUpstream }),
    }),
    createShadow({
      candidate: () => {
        const found = policies.candidate()
        if (found === null) return null
        return { snapshot: found.snapshot, standingOf: (caller) => standingIn(found.directory, caller) }
      },
      decide: decideFor,
      onDisagreement: metrics.shadowDisagreed,
    }),
  )
}
