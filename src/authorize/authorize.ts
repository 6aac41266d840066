// The verdict on a request: every capability it would use must be allowed, or it is denied with each one that is not.
// A Permit is the only key to the upstream, and this is the only place that makes one.

import type { Caller } from '../identify/caller.ts'
import type { Denial } from '../kernel/errors.ts'
import { type CapabilityRequest, expandAgent, expandCapabilities } from './capabilities.ts'
import type { FindCarried } from './carried-agents.ts'
import type { CheckOwnership, Clearance } from './ownership/check-ownership.ts'
import { askPassthrough } from './passthrough.ts'
import { matchesAction } from './pattern.ts'
import { type Capability, grant, type Permit } from './permit.ts'
import { subjectOf } from './roles.ts'
import type { Decision, Snapshot } from './snapshot.ts'
import { objectKindOf } from './vocabulary.ts'

export type AuthorizeRequest = CapabilityRequest & {
  readonly caller: Caller
  /** Canonical path and query, exactly as it would go up. */
  readonly path: string
  /** The bytes that would go up, of which `parsed` is the reading; null when there are none or they stream. */
  readonly body: Buffer | null
  /** Every agent version the request would run, roster members included, as the upstream holds it. */
  readonly carried?: readonly CarriedAgent[]
}

/** A saved version and what it is; `agent` is immutable, so one object stands for one version as long as it lives. */
export type CarriedAgent = { readonly agentId: string; readonly version: number; readonly agent: unknown }

/** A promise when something of the request must be looked up first. */
export type Authorize = (request: AuthorizeRequest) => Permit | Denial | Promise<Permit | Denial>

/** null when the caller may; the admin listener asks this, e.g. for `usage.read`. */
export type AuthorizeAdmin = (caller: Caller, action: string) => Denial | null

export type AuthorizeAdminDeps = {
  /** Asked once per request: all of a request is judged by one snapshot. */
  readonly snapshot: () => Snapshot
}

export type AuthorizeDeps = AuthorizeAdminDeps & {
  /** Whose the objects are that the request touches; asked when all it does is allowed, before any Permit is made. */
  readonly checkOwnership: CheckOwnership
  /** What the agents of a run carry; asked last, when the caller may use and see them. */
  readonly findCarried: FindCarried
}

/**
 * Makes the judge of everything that wants to go up. It answers at once when the owners of what the request touches are
 * known from memory.
 */
export function createAuthorize({ snapshot, checkOwnership, findCarried }: AuthorizeDeps): Authorize {
  const expandCarried = createCarriedExpansion()
  return (request) => {
    const { caller } = request
    const expanded = expandCapabilities(request)
    if ('kind' in expanded) return expanded
    const passed = askPassthrough(caller, request.operation)
    if ('kind' in passed) return passed
    const capabilities = passed.length === 0 ? expanded : [...expanded, ...passed]
    const policy = snapshot()
    const verdicts = capabilities.map((capability) => judge(policy, caller, capability))
    const refused = verdicts.filter(({ decision }) => !decision.allowed)
    if (refused.length > 0) {
      const held = (request.carried ?? []).flatMap((agent) => {
        const carried = expandCarried(agent)
        return 'kind' in carried ? [] : carried
      })
      return deny(policy, caller, refused, [...capabilities, ...held])
    }
    const conclude = (clearance: Clearance): Permit | Denial | Promise<Permit | Denial> => {
      const decide = (carried: readonly CarriedAgent[]): Permit | Denial =>
        concludeWith({ ...request, carried }, policy, verdicts, clearance, expandCarried)
      // What a hidden agent carries is nobody's business: its run will not happen.
      const isClear = clearance.kind === 'cleared' && clearance.masks.length === 0
      if (!isClear || request.carried !== undefined) return decide(request.carried ?? [])
      const found = findCarried({ ...request, policy })
      if (found instanceof Promise) return found.then((late) => ('kind' in late ? late : decide(late)))
      return 'kind' in found ? found : decide(found)
    }
    const clearance = checkOwnership({ ...request, capabilities, policy })
    return clearance instanceof Promise ? clearance.then(conclude) : conclude(clearance)
  }
}

