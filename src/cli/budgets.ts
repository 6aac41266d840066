// `tollgate budgets`: how far every budget is used, from the admin listener.
import { type Command, Option } from 'commander'
import { divideHalfEven, formatUsd, parseUsd } from '../kernel/money.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import type { CommandIo } from './command-io.ts'
import { drawRows, type Rows, readAs, rowsAnswer } from './rows-answer.ts'

const help = `
Budgets are written in policies/budgets.yaml. \`held\` is what live sessions may still spend; \`left\` is what new ones can have.
Money is US dollars, running time milliseconds. Nearest to its limit first.

  tollgate budgets
  tollgate budgets --format csv
`
const columns = [
  'name',
  'scope',
  'key',
  'period',
  'limit',
  'spent',
  'held',
  'left',
  'used_percent',
  'forecast',
  'state',
]

/** Adds the command. */
export function addBudgets(program: Command, io: CommandIo): void {
  program
    .command('budgets')
    .description('print how far every budget is used, and what is left')
    .addOption(
      new Option('--format <format>', 'how to print it').choices(['table', 'json', 'csv']).default('table'),
    )
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .addHelpText('after', help)
    .action(async ({ format, ...options }: AdminOptions & { readonly format: string }) => {
      const text = await askAdmin(
        '/api/v1/budgets',
        { format: format === 'csv' ? 'csv' : 'json' },
        options,
        io,
      )
      if (format !== 'table') return io.out(format === 'json' ? `${text}\n` : text)
      const { rows } = readAs(rowsAnswer, text)
      io.out(
        rows.length === 0
          ? 'there is no budget; write one in policies/budgets.yaml\n'
          : drawRows(rows.map(inShort), columns),
      )
    })
}

/** Money to the cent: JSON and CSV have all its digits. */
const inShort = (row: Rows[number]): Rows[number] =>
  String(row['measure']).endsWith('_usd')
    ? Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          amounts.has(name) && value !== '' ? toCents(String(value)) : value,
        ]),
      )
    : row
const amounts: ReadonlySet<string> = new Set(['limit', 'spent', 'held', 'left', 'forecast'])
const picoPerCent = 10_000_000_000n
const toCents = (usd: string): string => formatUsd(divideHalfEven(parseUsd(usd), picoPerCent) * picoPerCent)
