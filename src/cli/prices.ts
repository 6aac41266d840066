// `tollgate prices`: what everything costs today, by which source; and whether that is still what the upstream charges.
import Table from 'cli-table3'
import type { Command } from 'commander'
import { z } from 'zod'
import { parseJson } from '../kernel/parse-json.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'

const list = z.object({
  at: z.string(),
  team: z.string(),
  rate_version: z.number(),
  terms_version: z.number(),
  prices: z.array(
    z.object({
      ...{ sku: z.string(), unit: z.string(), unit_size: z.string() },
      ...{ list_usd: z.string(), contracted_usd: z.string(), billed_usd: z.string() },
      ...{ effective_from: z.string(), source: z.string() },
    }),
  ),
})
const check = z.object({
  from: z.string(),
  to: z.string(),
  complete: z.boolean(),
  compared: z.number(),
  drifting: z.number(),
  likely_sku: z.string().nullable(),
  suspects: z.array(
    z.object({
      ...{ sku: z.string(), sessions: z.number(), drifting_sessions: z.number() },
      ...{ drift_usd: z.string(), unexplained_usd: z.string() },
      ...{ list_usd: z.string().nullable(), implied_usd: z.string().nullable() },
    }),
  ),
  unpriced: z.array(z.object({ model: z.string(), reason: z.string(), requests: z.number() })),
})
type Check = z.output<typeof check>

type ListOptions = AdminOptions & { readonly team?: string; readonly at?: string; readonly json?: true }
type CheckOptions = AdminOptions & { readonly from?: string; readonly to?: string; readonly json?: true }

const checkHelp = `
Compares, for every session that is over and whole, its cost by our prices with the \`list_cost\` that the upstream states,
and names the SKU whose price explains the differences best.

Exit codes: 0 no price drifts, 1 one does or usage has no price, 2 cannot say (nothing to compare, or wrong use), 3 the
key was refused.
`

/** Adds the commands. */
export function addPrices(program: Command, io: CommandIo): void {
  const prices = program
    .command('prices')
    .description('print prices in force: list, by contract, and as billed')
    .option('--team <team>', 'as this team is billed')
    .option('--at <day>', 'in force on this UTC day (default: today)')
    .option('--json', 'print as JSON')
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .action(async (options: ListOptions) => {
      const text = await askAdmin('/api/v1/prices', { team: options.team, at: options.at }, options, io)
      io.out(options.json ? `${text}\n` : renderList(read(list, text)))
    })
  prices
    .command('check')
    .description('hold our prices against what the upstream states of sessions')
    .option('--from <day>', 'first UTC day (default: 30 days before the end)')
    .option('--to <day>', 'first UTC day no longer included (default: tomorrow)')
    .addHelpText('after', checkHelp)
    .action(async (_own: CheckOptions, command: Command) => {
      const options: CheckOptions = command.optsWithGlobals()
      const { text, report } = await loadCheck(options, io)
      io.out(options.json ? `${text}\n` : renderCheck(report))
      judge(report)
    })
}

async function loadCheck(options: CheckOptions, io: CommandIo) {
  try {
    const text = await askAdmin('/api/v1/prices/check', { from: options.from, to: options.to }, options, io)
    return { text, report: read(check, text) }
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === exitCodes.refused) throw error
    // Nobody may take "cannot say" for "drifts".
    throw new CommandError(error.message, exitCodes.wrongUse)
  }
}

function judge(report: Check): void {
  if (report.unpriced.length > 0) throw new CommandError('some usage has no price; add it to the price book')
  if (!report.complete)
    throw new CommandError(
      'more sessions than can be compared at once; ask for less time',
      exitCodes.wrongUse,
    )
  if (report.drifting > 0) {
    const likely = report.likely_sku === null ? 'none can be named' : `most likely \`${report.likely_sku}\``
    throw new CommandError(`a price is not the upstream's: ${likely}`)
  }
  if (report.compared === 0)
    throw new CommandError('no session could be compared; nothing is known of prices', exitCodes.wrongUse)
}

function read<Result>(schema: z.ZodType<Result>, text: string): Result {
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new CommandError('the admin listener answered in a form this version does not know; use --json')
}

function renderList(answer: z.output<typeof list>): string {
  const table = new Table({
    head: ['sku', 'USD for', 'list', 'contracted', 'billed', 'since', 'source'],
    style: { head: [], border: [] },
  })
  for (const each of answer.prices) {
    const { sku, list_usd, contracted_usd, billed_usd, effective_from, source } = each
    table.push([sku, unitOf(each), list_usd, contracted_usd, billed_usd, effective_from, source])
  }
  const whose = answer.team === '' ? '' : ` for team ${answer.team}`
  const versions = `list prices version ${answer.rate_version}, terms version ${answer.terms_version}`
  return `prices on ${answer.at.slice(0, 10)}${whose} (${versions})\n${table.toString()}\n`
}

const unitOf = ({ unit }: { readonly unit: string }): string =>
  unit === 'Tokens' ? '1M tokens' : unit === 'Milliseconds' ? 'an hour' : 'a search'

function renderCheck(report: Check): string {
  const head = `prices, ${report.from.slice(0, 10)} to ${report.to.slice(0, 10)} (UTC, end not included): ${report.compared} sessions compared, ${report.drifting} off by more than a cent\n`
  const missing = report.unpriced
    .map(
      ({ model, reason, requests }) =>
        `no price: ${requests} requests of ${model || '(unknown)'}: ${reason}\n`,
    )
    .join('')
  if (report.suspects.length === 0) return head + missing
  const table = new Table({
    head: ['sku, likeliest first', 'sessions', 'of them off', 'drift', 'unexplained', 'list', 'seems to be'],
    style: { head: [], border: [] },
  })
  for (const each of report.suspects) {
    const { sku, sessions, drifting_sessions, drift_usd, unexplained_usd, list_usd, implied_usd } = each
    table.push([
      ...[sku, String(sessions), String(drifting_sessions), drift_usd, unexplained_usd],
      ...[list_usd ?? '', implied_usd ?? ''],
    ])
  }
  return `${head}${missing}${table.toString()}\n`
}
