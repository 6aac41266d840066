// The verdict on a request: every capability it would use must be allowed, or it is denied with each one that is not.
// A Permit is the only key to the upstream, and this is the only place that makes one.

import type { Caller } from '../identify/caller.ts'
import type { Denial } from '../kernel/errors.ts'
import { asText } from './capabilities/gathering.ts'
import { type CapabilityRequest, expandCapabilities } from './capabilities.ts'
import type { FindCarried } from './carried-agents.ts'
import { type CarriedExpansion, createCarriedExpansion } from './carried-expansion.ts'
import type { ConfirmedTools, FindConfirmed } from './confirmed-tools.ts'
import { isAnyTool } from './decide.ts'
import { type CheckOwnership, type Clearance, type Cleared, hideInBody } from './ownership/check-ownership.ts'
import { askPassthrough } from './passthrough.ts'
import { type Capability, grant, type Permit } from './permit.ts'
import type { Snapshot } from './snapshot.ts'
import { deny, judge, type Verdict } from './verdict.ts'
import { objectKindOf } from './vocabulary.ts'

export type AuthorizeRequest = CapabilityRequest & {
  readonly caller: Caller
  /** Canonical path and query, exactly as it would go up. */
  readonly path: string
  /** The bytes that would go up, of which `parsed` is the reading; null when there are none or they stream. */
  readonly body: Buffer | null
  /** The user profile that a header names to be billed; absent when none does. */
  readonly userProfile?: string
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
  /** Which tools a confirmation lets run; asked last, when the caller may see the session. */
  readonly findConfirmed: FindConfirmed
}

/** What is found out about a request only when its objects are known to be the caller's to touch. */
type Lookups = { readonly carried: readonly CarriedAgent[]; readonly confirmed: ConfirmedTools | null }

const noLookups: Lookups = { carried: [], confirmed: null }

/**
 * Makes the judge of everything that wants to go up. It answers at once when the owners of what the request touches are
 * known from memory.
 */
export function createAuthorize(deps: AuthorizeDeps): Authorize {
  const agents = createCarriedExpansion()
  return (request) => {
    const { caller } = request
    const asked = askedBy(request)
    if ('kind' in asked) return asked
    const policy = deps.snapshot()
    // A confirmed call is judged by what it runs, and that is nobody's business before the session is the caller's.
    const own = isConfirming(request) ? asked.filter((capability) => !isAnyTool(capability)) : asked
    const judging: Judging = {
      request,
      policy,
      agents,
      asked,
      own: own.map((each) => judge(policy, caller, each)),
    }
    const refused = judging.own.filter(({ decision }) => !decision.allowed)
    if (refused.length > 0) return deny(policy, caller, refused, [...asked, ...agents.recall(request)])

    const conclude = (clearance: Clearance): Permit | Denial | Promise<Permit | Denial> => {
      if (clearance.kind !== 'cleared') return refuseUncleared(judging, clearance)
      // What a hidden agent carries, or a hidden session runs, is nobody's business: nothing of it will happen.
      if (clearance.masks.length > 0) return concludeWith(judging, clearance, noLookups)
      const found = lookUp(deps, judging)
      const settle = (late: Lookups | Denial): Permit | Denial =>
        'kind' in late ? withJudged(judging, late) : concludeWith(judging, clearance, late)
      return found instanceof Promise ? found.then(settle) : settle(found)
    }
    const clearance = deps.checkOwnership({ ...request, capabilities: asked, policy })
    return clearance instanceof Promise ? clearance.then(conclude) : conclude(clearance)
  }
}

type Judging = {
  readonly request: AuthorizeRequest
  readonly policy: Snapshot
  readonly agents: CarriedExpansion
  /** Everything the request itself asks for. */
  readonly asked: readonly Capability[]
  /** The same, judged; without what waits for a lookup. */
  readonly own: readonly Verdict[]
}

/** The request's own capabilities: what it does, the bearer it brings, the profile it bills. */
function askedBy(request: AuthorizeRequest): readonly Capability[] | Denial {
  const expanded = expandCapabilities(request)
  if ('kind' in expanded) return expanded
  const passed = askPassthrough(request.caller, request.operation)
  if ('kind' in passed) return passed
  const { userProfile } = request
  if (userProfile === undefined) return passed.length === 0 ? expanded : [...expanded, ...passed]
  const billed: Capability = { action: 'user_profile.use', object: `user_profile/${asText(userProfile)}` }
  const isNamed = expanded.some(({ action, object }) => action === billed.action && object === billed.object)
  return [...expanded, ...passed, ...(isNamed ? [] : [billed])]
}

