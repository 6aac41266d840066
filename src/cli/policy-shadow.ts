// `tollgate policy shadow`: where policies/candidate/ would have decided otherwise than the policies in force.
import type { Command } from 'commander'
import type { CommandIo } from './command-io.ts'
import { printJson } from './policy-folder.ts'
import { counted, fetchHistory, type HistoryOptions, shadowAnswer, withHistory } from './policy-history.ts'

/** Adds the command. The disagreements go to stdout, what they are out of to stderr. */
export function addPolicyShadow(policy: Command, io: CommandIo): void {
  const command = policy
    .command('shadow')
    .description('print where policies/candidate/ would have decided otherwise')
  withHistory(command).action(async (options: HistoryOptions) => {
    const answer = await fetchHistory('shadow', shadowAnswer, options, io)
    if (options.json) return printJson(io, answer)
    const { disagreements, decisions, left_out: leftOut } = answer
    for (const { shadow, caller, team, operation, count, last_at: lastAt } of disagreements) {
      io.out(`${count} × ${operation} by ${caller} (${team}): ${shadow}; last ${lastAt}\n`)
    }
    const differing = disagreements.reduce((sum, { count }) => sum + count, leftOut)
    io.err(
      `${counted(differing, 'disagreement')} in ${counted(decisions, 'decision')} since ${answer.from}` +
        `${leftOut === 0 ? '' : `; the rarest ${leftOut} are not listed`}\n`,
    )
  })
}
