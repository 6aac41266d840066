// `tollgate adjustments` and `tollgate tools`: lists over sessions from the admin listener, as a table, JSON or CSV.
import { type Command, Option } from 'commander'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import type { CommandIo } from './command-io.ts'
import { drawRows, readAs, rowsAnswer } from './rows-answer.ts'

type Options = AdminOptions & {
  readonly session?: string
  readonly from?: string
  readonly to?: string
  readonly format: 'table' | 'json' | 'csv'
}

type List = {
  readonly command: string
  readonly path: string
  readonly description: string
  /** Of the table; JSON and CSV have all. */
  readonly columns: readonly string[]
  readonly nothing: string
  readonly help: string
}

const adjustments: List = {
  command: 'adjustments',
  path: '/api/v1/adjustments',
  description: "print where a session's facts were not what the provider counts, and why",
  columns: ['at', 'session_id', 'team', 'reason', 'category', 'quantity', 'cost_usd'],
  nothing: "no adjustments: the facts are the provider's own count\n",
  help: `
Reasons: missed_event (counted by the provider, its event never seen), judge_tokens (outcome grading), too_much (more facts
than the provider counts), cache_lifetime (cache writes that live for an hour), price_drift (same tokens, other money: a price
of the book is out of date), unknown_model (money of a model the book does not know, as the provider states it),
counted_down (a count that may only grow became smaller: changes no figure, look at the session).
They are in every usage report, and go away when what was missed is found.
`,
}

const tools: List = {
  command: 'tools',
  path: '/api/v1/tool-uses',
  description: 'print uses of tools: allowed by whom, how long they waited and took',
  columns: [
    'used_at',
    'session_id',
    'tool',
    'permission',
    'confirmation',
    'waited_ms',
    'duration_ms',
    'is_error',
  ],
  nothing: 'no tool was used in this period\n',
  help: `
One line for each use, with its permission, the answer to its confirmation and by which exchange it came, and its result.
Inputs and results are never kept; \`input_hash\` in JSON and CSV shows whether two inputs are equal.
`,
}

/** Adds both commands. */
export function addSessionLists(program: Command, io: CommandIo): void {
  for (const list of [adjustments, tools]) addList(program, io, list)
}

function addList(program: Command, io: CommandIo, list: List): void {
  program
    .command(list.command)
    .description(list.description)
    .option('--session <id>', 'of one session')
    .option('--from <date>', 'first instant, such as 2026-10-01 (default: this month)')
    .option('--to <date>', 'first instant no longer included (default: now)')
    .addOption(
      new Option('--format <format>', 'how to print it').choices(['table', 'json', 'csv']).default('table'),
    )
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .addHelpText('after', list.help)
    .action(async (options: Options) => {
      const { session, from, to, format } = options
      const asked = { session, from, to, format: format === 'csv' ? 'csv' : 'json' }
      const text = await askAdmin(list.path, asked, options, io)
      if (format !== 'table') return io.out(format === 'json' ? `${text}\n` : text)
      const { complete, rows } = readAs(rowsAnswer, text)
      if (rows.length === 0) return io.out(list.nothing)
      io.out(drawRows(rows, list.columns))
      if (!complete) io.out(`these are the first ${rows.length}; ask for less time\n`)
    })
}
