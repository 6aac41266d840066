// The usage report as a table for a terminal: right-aligned figures, exact money, nothing left out in silence.
import Table from 'cli-table3'
import { printable } from './printable.ts'
import type { UsageAnswer } from './usage-answer.ts'

type Line = UsageAnswer['total']
type Column = { readonly title: string; readonly cell: (line: Line) => string; readonly text?: true }

/** Draws the report; `key` is what it is grouped by. Ends with a newline. */
export function renderUsageTable(report: UsageAnswer): string {
  const period = `usage by ${report.group_by}, ${toMinute(report.from)} to ${toMinute(report.to)} (UTC)\n`
  if (report.lines.length === 0) return `${period}nothing was used in this period\n`
  const columns = columnsFor(report)
  const table = new Table({
    head: columns.map((column) => column.title),
    colAligns: columns.map((column) => (column.text ? 'left' : 'right')),
    style: { head: [], border: [] },
    chars: quietBorders,
  })
  for (const line of [...report.lines, report.total]) table.push(columns.map((column) => column.cell(line)))
  return `${period}${table.toString()}\n${footnotes(report)}`
}

function columnsFor(report: UsageAnswer): readonly Column[] {
  const { total } = report
  const places = placesOf([...report.lines, total])
  const optional = (shown: boolean, column: Column) => (shown ? [column] : [])
  return [
    ...optional(report.bucket !== null, {
      title: report.bucket ?? '',
      cell: (line) => (line.bucket === null ? '' : toMinute(line.bucket)),
      text: true,
    }),
    { title: report.group_by, cell: (line) => printable(line.key), text: true },
    { title: 'input', cell: (line) => grouped(line.input_tokens) },
    { title: 'output', cell: (line) => grouped(line.output_tokens) },
    { title: 'cache read', cell: (line) => grouped(line.cache_read_tokens) },
    {
      title: 'cache write',
      cell: (line) => grouped(line.cache_write_5m_tokens + line.cache_write_1h_tokens),
    },
    { title: 'running s', cell: (line) => seconds(line.running_ms) },
    { title: 'idle s', cell: (line) => seconds(line.idle_ms) },
    ...optional(total.waiting_ms > 0, { title: 'waiting s', cell: (line) => seconds(line.waiting_ms) }),
    ...optional(total.rescheduling_ms > 0, {
      title: 'resched. s',
      cell: (line) => seconds(line.rescheduling_ms),
    }),
    { title: 'sessions', cell: (line) => grouped(line.sessions) },
    ...optional(total.web_search_requests > 0, {
      title: 'searches',
      cell: (line) => grouped(line.web_search_requests),
    }),
    ...optional(total.unpriced_requests > 0, {
      title: 'unpriced',
      cell: (line) => grouped(line.unpriced_requests),
    }),
    { title: 'cost USD', cell: (line) => money(line.cost_usd, places) },
  ]
}

function footnotes({ total }: UsageAnswer): string {
  const notes: string[] = []
  if (total.unpriced_requests > 0) {
    notes.push(
      `${grouped(total.unpriced_requests)} of ${grouped(total.model_requests)} model requests have no known price: only what the provider stated of their sessions is in the cost`,
    )
  }
  if (total.provisional_running_ms > 0) {
    notes.push(
      `${seconds(total.provisional_running_ms)} s are still running, or their end was not seen yet, and are not in the cost`,
    )
  }
  if (total.adjustments > 0) {
    notes.push(
      `${grouped(total.adjustments)} adjustments make facts equal to the provider's own count; they are ${total.adjustment_cost_usd} USD of the cost (see \`tollgate adjustments\`)`,
    )
  }
  return notes.map((note) => `note: ${note}\n`).join('')
}

const grouped = (value: number) => value.toLocaleString('en-US')
const seconds = (ms: number) =>
  (ms / 1000).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const toMinute = (iso: string) => iso.slice(0, 16).replace('T', ' ')

/** Exact: never rounded, padded so that the points of a column stand below each other. */
function money(exact: string, places: number): string {
  const [whole = '0', fraction = ''] = exact.split('.')
  return `${whole}.${fraction.padEnd(places, '0')}`
}

/** Places after the point that the most exact of the figures needs; at least the cents. */
function placesOf(lines: readonly Line[]): number {
  const fractions = lines.map((line) => line.cost_usd.split('.')[1]?.replace(/0+$/, '') ?? '')
  return Math.max(2, ...fractions.map((fraction) => fraction.length))
}

const quietBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  right: '',
  'right-mid': '',
  mid: '',
  'mid-mid': '',
  middle: ' ',
}
