// The agent that a request names, as the rules about versions look at it: read by value, judged by its text.
import { type AgentReference, readAgentReference } from '../agent-reference.ts'
import { isObject, member, shorten } from '../json-values.ts'
import type { Approval, Pins, RequirementName } from '../pins.ts'
import { chooseVersion } from '../rollout.ts'
import type { Edit, Examined, Finding } from '../rule.ts'

/** What is named, and which version exactly. */
export type NamedAgent = AgentReference & {
  /** Null for the latest, and for anything that is not exactly a version. */
  readonly version: number | null
  /** `latest`, or the version as written. */
  readonly requested: string
}

// `3.0`, `3e0` and `2.9999999999999999999` are 3 to a double and something else to others: none of them names 3.
const plainVersion = /^[1-9]\d{0,14}$/

/** The reference in the body's `agent`; null without one, a finding of `requirement` when it cannot be read. */
export function readNamedAgent(
  requirement: RequirementName,
  request: Examined,
): NamedAgent | { readonly kind: 'finding'; readonly finding: Finding } | null {
  const reference = readAgentReference(request.parsed)
  if (reference === null) return null
  if (reference.kind === 'unreadable') {
    const sentence = `${reference.why}; send \`"agent": {"type":"agent","id":"agent_…","version":1}\``
    const path = ['agent']
    const asked = { requirement, path, requested: 'unreadable', resolved: '', sentence, edits: null }
    return { kind: 'finding', finding: { ...asked, isUnreadable: true } }
  }
  const written = isObject(request.parsed['agent']) ? request.written(['agent', 'version']) : null
  if (written === null || written === 'null') return { ...reference, version: null, requested: 'latest' }
  const version = plainVersion.test(written) ? Number(written) : null
  return { ...reference, version, requested: written.length <= 32 ? shorten(written) : 'unreadable' }
}

/** The edits that make the body's `agent` name this version, whatever form it has. */
export function nameVersion({ parsed }: Examined, id: string, version: number): readonly Edit[] {
  return isObject(member(parsed, 'agent'))
    ? [{ kind: 'set', path: ['agent', 'version'], text: String(version) }]
    : [{ kind: 'set', path: ['agent'], text: referenceTo(id, version) }]
}

/** The JSON that names this version in full: what a developer should have sent. */
export const referenceTo = (id: string, version: number): string =>
  JSON.stringify({ type: 'agent', id, version })

/** Whether an approval counts at this moment: neither expired nor rejected. Its content is compared elsewhere. */
export function isCurrent(pins: Pins, agentId: string, approval: Approval, nowMs: number): boolean {
  const isExpired = approval.expiresAtMs !== null && approval.expiresAtMs <= nowMs
  return !isExpired && pins.rejected.get(agentId)?.has(approval.version) !== true
}

/** The approvals of an agent that count at this moment, in the order of the file. */
export function currentApprovals({ pins, nowMs }: Examined, agentId: string): readonly Approval[] {
  const approvals = pins.approved.get(agentId) ?? []
  return approvals.filter((approval) => isCurrent(pins, agentId, approval, nowMs))
}

/** The version that people chose for requests that name none: of the rollout, else the last approved; null when nobody did. */
export function preferredVersion(request: Examined, agentId: string): number | null {
  const { pins, caller, parsed } = request
  const metadata = member(parsed, 'metadata')
  const chosen = chooseVersion(pins, agentId, {
    team: caller.team,
    callerId: caller.id,
    metadata: isObject(metadata) ? metadata : {},
    held: request.isHeld(agentId),
  })
  return chosen?.version ?? currentApprovals(request, agentId).at(-1)?.version ?? null
}
