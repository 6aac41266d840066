// The usage report as CSV (RFC 4180) that a spreadsheet can open without running what is in it.
import type { UsageLine, UsageReport } from '../price/usage-report.ts'

/** The columns after `group_by`, in order. Units are in the names; money is exact decimal text. */
const columns = [
  'key',
  'bucket',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'model_requests',
  'unpriced_requests',
  'running_ms',
  'provisional_running_ms',
  'idle_ms',
  'waiting_ms',
  'rescheduling_ms',
  'web_search_requests',
  'adjustments',
  'sessions',
  'token_cost_usd',
  'adjustment_cost_usd',
  'runtime_cost_usd',
  'web_search_cost_usd',
  'cost_usd',
] as const satisfies readonly (keyof UsageLine)[]

/** One header row and one row a line. The total is left out, so that summing a column gives it. */
export function renderUsageCsv(report: UsageReport): string {
  const header = ['group_by', ...columns]
  const rows = report.lines.map((line) => [report.group_by, ...columns.map((column) => line[column] ?? '')])
  return [header, ...rows].map((cells) => `${cells.map(toCell).join(',')}\r\n`).join('')
}

// Excel, LibreOffice and Sheets run a cell that begins like this, quoted or not (OWASP: CSV injection).
const formulaStart = /^[=+\-@\t\r\n＝＋－＠]/
const plainNumber = /^-?\d+(\.\d+)?$/

/** One cell. Callers choose names and metadata: text that would be run gets an apostrophe before it. */
export function toCell(value: string | number): string {
  const text = String(value)
  const safe = formulaStart.test(text) && !plainNumber.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
