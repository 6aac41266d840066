// Random policies and requests: our engine beside Casbin as it comes, over the whole list of rules.
import fc from 'fast-check'
import { answerPairs, policyPairs } from '../../test/support/policy-pairs.ts'
import type { PolicyFigure } from './figures.ts'

/** Counts the requests on which the two do not agree, in the decision or in the rule that made it. */
export async function measureAgreement(pairCount: number): Promise<readonly PolicyFigure[]> {
  let pairs = 0
  let mismatches = 0
  let allowances = 0
  // Generated one by one: a sample of all of them at once would be held in memory.
  for (let seed = 1; pairs < pairCount; seed++) {
    for (const made of fc.sample(policyPairs, { seed, numRuns: 10 })) {
      for (const { expected, answers } of await answerPairs(made)) {
        pairs += 1
        if (expected.allowed) allowances += 1
        if (answers.some((each) => each.allowed !== expected.allowed || each.rule !== expected.rule))
          mismatches += 1
      }
    }
  }
  return [
    {
      what: `mismatches with plain Casbin in ${pairs} policy and request pairs`,
      value: mismatches,
      unit: '',
      bar: 0,
    },
    { what: 'share of them that Casbin allows', value: (100 * allowances) / pairs, unit: '%' },
  ]
}
