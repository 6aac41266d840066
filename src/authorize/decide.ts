// What a policy says of one capability: the one place where scopes, subject and the words that mean "any" come together,
// for the gateway and for everything that explains or replays it.
import type { Caller } from '../identify/caller.ts'
import { matchesAction } from './pattern.ts'
import type { Capability } from './permit.ts'
import { subjectOf } from './roles.ts'
import type { Decision, Snapshot } from './snapshot.ts'

/** As much of a snapshot as deciding takes. */
export type Deciding = Pick<Snapshot, 'decide' | 'denialWithin'>

/** Who asks: `caller:<id>` or another subject of the policy, in a team. */
export type Subject = { readonly sub: string; readonly team: string }

/** A tool call of which nobody can say what it runs may be any: whoever denies one tool denies this. */
const anyTool: Capability = { action: 'tool.confirm', object: 'tool/*' }

/** True for the confirmation of a tool that is not known. */
export const isAnyTool = ({ action, object }: Capability): boolean =>
  action === anyTool.action && object === anyTool.object

/**
 * What a run may be given all of at once: whoever denies one host denies open networking, whoever denies one model denies
 * leaving the choice to the upstream. Lists and creations also ask for `kind/*`, and stand for nothing else.
 */
const anyOf: ReadonlyMap<string, string> = new Map([
  [anyTool.action, 'tool'],
  ['egress.open', 'host'],
  ['model.use', 'model'],
  ['secret.send', 'host'],
  ['web.reach', 'domain'],
])

/** What the policy says of this capability to this subject. */
export function decideOn(policy: Deciding, { sub, team }: Subject, { action, object }: Capability): Decision {
  const decision = policy.decide(sub, team, action, object)
  const kind = decision.allowed ? anyOf.get(action) : undefined
  if (kind === undefined || object !== `${kind}/*`) return decision
  const rule = policy.denialWithin(sub, team, action, kind)
  return rule === '' ? decision : { allowed: false, rule }
}

/** What a policy says of one capability of this caller: its key's scopes first, then the rules, for it or `as` another. */
export function decideFor(
  policy: Deciding,
  caller: Caller,
  capability: Capability,
  as: Subject = { sub: subjectOf(caller), team: caller.team },
): Decision {
  if (!isInScope(caller.scopes, capability.action)) return outOfScope(caller)
  return decideOn(policy, as, capability)
}

/** A key's scopes only ever take away: what is in them must still be allowed by policy. Null is no bound. */
export function isInScope(scopes: Caller['scopes'], action: string): boolean {
  return scopes === null || scopes.some((scope) => matchesAction(action, scope))
}

function outOfScope({ keyId, scopes }: Caller): Decision {
  return { allowed: false, rule: `directory.yaml key ${keyId} (scopes ${scopes?.join(', ')})` }
}
