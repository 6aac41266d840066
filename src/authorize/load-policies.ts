// From the texts of `policies/` to a snapshot that has proved itself: lint, build, run the policy's own cases.
// Whatever is wrong is a PolicyFileError; the caller keeps the snapshot it has.

import type { Directory } from '../identify/directory.ts'
import { PolicyFileError } from '../kernel/errors.ts'
import { type PolicyCase, parseCases } from './cases-file.ts'
import { checkModel } from './model-file.ts'
import { type Policy, parsePolicy } from './policy-file.ts'
import { type Grant, unknownTeam } from './roles.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { objectKindOf } from './vocabulary.ts'

/** A file of `policies/`: its text, and the name that errors and rules give it. */
export type PolicyText = { readonly file: string; readonly text: string }

export type PolicyTexts = {
  readonly model: PolicyText
  readonly policy: PolicyText
  /** Absent when the operator keeps no cases. */
  readonly cases?: PolicyText
}

/** Model and policy, each found sound by itself. `policy.roles` is what `parseDirectory` needs. */
export function lintPolicies({ model, policy }: PolicyTexts): Policy {
  checkModel(model.text, model.file)
  return parsePolicy(policy.text, policy.file)
}

/**
 * Builds the snapshot of these texts and this directory, and runs the cases against it.
 * Rejects with PolicyFileError at the first thing that is wrong, a failed case included.
 */
export async function loadPolicySnapshot(
  texts: PolicyTexts & { readonly directory: Directory },
): Promise<Snapshot> {
  const policy = lintPolicies(texts)
  const { directory } = texts
  checkNames(policy, directory)
  const source = { modelText: texts.model.text, policyText: texts.policy.text, policy }
  const teams = new Set(directory.teams.keys())
  if (texts.cases !== undefined) {
    const cases = parseCases(texts.cases.text, texts.cases.file)
    for (const each of cases) checkCase(each, policy, directory, texts.cases.file)
    const grants = cases.flatMap((each) => each.roles.map((role) => grantOfCase(each, role)))
    runCases(cases, await createSnapshot({ ...source, teams, grants }), texts.cases.file)
  }
  return createSnapshot({ ...source, teams, grants: grantsOf(directory) })
}

/** Every role a caller has, in its own team only. */
export function grantsOf(directory: Directory): readonly Grant[] {
  return [...directory.callers.values()].flatMap(({ id, team, roles }) =>
    roles.map((role) => ({ caller: id, role, team: team.name })),
  )
}

/** A rule about a team or caller that does not exist is most likely a misspelled rule about one that does. */
function checkNames(policy: Policy, directory: Directory): void {
  for (const { line, sub, dom } of [...policy.rules, ...policy.links]) {
    if (dom !== '*' && !directory.teams.has(dom)) {
      throw new PolicyFileError(policy.file, line, `team \`${dom}\` is not in directory.yaml`)
    }
    if (sub.startsWith('caller:') && !directory.callers.has(sub.slice('caller:'.length))) {
      throw new PolicyFileError(policy.file, line, `\`${sub}\` is not in directory.yaml`)
    }
  }
}

/** A case about words that do not exist would pass or fail for the wrong reason. */
function checkCase({ line, ...each }: PolicyCase, policy: Policy, directory: Directory, file: string): void {
  const unknownRole = each.roles.find((role) => !policy.roles.has(role))
  if (unknownRole !== undefined) throw new PolicyFileError(file, line, `\`${unknownRole}\` is no role`)
  if (each.team !== '*' && !directory.teams.has(each.team)) {
    throw new PolicyFileError(file, line, `team \`${each.team}\` is not in directory.yaml`)
  }
  const kind = objectKindOf.get(each.action)
  if (kind === undefined) throw new PolicyFileError(file, line, `\`${each.action}\` is no action`)
  if (!each.object.startsWith(`${kind}/`)) {
    throw new PolicyFileError(
      file,
      line,
      `\`${each.action}\` is asked on \`${kind}/…\`, not \`${each.object}\``,
    )
  }
}

/** A case for `*` is judged as in a team that no rule names. */
const teamOfCase = ({ team }: PolicyCase): string => (team === '*' ? unknownTeam : team)

/** Each case has a caller of its own, made up for it. */
function grantOfCase(each: PolicyCase, role: string): Grant {
  return { caller: `case-${each.line}`, role, team: teamOfCase(each) }
}

function runCases(cases: readonly PolicyCase[], snapshot: Snapshot, file: string): void {
  for (const each of cases) {
    const { line, action, object, expected } = each
    const { allowed, rule } = snapshot.decide(`caller:case-${line}`, teamOfCase(each), action, object)
    if (allowed === (expected === 'allow')) continue
    const got = rule === '' ? 'no rule allows it' : `${rule} ${allowed ? 'allows' : 'denies'} it`
    const who = `${each.roles.join('+')} in team ${each.team}`
    throw new PolicyFileError(
      file,
      line,
      `expected ${expected} for \`${action}\` on \`${object}\` by ${who}, but ${got}`,
    )
  }
}
