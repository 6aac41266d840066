// The rules, one after the other: each examines what the earlier ones have made of the body.
import { after } from './after.ts'
import { type Applied, type Membership, mergeRequirements } from './classify.ts'
import { type Around, type Draft, edited } from './examined.ts'
import type { JudgedFinding } from './pin-outcome.ts'
import type { Edit, Finding, PinRule } from './rule.ts'
import { nameVersion, preferredVersion, readNamedAgent } from './rules/reference.ts'

/** What the rules found, and what the body is after what could be forced. */
export type Examination = {
  readonly draft: Draft
  readonly findings: readonly JudgedFinding[]
  readonly edits: readonly Edit[]
  /** False when none of these classes requires anything of this operation. */
  readonly isRequired: boolean
}

/** Applies what these classes require. A promise when a rule must ask; rejects with what its facts reject with. */
export function applyRules(
  rules: readonly PinRule[],
  around: Around,
  received: Draft,
  memberships: readonly Membership[],
): Examination | Promise<Examination> {
  const required = mergeRequirements(memberships)
  const due = rules.flatMap((rule) => {
    const applied = required.get(rule.requirement)
    return applied === undefined ? [] : [{ rule, applied }]
  })
  const step = (at: number, before: Examination): Examination | Promise<Examination> => {
    const next = due[at]
    if (next === undefined) return before
    const { rule, applied } = next
    return after(examine(rule, before.draft, applied), (found) =>
      step(at + 1, take(around, before, found, applied)),
    )
  }
  const first = spread(around, received, required.get('explicit_version'))
  return step(0, { ...first, isRequired: due.length > 0 })
}

function examine(
  rule: PinRule,
  { examined }: Draft,
  applied: Applied,
): readonly Finding[] | Promise<readonly Finding[]> {
  const found = rule.examine(examined, applied)
  if (!(found instanceof Promise) || applied.mode !== 'observe') return found
  // What is only watched must not stop anybody: that it could not be looked at is what there is to record.
  return found.catch((): readonly Finding[] => [
    {
      requirement: rule.requirement,
      ...{ path: [], requested: 'not examined', resolved: '', edits: null },
      sentence: `\`${rule.requirement}\` could not be examined: the upstream did not answer`,
    },
  ])
}

function take(around: Around, before: Examination, found: readonly Finding[], applied: Applied): Examination {
  if (found.length === 0) return before
  const { mode, className, rule } = applied
  // A requirement that is off does not get here.
  if (mode === 'off') return before
  const findings = [...before.findings, ...found.map((finding) => ({ ...finding, mode, className, rule }))]
  const edits = mode === 'force' ? found.flatMap((finding) => finding.edits ?? []) : []
  if (edits.length === 0) return { ...before, findings }
  return {
    ...before,
    draft: edited(around, before.draft, edits),
    findings,
    edits: [...before.edits, ...edits],
  }
}

/** A rollout decides for every request that names no version, whatever its class; only `require` asks for one all the same. */
function spread(around: Around, received: Draft, required: Applied | undefined): Examination {
  const nothing = { draft: received, findings: [], edits: [], isRequired: false }
  if (required?.mode === 'require' || required?.mode === 'force') return nothing
  const named = readNamedAgent('explicit_version', received.examined)
  if (named === null || named.kind === 'finding' || named.requested !== 'latest') return nothing
  const rollout = around.pins.rollouts.get(named.id)
  const version = rollout === undefined ? null : preferredVersion(received.examined, named.id)
  if (rollout === undefined || version === null) return nothing
  const finding: Finding = {
    requirement: 'explicit_version',
    ...{ path: ['agent'], requested: 'latest', resolved: String(version) },
    sentence: `agent \`${named.id}\` has a rollout, which chose version ${version}`,
    edits: nameVersion(received.examined, named.id, version),
  }
  const className = required?.className ?? 'rollout'
  return take(around, nothing, [finding], { mode: 'force', allow: [], className, rule: rollout.rule })
}
