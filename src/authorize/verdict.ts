// Verdicts on capabilities, and the denial they make: each pair that was not allowed, with the rule or what comes nearest.
import type { Caller } from '../identify/caller.ts'
import type { Denial } from '../kernel/errors.ts'
import { decideFor } from './decide.ts'
import type { Capability } from './permit.ts'
import { subjectOf } from './roles.ts'
import type { Decision, Snapshot } from './snapshot.ts'

export type Verdict = {
  readonly capability: Capability
  readonly decision: Decision
  /** The agent that holds it, when the request itself does not. */
  readonly carrier?: Carrier
}

type Carrier = { readonly agentId: string; readonly version: number }

/** One capability, decided. */
export function judge(policy: Snapshot, caller: Caller, capability: Capability): Verdict {
  return { capability, decision: decideFor(policy, caller, capability) }
}

/** The denial for what was refused; `capabilities` is everything that was asked, for the audit. */
export function deny(
  policy: Snapshot,
  caller: Caller,
  refused: readonly Verdict[],
  capabilities: readonly Capability[],
): Denial {
  const reasons = refused.slice(0, reasonsMax).map((verdict) => explain(policy, caller, verdict))
  if (refused.length > reasonsMax) reasons.push(`and ${refused.length - reasonsMax} more`)
  const roles = caller.roles.length === 0 ? 'no role' : `role ${caller.roles.join(', ')}`
  const rules = refused.map(({ decision }) => decision.rule || 'no rule')
  return {
    kind: 'denial',
    code: 'authorize.denied',
    message:
      `denied by policy: ${reasons.join('; ')}. Caller \`${caller.id}\` of team \`${caller.team}\` has ${roles}; ` +
      'ask whoever reviews policies/policy.csv',
    rule: [...new Set(rules)].join(', '),
    judged: { capabilities, policyHash: policy.hash },
  }
}

/** `agent \`agent_01\` version 3`. */
export const nameOf = ({ agentId, version }: Carrier): string =>
  `agent \`${shorten(agentId)}\` version ${version}`

/** A request may hold hundreds of names; an error message should not. */
const reasonsMax = 20

function explain(policy: Snapshot, caller: Caller, { capability, decision, carrier }: Verdict): string {
  const { action, object } = capability
  const holder = carrier === undefined ? '' : `${nameOf(carrier)} carries `
  const pair = `${holder}\`${action}\` on \`${shorten(object)}\``
  if (decision.rule !== '') return `${pair}: ${decision.rule} denies it`
  const nearest = policy.nearest(subjectOf(caller), caller.team, action, object)
  return `${pair}: no rule allows it${nearest === '' ? '' : ` (nearest: ${nearest})`}`
}

/** Objects come from request bodies and may be of any length, and hold anything. */
function shorten(object: string): string {
  const printable = object.replaceAll(/[^\x20-\x7e]/g, '?')
  return printable.length > 120 ? `${printable.slice(0, 120)}…` : printable
}
