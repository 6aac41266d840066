// The verdict on a request: every capability it would use must be allowed, or it is denied with each one that is not.
// A Permit is the only key to the upstream, and this is the only place that makes one.
import type { Caller } from '../identify/caller.ts'
import type { Denial } from '../kernel/errors.ts'
import { type CapabilityRequest, expandCapabilities } from './capabilities.ts'
import { type Capability, grant, type Permit } from './permit.ts'
import type { Decision, Snapshot } from './snapshot.ts'
import { objectKindOf } from './vocabulary.ts'

export type AuthorizeRequest = CapabilityRequest & {
  readonly caller: Caller
  /** Canonical path and query, exactly as it would go up. */
  readonly path: string
  /** The bytes that would go up, of which `parsed` is the reading; null when there are none or they stream. */
  readonly body: Buffer | null
}

/** A promise when something of the request must be looked up first. */
export type Authorize = (request: AuthorizeRequest) => Permit | Denial | Promise<Permit | Denial>

/** null when the caller may; the admin listener asks this, e.g. for `usage.read`. */
export type AuthorizeAdmin = (caller: Caller, action: string) => Denial | null

export type AuthorizeDeps = {
  /** Asked once per request: all of a request is judged by one snapshot. */
  readonly snapshot: () => Snapshot
}

/** Makes the judge of everything that wants to go up. */
export function createAuthorize({ snapshot }: AuthorizeDeps): (request: AuthorizeRequest) => Permit | Denial {
  return (request) => {
    const capabilities = expandCapabilities(request)
    if ('kind' in capabilities) return capabilities
    const { operation, caller, path, body } = request
    const policy = snapshot()
    const verdicts = capabilities.map((capability) => judge(policy, caller, capability))
    const refused = verdicts.filter(({ decision }) => !decision.allowed)
    if (refused.length > 0) return deny(policy, caller, refused)
    return grant({
      operation,
      caller,
      path,
      body,
      capabilities,
      rules: verdicts.map(({ decision }) => decision.rule),
      policyHash: policy.hash,
    })
  }
}

/** Makes the judge of the admin listener. The object is all of the action's kind, e.g. `usage/*`. */
export function createAuthorizeAdmin({ snapshot }: AuthorizeDeps): AuthorizeAdmin {
  return (caller, action) => {
    const policy = snapshot()
    const verdict = judge(policy, caller, { action, object: `${objectKindOf.get(action) ?? 'unknown'}/*` })
    if (verdict.decision.allowed) return null
    return { ...deny(policy, caller, [verdict]), code: 'show.forbidden' }
  }
}

type Verdict = { readonly capability: Capability; readonly decision: Decision }

function judge(policy: Snapshot, caller: Caller, capability: Capability): Verdict {
  const { action, object } = capability
  return { capability, decision: policy.decide(`caller:${caller.id}`, caller.team, action, object) }
}

function deny(policy: Snapshot, caller: Caller, refused: readonly Verdict[]): Denial {
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
  }
}

/** A request may hold hundreds of names; an error message should not. */
const reasonsMax = 20

function explain(policy: Snapshot, caller: Caller, { capability, decision }: Verdict): string {
  const { action, object } = capability
  const pair = `\`${action}\` on \`${shorten(object)}\``
  if (decision.rule !== '') return `${pair}: ${decision.rule} denies it`
  const nearest = policy.nearest(`caller:${caller.id}`, caller.team, action, object)
  return `${pair}: no rule allows it${nearest === '' ? '' : ` (nearest: ${nearest})`}`
}

/** Objects come from request bodies and may be of any length, and hold anything. */
function shorten(object: string): string {
  const printable = object.replaceAll(/[^\x20-\x7e]/g, '?')
  return printable.length > 120 ? `${printable.slice(0, 120)}…` : printable
}
