// `tollgate audit ask <question>`: what an auditor asks, answered from the ledger as a table, JSON or CSV.
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { printable } from './printable.ts'
import { drawRows, readAs, rowsAnswer } from './rows-answer.ts'

type Options = AdminOptions & {
  readonly list?: true
  readonly session?: string
  readonly team?: string
  readonly agent?: string
  readonly caller?: string
  readonly match?: string
  readonly days?: string
  readonly at?: string
  readonly from?: string
  readonly to?: string
  readonly format: 'table' | 'json' | 'csv'
}

const question = z.object({
  name: z.string(),
  question: z.string(),
  takes: z.array(z.string()),
  needs: z.array(z.string()),
  unknown: z.string(),
})
const listAnswer = z.object({ questions: z.array(question) })
const toldAnswer = rowsAnswer.extend({ question: z.string(), unknown: z.string() })

const help = `
\`--list\` has every question with what it takes; what it needs is marked. Times are UTC; without --from it is this month, and
a question about one session is about all of its life. The key is read from TOLLGATE_KEY or --key-file and needs
\`audit.read\`.

  tollgate audit ask --list
  tollgate audit ask who-started --session sesn_01…
  tollgate audit ask unpinned --from 2026-10-01 --to 2026-11-01 --format csv > october.csv
`

/** Adds the command. */
export function addAuditAsk(audit: Command, io: CommandIo): void {
  audit
    .command('ask')
    .description("answer one of the auditor's questions")
    .argument('[question]', 'its name, see --list')
    .option('--list', 'print the questions')
    .option('--session <id>', 'of this session')
    .option('--team <name>', 'of this team')
    .option('--agent <id>', 'of this agent')
    .option('--caller <name>', 'of this caller')
    .option('--match <text>', 'whose name contains this text')
    .option('--days <n>', 'what counts as old (default: 90)')
    .option('--at <time>', 'at this moment (default: now)')
    .option('--from <date>', 'first instant (default: this month)')
    .option('--to <date>', 'first instant no longer included (default: now)')
    .addOption(
      new Option('--format <format>', 'how to print it').choices(['table', 'json', 'csv']).default('table'),
    )
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .addHelpText('after', help)
    .action(async (name: string | undefined, options: Options) => {
      if (options.list === true) return io.out(await list(options, io))
      if (name === undefined) throw new CommandError('name a question; --list has them', exitCodes.wrongUse)
      if (!/^[a-z-]{1,40}$/.test(name))
        throw new CommandError(`\`${printable(name)}\` is no question; --list has them`, exitCodes.wrongUse)
      io.out(await answer(name, options, io))
    })
}

async function list(options: Options, io: CommandIo): Promise<string> {
  const text = await askAdmin('/api/v1/audit/ask', {}, options, io)
  if (options.format === 'json') return `${text}\n`
  const { questions } = readAs(listAnswer, text)
  return questions
    .map(({ name, question, takes, needs, unknown }) => {
      const marked = takes.map((each) => `--${each}${needs.includes(each) ? ' (needed)' : ''}`).join(' ')
      return `${name}\n  ${question}\n${marked === '' ? '' : `  ${marked}\n`}${unknown === '' ? '' : `  ${unknown}\n`}`
    })
    .join('\n')
}

async function answer(name: string, options: Options, io: CommandIo): Promise<string> {
  const { session, team, agent, caller, match, days, at, from, to, format } = options
  const query = {
    session,
    team,
    agent,
    caller,
    match,
    days,
    at,
    from,
    to,
    format: format === 'csv' ? 'csv' : 'json',
  }
  const text = await askAdmin(`/api/v1/audit/ask/${name}`, query, options, io)
  if (format !== 'table') return format === 'json' ? `${text}\n` : text
  const { question, unknown, complete, rows } = readAs(toldAnswer, text)
  const notes = [
    ...(rows.length === 0 ? ['nothing'] : []),
    ...(complete ? [] : [`these are the first ${rows.length}; ask for less time`]),
    ...(unknown === '' ? [] : [`note: ${unknown}`]),
  ]
  return `${question}\n${drawRows(rows)}${notes.map((note) => `${note}\n`).join('')}`
}
