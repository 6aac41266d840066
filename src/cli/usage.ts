// `tollgate usage`: the admin listener's usage report as a table, JSON or CSV.
import { type Command, Option } from 'commander'
import { parseJson } from '../kernel/parse-json.ts'
import { usageGroups } from '../ledger/queries/usage.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo } from './command-io.ts'
import { usageAnswer } from './usage-answer.ts'
import { renderUsageTable } from './usage-table.ts'

type UsageOptions = AdminOptions & {
  readonly groupBy: string
  readonly from?: string
  readonly to?: string
  readonly bucket?: string
  readonly json?: true
  readonly csv?: true
}

const help = `
The key is read from TOLLGATE_KEY or --key-file, never from an argument, which every process on the machine
could read. It needs the role operator, auditor or admin. Dates are UTC; the end is not included.

  tollgate usage --group-by model
  tollgate usage --group-by team --from 2026-10-01 --to 2026-11-01 --csv > october.csv
`

/** Adds the command. Prints the report on stdout and everything else on stderr. */
export function addUsage(program: Command, io: CommandIo): void {
  program
    .command('usage')
    .description('print tokens, running time and cost from the admin listener')
    .addOption(
      new Option('-g, --group-by <what>', 'one line for each').choices([...usageGroups]).default('team'),
    )
    .option(
      '--from <date>',
      'first instant, such as 2026-10-01 or 2026-10-01T12:00:00Z (default: this month)',
    )
    .option('--to <date>', 'first instant no longer included (default: now)')
    .addOption(new Option('--bucket <size>', 'split the period').choices(['hour', 'day']))
    .option('--json', 'print the report as JSON')
    .addOption(new Option('--csv', 'print the lines as CSV').conflicts('json'))
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .addHelpText('after', help)
    .action(async (options: UsageOptions) => {
      const text = await fetchUsage(options, io)
      io.out(options.json || options.csv ? text : renderUsageTable(readAnswer(text)))
    })
}

function fetchUsage(options: UsageOptions, io: CommandIo): Promise<string> {
  const { groupBy, from, to, bucket } = options
  const format = options.csv ? 'csv' : 'json'
  return askAdmin('/api/v1/usage', { group_by: groupBy, from, to, bucket, format }, options, io)
}

function readAnswer(text: string) {
  const answer = usageAnswer.safeParse(parseJson(text))
  if (answer.success) return answer.data
  throw new CommandError(
    'the admin listener answered in a form this version does not know; use --json to see it',
  )
}
