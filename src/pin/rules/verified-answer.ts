// Way 25, and all the others once more: what the upstream made of a request is looked at after it answered. Here is only
// said that it will be: `verification.ts` does it.
import type { PinRule } from '../rule.ts'

/** Finds nothing: a request alone cannot fail it. With it a request counts as judged, so that its answer is compared. */
export const verifiedAnswer: PinRule = {
  requirement: 'verified_answer',
  ways: [25],
  operations: new Set(['sessions.create', 'deployments.run']),
  examine: () => [],
}