/** The verdict when it is known whose the objects are. */
function concludeWith(
  { operation, caller, carried }: AuthorizeRequest,
  policy: Snapshot,
  own: readonly Verdict[],
  clearance: Clearance,
  expandCarried: ReturnType<typeof createCarriedExpansion>,
): Permit | Denial {
  if (clearance.kind === 'denial') return clearance
  if (clearance.kind === 'not_shared') {
    const missing = clearance.capabilities.map((capability) => judge(policy, caller, capability))
    const asked = [...own, ...missing].map(({ capability }) => capability)
    return deny(policy, caller, missing, asked)
  }
  const { path, body, masks } = clearance
  const verdicts = [...own]
  const judged = new Set(own.map(({ capability }) => keyOf(capability)))
  // What a hidden agent carries is nobody's business: its run will not happen.
  for (const agent of masks.length > 0 ? [] : (carried ?? [])) {
    const held = expandCarried(agent)
    if ('kind' in held) return held
    for (const capability of held) {
      if (judged.has(keyOf(capability))) continue
      judged.add(keyOf(capability))
      verdicts.push({ ...judge(policy, caller, capability), carrier: agent })
    }
  }
  const refused = verdicts.filter(({ decision }) => !decision.allowed)
  if (refused.length > 0) {
    const asked = verdicts.map(({ capability }) => capability)
    return deny(policy, caller, refused, asked)
  }
  return grant({
    operation,
    caller,
    path,
    body,
    masks,
    capabilities: verdicts.map(({ capability }) => capability),
    rules: verdicts.map(({ decision }) => decision.rule),
    policyHash: policy.hash,
  })
}

/** What a version carries does not change: it is spelled out once for each object that holds one. */
function createCarriedExpansion(): (carried: CarriedAgent) => readonly Capability[] | Denial {
  const known = new WeakMap<object, readonly Capability[]>()
  return ({ agentId, version, agent }) => {
    const isObject = typeof agent === 'object' && agent !== null
    const remembered = isObject ? known.get(agent) : undefined
    if (remembered !== undefined) return remembered
    const held = expandAgent(agent)
    if ('kind' in held) {
      return {
        ...held,
        message: `${nameOf({ agentId, version })} cannot be judged, so it cannot run: ${held.message}`,
      }
    }
    if (isObject) known.set(agent, held)
    return held
  }
}

const keyOf = ({ action, object }: Capability): string => `${action} ${object}`
const nameOf = ({ agentId, version }: Omit<CarriedAgent, 'agent'>): string =>
  `agent \`${shorten(agentId)}\` version ${version}`

/** Makes the judge of the admin listener. The object is all of the action's kind, e.g. `usage/*`. */
export function createAuthorizeAdmin({ snapshot }: AuthorizeAdminDeps): AuthorizeAdmin {
  return (caller, action) => {
    const policy = snapshot()
    const verdict = judge(policy, caller, { action, object: `${objectKindOf.get(action) ?? 'unknown'}/*` })
    if (verdict.decision.allowed) return null
    return { ...deny(policy, caller, [verdict], [verdict.capability]), code: 'show.forbidden' }
  }
}

type Verdict = {
  readonly capability: Capability
  readonly decision: Decision
  /** The agent that holds it, when the request itself does not. */
  readonly carrier?: CarriedAgent
}

/** What a policy says of one capability of this caller: its key's scopes first, then the rules. */
export function decideFor(policy: Snapshot, caller: Caller, capability: Capability): Decision {
  return judge(policy, caller, capability).decision
}

function judge(policy: Snapshot, caller: Caller, capability: Capability): Verdict {
  const { action, object } = capability
  if (caller.scopes !== null && !caller.scopes.some((scope) => matchesAction(action, scope))) {
    return { capability, decision: outOfScope(caller) }
  }
  return { capability, decision: policy.decide(subjectOf(caller), caller.team, action, object) }
}

/** A key's scopes only ever take away: what is in them must still be allowed by policy. */
function outOfScope({ keyId, scopes }: Caller): Decision {
  return { allowed: false, rule: `directory.yaml key ${keyId} (scopes ${scopes?.join(', ')})` }
}

function deny(
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
