// From the texts of `policies/` to a snapshot that has proved itself: lint, build, run the policy's own cases.
// Whatever is wrong is a PolicyFileError; the caller keeps the snapshot it has.
import type { Directory } from '../identify/directory.ts'
import { PolicyFileError } from '../kernel/errors.ts'
import { runInTurns, type Steps } from '../kernel/turns.ts'
import { checkCaseWords, faultOfCase, judgeCases } from './case-run.ts'
import { parseCases } from './cases-file.ts'
import { checkModel } from './model-file.ts'
import { type Policy, parsePolicy, parsePolicySteps } from './policy-file.ts'
import type { Grant } from './roles.ts'
import { createRuleBook } from './rule-book.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'

/** A file of `policies/`: its text, and the name that errors and rules give it. */
export type PolicyText = { readonly file: string; readonly text: string }

export type PolicyTexts = {
  readonly model: PolicyText
  readonly policy: PolicyText
  /** Absent when the operator keeps no cases. */
  readonly cases?: PolicyText
}

/** Model and policy, each found sound by itself, at once. `policy.roles` is what `parseDirectory` needs. */
export function lintPolicies({ model, policy }: PolicyTexts): Policy {
  checkModel(model.text, model.file)
  return parsePolicy(policy.text, policy.file)
}

/** `lintPolicies` in slices: streams that are open meanwhile do not feel it. */
export async function lintPoliciesInTurns({ model, policy }: PolicyTexts): Promise<Policy> {
  checkModel(model.text, model.file)
  return runInTurns(parsePolicySteps(policy.text, policy.file))
}

export type PolicySource = PolicyTexts & {
  readonly directory: Directory
  /** The texts, linted already. */
  readonly linted?: Policy
}

/**
 * Builds the snapshot of these texts and this directory, in slices, and runs the cases against it.
 * Rejects with PolicyFileError at the first thing that is wrong, a failed case included.
 */
export async function loadPolicySnapshot(texts: PolicySource): Promise<Snapshot> {
  const policy = texts.linted ?? (await lintPoliciesInTurns(texts))
  const { directory } = texts
  await runInTurns(checkNames(policy, directory))
  const book = await runInTurns(createRuleBook(policy))
  const teams = new Set(directory.teams.keys())
  const source = { modelText: texts.model.text, policyText: texts.policy.text, policy, teams, book }
  if (texts.cases !== undefined) {
    const { file } = texts.cases
    const cases = parseCases(texts.cases.text, file)
    for (const each of cases) checkCaseWords(each, policy, teams, file)
    for (const result of await judgeCases(cases, source)) {
      const fault = faultOfCase(result, file)
      if (fault !== null) throw fault
    }
  }
  return createSnapshot({ ...source, grants: grantsOf(directory) })
}

/** Every role a caller has, in its own team only. */
export function grantsOf(directory: Directory): readonly Grant[] {
  const listed = [...directory.callers.values()].flatMap(({ id, team, roles }) =>
    roles.map((role) => ({ caller: id, role, team: team.name })),
  )
  const unlisted = directory.unlistedGrants.flatMap(({ policyName, team, roles }) =>
    roles.map((role) => ({ caller: policyName, role, team })),
  )
  return [...listed, ...unlisted]
}

/** A rule about a team or caller that does not exist is most likely a misspelled rule about one that does. */
export function* checkNames(policy: Policy, directory: Directory): Steps<void> {
  for (const { line, sub, dom } of [...policy.rules, ...policy.links]) {
    if (dom !== '*' && !directory.teams.has(dom)) {
      throw new PolicyFileError(policy.file, line, `team \`${dom}\` is not in directory.yaml`)
    }
    if (sub.startsWith('caller:') && !directory.callers.has(sub.slice('caller:'.length))) {
      throw new PolicyFileError(policy.file, line, `\`${sub}\` is not in directory.yaml`)
    }
    yield
  }
}
