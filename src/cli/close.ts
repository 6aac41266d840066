// `tollgate close`, `tollgate periods`, `tollgate statement` and `tollgate focus`: a month's charges, written once, and told to a team.
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { type AdminOptions, askAdmin, orderAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { drawRows, readAs } from './rows-answer.ts'

type CloseOptions = AdminOptions & {
  readonly early?: true
  readonly dryRun?: true
  readonly accept?: string
}
type ShownOptions = AdminOptions & { readonly format: string }
type StatementOptions = ShownOptions & { readonly period: string }

const period = z.object({
  period: z.string(),
  closed_at: z.string(),
  closed_by: z.string(),
  lines: z.number(),
  lines_hash: z.string(),
  list_cost: z.string(),
  billed_cost: z.string(),
})
const closedAnswer = period.extend({ is_new: z.boolean(), is_dry_run: z.boolean() })
const periodsAnswer = z.object({ periods: z.array(period) })

const closeHelp = `
A period is closed once: its lines are written as they are then, and a second run answers the same ones. It is refused while
the period is not over, until 48 hours later (\`--early\` closes sooner), while records are on their way into the ledger, and,
with the provider's admin key, while the ledger does not tie (\`--accept "<reason>"\` closes it all the same, and keeps the
reason). What turns out to be wrong later becomes correction lines of the next period that is closed. Needs \`period.close\`.

  tollgate close 2026-10 --dry-run
  tollgate close 2026-10
`
const statementHelp = `
What a team is charged for a month: by SKU and agent, running and idle time, dearest sessions, earlier months, and what to look at.
A month that is not closed is told as of now. \`UNALLOCATED\` is what nobody owns.

  tollgate statement payments --period 2026-10
  tollgate statement payments --period 2026-10 --format csv > payments.csv
`

/** Adds the commands. */
export function addClose(program: Command, io: CommandIo): void {
  withAdmin(program.command('close'))
    .description('close a month: write what teams are charged, once and for good')
    .argument('<period>', 'the month, such as 2026-10')
    .option('--early', 'before everything that may still come in is there')
    .option('--accept <reason>', 'although the ledger does not tie, for this reason')
    .option('--dry-run', 'say what would be written, and write nothing')
    .addHelpText('after', closeHelp)
    .action((name: string, options: CloseOptions) => close(name, options, io))

  withAdmin(program.command('periods'))
    .description('print the months that are closed')
    .addOption(formatOption(['table', 'json']))
    .action(async (options: ShownOptions) => {
      const text = await askAdmin('/api/v1/periods', {}, options, io)
      if (options.format === 'json') return io.out(`${text}\n`)
      const { periods } = readAs(periodsAnswer, text)
      io.out(periods.length === 0 ? 'no month is closed\n' : drawRows(periods))
    })

  withAdmin(program.command('statement'))
    .description('print what a team is charged for a month')
    .argument('<team>', 'the name of the team, or UNALLOCATED')
    .requiredOption('--period <month>', 'the month, such as 2026-10')
    .addOption(formatOption(['md', 'json', 'csv']))
    .addHelpText('after', statementHelp)
    .action(async (team: string, { period: name, format, ...options }: StatementOptions) => {
      io.out(await askAdmin(`/api/v1/periods/${checked(name)}/statement`, { team, format }, options, io))
    })
}

/** Prints a month as a FOCUS dataset. */
export function addFocus(program: Command, io: CommandIo): void {
  withAdmin(program.command('focus'))
    .description("print a month's lines as a FOCUS 1.4 dataset, CSV")
    .argument('<period>', 'the month, such as 2026-10')
    .action(async (name: string, options: AdminOptions) => {
      io.out(await askAdmin(`/api/v1/periods/${checked(name)}/focus`, {}, options, io))
    })
}

async function close(name: string, options: CloseOptions, io: CommandIo): Promise<void> {
  const { early = false, dryRun = false, accept = '' } = options
  const order = { early, accept, dry_run: dryRun }
  const text = await orderAdmin(`/api/v1/periods/${checked(name)}/close`, order, options, io)
  const closed = readAs(closedAnswer, text)
  const what = closed.is_dry_run
    ? `would close ${closed.period}; nothing is written`
    : closed.is_new
      ? `closed ${closed.period}`
      : `${closed.period} was closed ${closed.closed_at} by ${closed.closed_by}; nothing is changed`
  io.out(
    `${what}\n  lines    ${closed.lines}, sha256 ${closed.lines_hash}\n  list     ${closed.list_cost} USD\n  charged  ${closed.billed_cost} USD\n`,
  )
}

function checked(name: string): string {
  if (/^20\d\d-(0[1-9]|1[0-2])$/.test(name)) return name
  throw new CommandError('a period is a month, such as 2026-10', exitCodes.wrongUse)
}

const formatOption = (choices: readonly [string, ...string[]]): Option =>
  new Option('--format <format>', 'how to print it').choices([...choices]).default(choices[0])

const withAdmin = (command: Command): Command =>
  command
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
