// `tollgate reconcile`: the ledger against the provider's own account, with a reason for every difference and an exit code
// that a closing procedure can go by.
import Table from 'cli-table3'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { parseJson } from '../kernel/parse-json.ts'
import { renderReconcileCsv } from '../show/reconcile-csv.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'

const difference = z.object({
  ...{ level: z.enum(['L0', 'L1', 'L2', 'L3', 'L4']), reason: z.string(), is_breach: z.boolean() },
  ...{ day: z.string(), session_id: z.string(), workspace_id: z.string(), product: z.string() },
  ...{ ledger_usd: z.string(), provider_usd: z.string(), difference_usd: z.string(), detail: z.string() },
})
const answer = z.object({
  from: z.string(),
  to: z.string(),
  provider_refreshed_at: z.string().nullable(),
  not_final_from: z.string(),
  complete: z.boolean(),
  problems: z.array(z.string()),
  levels: z.array(z.object({ level: z.string(), compared: z.number(), tied: z.number() })),
  ledger_usd: z.string(),
  provider_list_usd: z.string(),
  provider_amount_usd: z.string(),
  discount_usd: z.string(),
  unmetered_usd: z.string(),
  breaches: z.number(),
  differences: z.array(difference),
  left_out: z.number(),
})
type Answer = z.output<typeof answer>

type Options = AdminOptions & {
  readonly from?: string
  readonly to?: string
  readonly invoice?: string
  readonly format: 'table' | 'json' | 'csv'
}

const help = `
Compares, level by level: L0 tokens of events with what the upstream states of each session, L1 running time, L2 the cost
by our prices with \`list_cost\`, L3 each day of each session with the provider's cost report, L4 an invoice.
The gateway asks the provider with the key in TOLLGATE_PROVIDER_ADMIN_KEY_FILE, which goes nowhere else.

Exit codes: 0 ties (what remains is rounding, a discount, or a day that is not final), 1 differences without such a
reason, 2 cannot say (wrong use, or not everything could be compared), 3 the key was refused.

  tollgate reconcile --from 2026-10-01 --to 2026-11-01 --invoice 18234.51
  tollgate reconcile --format csv > differences.csv
`

const levelNames = new Map([
  ['L0', 'tokens'],
  ['L1', 'running time'],
  ['L2', 'session cost'],
  ['L3', 'session-days'],
  ['L4', 'invoice'],
])
const shownMax = 50

/** Adds the command. */
export function addReconcile(program: Command, io: CommandIo): void {
  program
    .command('reconcile')
    .description("hold the ledger against the provider's own account")
    .option('--from <day>', 'first UTC day (default: the first of the month)')
    .option('--to <day>', 'first UTC day no longer included (default: tomorrow)')
    .option('--invoice <usd>', "the amount of the provider's invoice for the period")
    .addOption(
      new Option('--format <format>', 'how to print it').choices(['table', 'json', 'csv']).default('table'),
    )
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const { text, report } = await load(options, io)
      if (options.format === 'json') io.out(`${text}\n`)
      else io.out(options.format === 'csv' ? renderReconcileCsv(report) : render(report))
      for (const problem of report.problems) io.err(`tollgate: ${problem}\n`)
      if (report.breaches > 0) {
        const count = report.breaches === 1 ? '1 difference' : `${report.breaches} differences`
        throw new CommandError(`${count} without an accepted reason`, exitCodes.failed)
      }
      if (!report.complete) throw new CommandError('not everything could be compared', exitCodes.wrongUse)
    })
}

async function load(
  options: Options,
  io: CommandIo,
): Promise<{ readonly text: string; readonly report: Answer }> {
  const { from, to, invoice } = options
  try {
    const text = await askAdmin('/api/v1/reconcile', { from, to, invoice }, options, io)
    const parsed = answer.safeParse(parseJson(text))
    if (parsed.success) return { text, report: parsed.data }
    throw new CommandError('the admin listener answered in a form this version does not know')
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === exitCodes.refused) throw error
    // A closing procedure must never take "cannot say" for "differs".
    throw new CommandError(error.message, exitCodes.wrongUse)
  }
}

function render(report: Answer): string {
  const head = `reconciliation, ${report.from.slice(0, 10)} to ${report.to.slice(0, 10)} (UTC, end not included)\n`
  const levels = new Table({ head: ['', 'compared', 'tied'], style: { head: [], border: [] } })
  for (const { level, compared, tied } of report.levels)
    levels.push([`${level} ${levelNames.get(level) ?? ''}`, String(compared), String(tied)])
  const sums = [
    ['ledger, list cost', report.ledger_usd],
    ['provider, list cost', report.provider_list_usd],
    ['provider, after discounts', report.provider_amount_usd],
    ['discount', report.discount_usd],
    ['UNMETERED', report.unmetered_usd],
  ]
    .map(([name = '', amount = '']) => `  ${name.padEnd(27)}${amount.padStart(20)} USD\n`)
    .join('')
  const refreshed =
    report.provider_refreshed_at === null
      ? ''
      : `the provider's report reaches to ${report.provider_refreshed_at}; days from ${report.not_final_from} on may still change\n`
  return `${head}${levels.toString()}\n${sums}${refreshed}${renderDifferences(report)}`
}

function renderDifferences({ differences, left_out }: Answer): string {
  if (differences.length === 0) return 'no differences\n'
  const table = new Table({
    head: ['', 'reason', 'day', 'session or product', 'difference', 'detail'],
    style: { head: [], border: [] },
  })
  for (const each of differences.slice(0, shownMax)) {
    table.push([
      each.level,
      each.is_breach ? each.reason.toUpperCase() : each.reason,
      each.day,
      each.session_id || each.product,
      each.difference_usd,
      each.detail,
    ])
  }
  const more = differences.length - shownMax + left_out
  return `${table.toString()}\n${more > 0 ? `and ${more} more; --format csv has them\n` : ''}`
}