const isConfirming = ({ operation }: AuthorizeRequest): boolean => operation.id === 'sessions.events.send'

function lookUp(
  { findCarried, findConfirmed }: AuthorizeDeps,
  { request, policy, agents }: Judging,
): Lookups | Denial | Promise<Lookups | Denial> {
  const confirmed = findConfirmed(request)
  if (confirmed instanceof Promise) return confirmed.then((late) => ({ carried: [], confirmed: late }))
  if (confirmed !== null) return { carried: [], confirmed }
  if (request.carried !== undefined) return { carried: request.carried, confirmed }
  const take = (carried: readonly CarriedAgent[] | Denial): Lookups | Denial => {
    if ('kind' in carried) return carried
    agents.remember(request, carried)
    return { carried, confirmed }
  }
  const carried = findCarried({ ...request, policy })
  return carried instanceof Promise ? carried.then(take) : take(carried)
}

/** Denied because the objects are not the caller's to touch, or nobody can say whose they are. */
function refuseUncleared(judging: Judging, clearance: Exclude<Clearance, Cleared>): Denial {
  if (clearance.kind === 'denial') return withJudged(judging, clearance)
  const { request, policy, agents, asked } = judging
  const missing = clearance.capabilities.map((capability) => judge(policy, request.caller, capability))
  return deny(policy, request.caller, missing, [
    ...asked,
    ...clearance.capabilities,
    ...agents.recall(request),
  ])
}

/** The denial with what had been asked by then: it was no rule that refused, so nobody may take this for all of it. */
function withJudged({ policy, asked, agents, request }: Judging, denial: Denial): Denial {
  const capabilities = [...asked, ...agents.recall(request)]
  return { ...denial, judged: { capabilities, policyHash: policy.hash, isPartial: true } }
}

/** The verdict when everything is known. */
function concludeWith(judging: Judging, cleared: Cleared, { carried, confirmed }: Lookups): Permit | Denial {
  const { request, policy, agents, asked } = judging
  const { operation, caller } = request
  const verdicts = [...judging.own]
  const judged = new Set(verdicts.map(({ capability }) => keyOf(capability)))
  const add = (capability: Capability, carrier?: CarriedAgent): void => {
    if (judged.has(keyOf(capability))) return
    judged.add(keyOf(capability))
    const verdict = judge(policy, caller, capability)
    verdicts.push(carrier === undefined ? verdict : { ...verdict, carrier })
  }
  for (const agent of carried) {
    const held = agents.expand(agent)
    if ('kind' in held) return withJudged(judging, held)
    for (const capability of held) add(capability, agent)
  }
  for (const capability of confirmed?.capabilities ?? []) add(capability)
  const refused = verdicts.filter(({ decision }) => !decision.allowed)
  const capabilities = verdicts.map(({ capability }) => capability)
  if (refused.length > 0) return deny(policy, caller, refused, capabilities)
  const strangers = confirmed?.strangers ?? []
  const { path, body, masks } = strangers.length === 0 ? cleared : hideInBody(cleared, strangers)
  return grant({
    operation,
    caller,
    path,
    body,
    masks,
    // Of a masked request nothing was looked up.
    capabilities: masks.length > 0 ? asked : capabilities,
    rules: verdicts.map(({ decision }) => decision.rule),
    policyHash: policy.hash,
  })
}

const keyOf = ({ action, object }: Capability): string => `${action} ${object}`

/** Makes the judge of the admin listener. The object is all of the action's kind, e.g. `usage/*`. */
export function createAuthorizeAdmin({ snapshot }: AuthorizeAdminDeps): AuthorizeAdmin {
  return (caller, action) => {
    const policy = snapshot()
    const verdict = judge(policy, caller, { action, object: `${objectKindOf.get(action) ?? 'unknown'}/*` })
    if (verdict.decision.allowed) return null
    return { ...deny(policy, caller, [verdict], [verdict.capability]), code: 'show.forbidden' }
  }
}
