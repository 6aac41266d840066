// `tollgate pins report`: what ran otherwise than by a chosen and approved version, as a table, JSON or CSV, with an exit
// code that CI can go by.
import Table from 'cli-table3'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { parseJson } from '../kernel/parse-json.ts'
import { renderExposureCsv } from '../show/pins-report-csv.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { withGateway } from './pins-answers.ts'
import { printable } from './printable.ts'

const reportAnswer = z.object({
  from: z.string(),
  to: z.string(),
  complete: z.boolean(),
  problems: z.array(z.string()),
  sessions: z.number(),
  pending: z.number(),
  groups: z.array(
    z.object({
      finding: z.string(),
      team: z.string(),
      agent_id: z.string(),
      agent_name: z.string(),
      count: z.number(),
      sessions: z.number(),
    }),
  ),
  findings: z.array(
    z.object({
      finding: z.string(),
      team: z.string(),
      caller: z.string(),
      agent_id: z.string(),
      agent_name: z.string(),
      agent_version: z.number(),
      object: z.string(),
      session_id: z.string(),
      at: z.string(),
      request_id: z.string(),
      detail: z.string(),
      sentence: z.string(),
    }),
  ),
  left_out: z.number(),
})
type ReportAnswer = z.output<typeof reportAnswer>

type ReportOptions = AdminOptions & {
  readonly from?: string
  readonly to?: string
  readonly format: 'table' | 'json' | 'csv'
}

/** What the shell gets: CI must never take "cannot say" for "none". */
const answers = { none: exitCodes.done, findings: exitCodes.failed, unknown: exitCodes.wrongUse } as const

const help = `
Exit codes: 0 nothing found, 1 findings, 2 cannot say (wrong use, no answer, or not everything could be looked at and
nothing was found in the rest), 3 the key was refused.
Dates are UTC; the end is not included. Without them the report covers the last seven days.

  tollgate pins report
  tollgate pins report --from 2026-10-01 --to 2026-11-01 --format csv > october.csv
`

/** Adds the command. */
export function addPinsReport(pins: Command, io: CommandIo): void {
  withGateway(
    pins.command('report').description('print what ran unpinned, unapproved, changed or outside the gateway'),
  )
    .option('--from <date>', 'first instant, such as 2026-10-01 or 2026-10-01T12:00:00Z')
    .option('--to <date>', 'first instant no longer included')
    .addOption(
      new Option('--format <format>', 'how to print it').choices(['table', 'json', 'csv']).default('table'),
    )
    .addHelpText('after', help)
    .action(async (options: ReportOptions) => {
      const { text, report } = await load(options, io)
      const print = {
        table: () => renderReport(report),
        json: () => `${text}\n`,
        csv: () => renderExposureCsv(report),
      }
      io.out(print[options.format]())
      for (const problem of report.problems) io.err(`tollgate: ${printable(problem)}\n`)
      const count = report.findings.length + report.left_out
      if (count > 0) {
        throw new CommandError(
          `${count} ${count === 1 ? 'finding' : 'findings'} in ${report.sessions} sessions`,
          answers.findings,
        )
      }
      if (!report.complete)
        throw new CommandError('nothing was found, but not everything could be looked at', answers.unknown)
    })
}

async function load(
  options: ReportOptions,
  io: CommandIo,
): Promise<{ readonly text: string; readonly report: ReportAnswer }> {
  const { from, to } = options
  try {
    const json = await askAdmin('/api/v1/pins/report', { from, to, format: 'json' }, options, io)
    const answer = reportAnswer.safeParse(parseJson(json))
    if (!answer.success)
      throw new CommandError('the admin listener answered in a form this version does not know')
    return { text: json, report: answer.data }
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === exitCodes.refused) throw error
    throw new CommandError(error.message, answers.unknown)
  }
}

function renderReport(report: ReportAnswer): string {
  const minute = (iso: string): string => iso.slice(0, 16).replace('T', ' ')
  const period = `versions, ${minute(report.from)} to ${minute(report.to)} (UTC): ${report.sessions} sessions`
  const pending = report.pending === 0 ? '' : `, ${report.pending} too new to judge`
  const head = `${period}${pending}\n`
  if (report.findings.length === 0) return `${head}nothing was found\n`
  const table = new Table({
    head: ['finding', 'team', 'agent', 'count', 'sessions'],
    style: { head: [], border: [] },
  })
  for (const { finding, team, agent_id, agent_name, count, sessions } of report.groups) {
    table.push(
      [finding, team || '(nobody known)', agent_name || agent_id, count, sessions].map((cell) =>
        printable(String(cell)),
      ),
    )
  }
  const lines = report.findings.map(({ at, sentence }) => `${minute(at)}  ${printable(sentence)}\n`)
  const rest = report.left_out === 0 ? '' : `and ${report.left_out} more\n`
  return `${head}${table.toString()}\n${lines.join('')}${rest}`
}
