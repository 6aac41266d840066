// From what the rules found to what happens: the body to send, or a refusal that says everything to send instead.
import type { Denial, ErrorCode } from '../kernel/errors.ts'
import type { Examination } from './apply-rules.ts'
import { type Membership, mergeRequirements } from './classify.ts'
import type { Around, Draft } from './examined.ts'
import type { JudgedFinding, PinJudged, PinOutcome } from './pin-outcome.ts'
import type { RequirementName } from './pins.ts'
import { isCurrent, readNamedAgent } from './rules/reference.ts'

/** A request may hold hundreds of places; an error message should not. */
const sentencesMax = 20

/** The outcome of an examination of what was received. */
export function conclude(
  around: Around,
  received: Draft,
  memberships: readonly Membership[],
  { draft, findings, edits, isRequired }: Examination,
): PinOutcome {
  if (!isRequired && findings.length === 0) return { kind: 'open' }
  const judged: PinJudged = {
    kind: 'judged',
    classes: memberships.map(({ pinClass }) => pinClass.name),
    findings,
    body: edits.length === 0 ? null : Buffer.from(draft.text),
    edits,
    ...aboutAgent(around, received, draft),
    rule: memberships.map(({ rule }) => rule).join(', '),
    ...verifiedBy(memberships),
  }
  const refused = findings.filter(
    ({ mode, edits: able }) => mode === 'require' || (mode === 'force' && able === null),
  )
  if (refused.length === 0) return judged
  return { kind: 'denied', denial: deny(refused), judged: { ...judged, body: null } }
}

function verifiedBy(memberships: readonly Membership[]): Pick<PinJudged, 'verified'> {
  const wanted = mergeRequirements(memberships).get('verified_answer')
  if (wanted === undefined || wanted.mode === 'off') return {}
  return { verified: { mode: wanted.mode, className: wanted.className } }
}

function aboutAgent(around: Around, received: Draft, last: Draft) {
  const asked = readNamedAgent('explicit_version', received.examined)
  const named = readNamedAgent('explicit_version', last.examined)
  if (asked === null || asked.kind === 'finding' || named === null || named.kind === 'finding') {
    return { agentId: '', requested: '', version: 0, approvedBy: '', configHash: '' }
  }
  const approval = around.pins.approved
    .get(named.id)
    ?.find((each) => each.version === named.version && isCurrent(around.pins, named.id, each, around.nowMs))
  return {
    agentId: named.id,
    requested: asked.requested,
    version: named.version ?? 0,
    approvedBy: approval?.by ?? '',
    configHash: approval?.configHash ?? '',
  }
}

const versions: ReadonlySet<RequirementName> = new Set([
  ...(['explicit_version', 'approved_version', 'deployment_version', 'roster_versions'] as const),
])
const overrides: ReadonlySet<RequirementName> = new Set([
  ...(['no_overrides', 'override_keeps_geo', 'session_tools'] as const),
])

function codeOf({ requirement, isUnreadable }: JudgedFinding): ErrorCode {
  if (isUnreadable === true) return 'pin.reference_unreadable'
  if (versions.has(requirement)) return 'pin.version_required'
  return overrides.has(requirement) ? 'pin.overrides_refused' : 'pin.requirement_unmet'
}

function deny(refused: readonly JudgedFinding[]): Denial {
  const [first] = refused
  if (first === undefined) throw new Error('nothing to refuse')
  const sentences = [...new Set(refused.filter(isNews).map(({ sentence }) => sentence))]
  const shown = sentences.slice(0, sentencesMax)
  if (sentences.length > sentencesMax) shown.push(`and ${sentences.length - sentencesMax} more`)
  const reasons = refused.map(({ className, rule }) => `class ${className}, ${rule}`)
  const rules = refused.map(({ rule }) => rule)
  return {
    kind: 'denial',
    code: codeOf(first),
    message: `${shown.join('; ')} (${[...new Set(reasons)].join('; ')})`,
    rule: [...new Set(rules)].join(', '),
  }
}

/** Two requirements may ask for the same words; they are said once. */
function isNews(finding: JudgedFinding, at: number, all: readonly JudgedFinding[]): boolean {
  const said = JSON.stringify([finding.path, finding.edits])
  return (
    finding.edits === null ||
    !all.slice(0, at).some(({ path, edits }) => JSON.stringify([path, edits]) === said)
  )
}
