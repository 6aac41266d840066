// The spending limit in the body of a session or deployment: what it says, and the same body with another one. Nothing else
// in it changes by a byte.
import { memberOf } from '../../kernel/own-member.ts'
import { memberSpans, withMembers } from '../../upstream/member-spans.ts'

/** What the body says of its limit: nothing, that it goes, whole cents, or something only the upstream can refuse. */
export type AskedLimit =
  | { readonly kind: 'none' }
  | { readonly kind: 'removed' }
  | { readonly kind: 'limit'; readonly cents: bigint }
  | { readonly kind: 'unreadable' }

/** Reads `budget` (SDK 1.12.0 `BetaManagedAgentsBudgetLimit`: whole cents as a string). */
export function readAskedLimit(parsed: unknown): AskedLimit {
  const budget = memberOf(parsed, 'budget')
  if (budget === undefined) return { kind: 'none' }
  if (budget === null) return { kind: 'removed' }
  const cost = memberOf(budget, 'max_list_cost')
  const amount = memberOf(cost, 'amount')
  const isPlain =
    memberOf(budget, 'type') === 'limit' &&
    memberOf(cost, 'currency') === 'USD' &&
    typeof amount === 'string' &&
    /^[1-9]\d{0,17}$/.test(amount)
  return isPlain ? { kind: 'limit', cents: BigInt(amount) } : { kind: 'unreadable' }
}

/** The limit as the upstream reads it. */
export const limitOf = (cents: bigint) => ({
  type: 'limit',
  max_list_cost: { amount: String(cents), currency: 'USD' },
})

/** The body with this limit in the place of its own, or at its end. `body` must be a JSON object that was read before. */
export function writeLimit(body: Buffer, cents: bigint): Buffer {
  // One character a byte, so that offsets in the text are offsets in the body.
  const text = body.toString('latin1')
  const members = memberSpans(text)
  const written = JSON.stringify(limitOf(cents))
  const own = members.get('budget')
  if (own !== undefined)
    return Buffer.from(text.slice(0, own.start) + written + text.slice(own.end), 'latin1')
  return Buffer.from(withMembers(text, `"budget":${written}`), 'latin1')
}
