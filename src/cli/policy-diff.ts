// `tollgate policy diff`: what a change of policy would change, for whom, by which rules; asked of both, not guessed.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type Change, comparePolicies, type Side } from '../authorize/compare.ts'
import { standingOfRule, unlistedRulesOf } from '../identify/standing.ts'
import { loadPolicies } from '../policies.ts'
import type { AdminOptions } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { openPolicyFolder, type PolicyFolder, printJson } from './policy-folder.ts'
import { decisionsAnswer, fetchHistory, readDays, withAdmin } from './policy-history.ts'
import { compareOnDecisions, describeReplayed } from './policy-replay.ts'

type DiffOptions = AdminOptions & { readonly exitCode?: true; readonly json?: true; readonly since?: number }

const help = `
Every action is asked for every caller and role, on every object that a rule of either folder names and on what none
names. A folder without model.conf or directory.yaml (a preset, say) is read with those of the other one.

  tollgate policy diff policies policies/presets/strict
  git worktree add ../main main && tollgate policy diff ../main/policies policies --exit-code

With --since the decisions that a running gateway recorded are judged by both, too: what would have come out otherwise.
`

/** Adds the command. Changes go to stdout; with --exit-code the exit code is 1 when there is one. */
export function addPolicyDiff(policy: Command, io: CommandIo): void {
  const command = policy
    .command('diff')
    .description('tell what became allowed and what became denied between two folders of policies')
    .argument('<old>', 'the folder before')
    .argument('<new>', 'the folder after')
    .option('--exit-code', 'end with 1 when anything changed')
    .option('--json', 'print the changes as JSON')
    .option('--since <days>', 'judge the decisions recorded in so many days by both, such as 7d', readDays)
    .addHelpText('after', help)
  withAdmin(command).action(async (oldPath: string, newPath: string, options: DiffOptions) => {
    const [older, newer] = [folderAt(oldPath), folderAt(newPath)]
    const before = await openPolicyFolder(older, newer)
    const after = await openPolicyFolder(newer, older)
    const { questions, changes } = comparePolicies(asSide(before), asSide(after))
    const recorded = await compareRecorded(older, newer, options, io)
    if (options.json) printJson(io, { old: older, new: newer, questions, changes, ...recorded })
    else io.out(showChanges(changes) + showRecorded(recorded?.recorded))
    io.err(`${questions} questions asked of both; ${count(changes.length, 'answer')} changed\n`)
    const changed = changes.length + (recorded?.recorded.changed ?? 0)
    if (options.exitCode && changed > 0) throw new CommandError('the policies do not allow the same')
  })
}

/** What a gateway recorded, judged by both; null when nobody asked for it. */
async function compareRecorded(older: string, newer: string, options: DiffOptions, io: CommandIo) {
  const { since } = options
  if (since === undefined) return null
  const before = await loadPolicies(older, newer)
  const after = await loadPolicies(newer, older)
  const { from, decisions, unrecorded, left_out } = await fetchHistory(
    'decisions',
    decisionsAnswer,
    { ...options, since },
    io,
  )
  const { unknownCaller, ...replay } = compareOnDecisions(decisions, before, after)
  return { recorded: { from, ...replay, skipped: unknownCaller + unrecorded + left_out } }
}

type Recorded = NonNullable<Awaited<ReturnType<typeof compareRecorded>>>['recorded']

function showRecorded(recorded: Recorded | undefined): string {
  if (recorded === undefined) return ''
  const { from, changes, changed, same, skipped } = recorded
  const lines = changes.map((change) => `  ${describeReplayed(change)}\n`).join('')
  const told = skipped === 0 ? '' : `; ${skipped} cannot be judged again`
  return `of ${count(changed + same, 'decision')} recorded since ${from}, ${changed} would come out otherwise${told}\n${lines}`
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
