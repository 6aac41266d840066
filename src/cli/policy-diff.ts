// `tollgate policy diff`: what a change of policy would change, for whom, by which rules; asked of both, not guessed.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type Change, comparePolicies, type Side } from '../authorize/compare.ts'
import { standingOfRule, unlistedRulesOf } from '../identify/standing.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { openPolicyFolder, type PolicyFolder, printJson } from './policy-folder.ts'

type DiffOptions = { readonly exitCode?: true; readonly json?: true }

const help = `
Every action is asked for every caller and role, on every object that a rule of either folder names and on what none
names. A folder without model.conf or directory.yaml (a preset, say) is read with those of the other one.

  tollgate policy diff policies policies/presets/strict
  git worktree add ../main main && tollgate policy diff ../main/policies policies --exit-code
`

/** Adds the command. Changes go to stdout; with --exit-code the exit code is 1 when there is one. */
export function addPolicyDiff(policy: Command, io: CommandIo): void {
  policy
    .command('diff')
    .description('tell what became allowed and what became denied between two folders of policies')
    .argument('<old>', 'the folder before')
    .argument('<new>', 'the folder after')
    .option('--exit-code', 'end with 1 when anything changed')
    .option('--json', 'print the changes as JSON')
    .addHelpText('after', help)
    .action(async (oldPath: string, newPath: string, options: DiffOptions) => {
      const [older, newer] = [folderAt(oldPath), folderAt(newPath)]
      const before = await openPolicyFolder(older, newer)
      const after = await openPolicyFolder(newer, older)
      const { questions, changes } = comparePolicies(asSide(before), asSide(after))
      if (options.json) printJson(io, { old: older, new: newer, questions, changes })
      else io.out(showChanges(changes))
      io.err(`${questions} questions asked of both; ${count(changes.length, 'answer')} changed\n`)
      if (options.exitCode && changes.length > 0) throw new CommandError('the policies do not allow the same')
    })
}

function folderAt(path: string): string {
  const folder = resolve(path)
  if (existsSync(join(folder, 'policy.csv'))) return folder
  throw new CommandError(`there is no policy.csv in \`${folder}\``, exitCodes.wrongUse)
}

const asSide = ({ policy, model, directory, snapshot, closureOf }: PolicyFolder): Side => ({
  policy,
  modelText: model.text,
  directory,
  snapshot,
  closureOf,
  unlisted: new Map(
    (directory === null ? [] : unlistedRulesOf(directory)).map((rule) => [
      `${rule.caller} by ${rule.sourceId}`,
      standingOfRule(rule),
    ]),
  ),
})

function showChanges(changes: readonly Change[]): string {
  const section = (now: Change['now']): string => {
    const ofThem = changes.filter((change) => change.now === now)
    if (ofThem.length === 0) return ''
    return `became ${now}:\n${ofThem.map(showChange).join('')}`
  }
  return section('allowed') + section('denied')
}

function showChange({ action, object, subjects, before, after }: Change): string {
  const by = (rule: string): string => rule || 'no rule'
  return `  ${action} ${object}\n      for ${subjects.join(', ')}\n      was: ${by(before.rule)}; is: ${by(after.rule)}\n`
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`
