// Every fault of a folder of policies at once: what a gateway would refuse it for, one after the other.
import { checkCaseWords, faultOfCase, judgeCases } from '../authorize/case-run.ts'
import { type PolicyCase, parseCases } from '../authorize/cases-file.ts'
import { checkNames } from '../authorize/load-policies.ts'
import { checkModel } from '../authorize/model-file.ts'
import { findPolicyFaults, type Policy, parsePolicy } from '../authorize/policy-file.ts'
import { parseDirectory } from '../identify/directory.ts'
import { PolicyFileError } from '../kernel/errors.ts'
import { runAtOnce } from '../kernel/turns.ts'
import { parsePins } from '../pin/pins-file.ts'
import { parseBudgets } from '../price/budgets/budgets-file.ts'
import { parsePrices } from '../price/prices-file.ts'
import { needPolicyText, readPolicyText, teamsOf } from './policy-folder.ts'

/** Runs a check; its PolicyFileError becomes one more fault, and then there is no result. */
type Attempt = <Result>(check: () => Result) => Result | undefined

/**
 * Reads the folder and resolves with what is wrong with it, in the order of the files. A missing directory is no fault,
 * it is made at the first start; then teams and callers go unchecked.
 */
export async function findFaults(folder: string): Promise<readonly PolicyFileError[]> {
  const faults: PolicyFileError[] = []
  const attempt: Attempt = (check) => {
    try {
      return check()
    } catch (error) {
      if (!(error instanceof PolicyFileError)) throw error
      faults.push(error)
      return undefined
    }
  }
  const model = attempt(() => needPolicyText(folder, 'model.conf'))
  if (model !== undefined) attempt(() => checkModel(model.text, model.file))
  const text = attempt(() => needPolicyText(folder, 'policy.csv'))
  const inPolicy = text === undefined ? [] : findPolicyFaults(text.text, text.file)
  faults.push(...inPolicy)
  const pins = attempt(() => readPolicyText(folder, 'pins.yaml'))
  if (pins !== undefined) attempt(() => parsePins(pins.text, pins.file))
  const prices = attempt(() => readPolicyText(folder, 'prices.yaml'))
  if (prices !== undefined) attempt(() => parsePrices(prices.text, prices.file))
  const budgets = attempt(() => readPolicyText(folder, 'budgets.yaml'))
  if (budgets !== undefined) attempt(() => parseBudgets(budgets.text, budgets.file))
  if (text === undefined || inPolicy.length > 0) return faults
  const policy = parsePolicy(text.text, text.file)
  const directoryText = attempt(() => readPolicyText(folder, 'directory.yaml'))
  const directory =
    directoryText && attempt(() => parseDirectory(directoryText.text, directoryText.file, policy.roles))
  if (directory !== undefined) attempt(() => runAtOnce(checkNames(policy, directory)))
  const cases = attempt(() => readCases(folder)) ?? []
  // Only when all else is well: a case that fails for another fault's sake would mislead.
  if (model === undefined || faults.length > 0) return faults
  const teams = teamsOf(policy, directory ?? null, cases)
  const source = { modelText: model.text, policyText: text.text, policy, teams }
  const failed = await faultsOfCases(cases, source, attempt)
  return [...faults, ...failed]
}

function readCases(folder: string): readonly PolicyCase[] {
  const text = readPolicyText(folder, 'cases.csv')
  return text === undefined ? [] : parseCases(text.text, text.file)
}

type CasesSource = {
  readonly modelText: string
  readonly policyText: string
  readonly policy: Policy
  readonly teams: ReadonlySet<string>
}

/** Cases about words that do not exist become faults by `attempt`, the others are run. */
async function faultsOfCases(
  cases: readonly PolicyCase[],
  source: CasesSource,
  attempt: Attempt,
): Promise<readonly PolicyFileError[]> {
  const isSound = (each: PolicyCase): boolean =>
    attempt(() => {
      checkCaseWords(each, source.policy, source.teams, 'cases.csv')
      return true
    }) ?? false
  const results = await judgeCases(cases.filter(isSound), source)
  return results.map((result) => faultOfCase(result, 'cases.csv')).filter((fault) => fault !== null)
}
