// The only thing `forward/` accepts. A Permit can be made here alone, by `authorize`, so that
// "forgot to check" does not compile.
import type { Caller } from '../identify/caller.ts'
import type { Operation } from '../upstream/operation-type.ts'
import type { Mask } from './ownership/mask.ts'

/** One thing a request would do, in the policy's words. */
export type Capability = { readonly action: string; readonly object: string }

export type PermitFacts = {
  readonly operation: Operation
  readonly caller: Caller
  /** Canonical path and query exactly as authorised; this is what goes up. */
  readonly path: string
  /** The judged bytes to send; null when the operation has no body or streams it. */
  readonly body: Buffer | null
  readonly capabilities: readonly Capability[]
  /** The policy rule that allowed each capability, same order, e.g. `policy.csv:14`. */
  readonly rules: readonly string[]
  /** What the caller asked for and may not see: `path` and `body` hold substitutes, the answer is to name the originals. */
  readonly masks: readonly Mask[]
  /** sha256 of the policy files that decided, for audit and traces. */
  readonly policyHash: string
  /** What the candidate policy would have said otherwise, e.g. `would_deny: …`; absent when it agrees. */
  readonly shadow?: string
}

declare const permitBrand: unique symbol
export type Permit = PermitFacts & { readonly [permitBrand]: true }

/** Turns facts into a Permit. Called by `authorize.ts` only (the architecture test holds that). */
export function grant(facts: PermitFacts): Permit {
  return facts as Permit
}
