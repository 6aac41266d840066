// Runs `cases.csv`: each case has a caller of its own, made up for it, with the roles and in the team it names.
import { PolicyFileError } from '../kernel/errors.ts'
import { runInTurns, type Steps } from '../kernel/turns.ts'
import type { PolicyCase } from './cases-file.ts'
import type { Policy } from './policy-file.ts'
import { type Grant, unknownTeam } from './roles.ts'
import { createSnapshot, type Decision, type Snapshot, type SnapshotSource } from './snapshot.ts'
import { objectKindOf } from './vocabulary.ts'

export type CaseResult = {
  readonly policyCase: PolicyCase
  readonly decision: Decision
  readonly passed: boolean
}

/** Judges every case, in slices. The cases have passed `checkCaseWords`. */
export async function judgeCases(
  cases: readonly PolicyCase[],
  source: Omit<SnapshotSource, 'grants'>,
): Promise<readonly CaseResult[]> {
  return runInTurns(caseSteps(cases, await createSnapshot({ ...source, grants: grantsOfCases(cases) })))
}

/** What is wrong when a case was decided otherwise than it expects; null when it was not. */
export function faultOfCase(
  { policyCase, decision, passed }: CaseResult,
  file: string,
): PolicyFileError | null {
  if (passed) return null
  const { line, team, roles, action, object, expected } = policyCase
  const { allowed, rule } = decision
  const got = rule === '' ? 'no rule allows it' : `${rule} ${allowed ? 'allows' : 'denies'} it`
  const who = `${roles.join('+')} in team ${team}`
  const reason = `expected ${expected} for \`${action}\` on \`${object}\` by ${who}, but ${got}`
  return new PolicyFileError(file, line, reason)
}

/** Each case has a caller of its own. */
export function grantsOfCases(cases: readonly PolicyCase[]): readonly Grant[] {
  return cases.flatMap((each) =>
    each.roles.map((role) => ({ caller: callerOfCase(each), role, team: teamOfCase(each) })),
  )
}

/** The caller's id, made up for the case. */
export const callerOfCase = ({ line }: PolicyCase): string => `case-${line}`

/** A case for `*` is judged as in a team that no rule names. */
export const teamOfCase = ({ team }: PolicyCase): string => (team === '*' ? unknownTeam : team)

/** A case about words that do not exist would pass or fail for the wrong reason: PolicyFileError. */
export function checkCaseWords(
  { line, ...each }: PolicyCase,
  policy: Policy,
  teams: ReadonlySet<string>,
  file: string,
): void {
  const unknownRole = each.roles.find((role) => !policy.roles.has(role))
  if (unknownRole !== undefined) throw new PolicyFileError(file, line, `\`${unknownRole}\` is no role`)
  if (each.team !== '*' && !teams.has(each.team)) {
    throw new PolicyFileError(file, line, `team \`${each.team}\` is not in directory.yaml`)
  }
  const kind = objectKindOf.get(each.action)
  if (kind === undefined) throw new PolicyFileError(file, line, `\`${each.action}\` is no action`)
  if (!each.object.startsWith(`${kind}/`)) {
    const reason = `\`${each.action}\` is asked on \`${kind}/…\`, not \`${each.object}\``
    throw new PolicyFileError(file, line, reason)
  }
}

function* caseSteps(cases: readonly PolicyCase[], snapshot: Snapshot): Steps<readonly CaseResult[]> {
  const results: CaseResult[] = []
  for (const policyCase of cases) {
    const { action, object, expected } = policyCase
    const caller = `caller:${callerOfCase(policyCase)}`
    const decision = snapshot.decide(caller, teamOfCase(policyCase), action, object)
    results.push({ policyCase, decision, passed: decision.allowed === (expected === 'allow') })
    yield
  }
  return results
}
