// The differences of a reconciliation as CSV, a line each.
import { toCell } from './usage-csv.ts'

const columns = [
  ...['level', 'reason', 'is_breach', 'day', 'workspace_id', 'product', 'session_id'],
  ...['ledger_usd', 'provider_usd', 'difference_usd', 'detail'],
] as const

type Line = { readonly [Name in (typeof columns)[number]]: string | boolean }

/** One header row and one row a difference. */
export function renderReconcileCsv({ differences }: { readonly differences: readonly Line[] }): string {
  const rows = differences.map((difference) => columns.map((name) => String(difference[name])))
  return [columns, ...rows].map((cells) => `${cells.map(toCell).join(',')}\r\n`).join('')
}
