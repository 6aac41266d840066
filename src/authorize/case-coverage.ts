// Which rules of a policy its own cases are about, and which nobody would miss in a review.
import { callerOfCase, grantsOfCases, teamOfCase } from './case-run.ts'
import type { PolicyCase } from './cases-file.ts'
import { applicableRules } from './explain.ts'
import type { Policy, PolicyRule } from './policy-file.ts'
import { createClosure, expandRoles } from './roles.ts'

/** The rules that no case touches, in file order. A case touches every rule whose clauses hold for it, deciding or not. */
export function findUntouchedRules(
  policy: Policy,
  cases: readonly PolicyCase[],
  teams: ReadonlySet<string>,
): readonly PolicyRule[] {
  const closureOf = createClosure(expandRoles(policy.links, grantsOfCases(cases), teams))
  const touched = new Set(
    cases.flatMap((each) => {
      const { action, object } = each
      const team = teamOfCase(each)
      const subjects = closureOf(`caller:${callerOfCase(each)}`, team)
      return applicableRules(policy.rules, { subjects, team, action, object })
    }),
  )
  return policy.rules.filter((rule) => !touched.has(rule))
}
