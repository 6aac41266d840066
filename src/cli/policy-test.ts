// `tollgate policy test`: the cases of `cases.csv`, each with what decided it, and the rules that no case is about.
import type { Command } from 'commander'
import { findUntouchedRules } from '../authorize/case-coverage.ts'
import { type CaseResult, checkCaseWords, faultOfCase, judgeCases } from '../authorize/case-run.ts'
import { showRule } from '../authorize/explain.ts'
import type { PolicyRule } from '../authorize/policy-file.ts'
import { CommandError, type CommandIo } from './command-io.ts'
import { findFolder, openPolicyFolder, type PolicyFolder, printJson } from './policy-folder.ts'

/** Adds the command. Failed cases and untouched rules go to stdout; the exit code is 1 when a case fails. */
export function addPolicyTest(policy: Command, io: CommandIo): void {
  policy
    .command('test')
    .description('run the cases of cases.csv, and name the rules that no case touches')
    .argument('[folder]', 'the folder (default: the configured one)')
    .option('--json', 'print results and coverage as JSON')
    .action(async (named: string | undefined, options: { readonly json?: true }) => {
      const folder = await openPolicyFolder(findFolder(named, io))
      for (const each of folder.cases) checkCaseWords(each, folder.policy, folder.teams, 'cases.csv')
      const results = await judgeCases(folder.cases, {
        modelText: folder.model.text,
        policyText: folder.policyText.text,
        policy: folder.policy,
        teams: folder.teams,
      })
      const untouched = findUntouchedRules(folder.policy, folder.cases, folder.teams)
      if (options.json) printJson(io, asJson(results, untouched, folder))
      else io.out(asText(results, untouched, folder))
      const failed = results.filter(({ passed }) => !passed).length
      if (failed > 0) throw new CommandError(`${failed} of ${results.length} cases failed`)
    })
}

function asText(
  results: readonly CaseResult[],
  untouched: readonly PolicyRule[],
  { policy }: PolicyFolder,
): string {
  const faults = results.map((result) => faultOfCase(result, 'cases.csv')).filter((fault) => fault !== null)
  const failures = faults.map(({ message }) => `${message}\n`)
  const touched = policy.rules.length - untouched.length
  const percent = Math.floor((100 * touched) / policy.rules.length)
  const coverage = `${touched} of ${policy.rules.length} rules (${percent} %) are touched by a case\n`
  const rest = untouched.map((rule) => `no case: ${policy.file}:${rule.line}: ${showRule(rule)}\n`)
  const passed = `${results.length - failures.length} of ${results.length} cases pass\n`
  return [...failures, passed, coverage, ...rest].join('')
}

function asJson(results: readonly CaseResult[], untouched: readonly PolicyRule[], { policy }: PolicyFolder) {
  return {
    cases: results.map(({ policyCase, decision, passed }) => ({ ...policyCase, ...decision, passed })),
    rules: policy.rules.length,
    untouched: untouched.map((rule) => ({ line: rule.line, rule: showRule(rule) })),
  }
}
