// The differences of a reconciliation as CSV, a line each.
const columns = [
  ...['level', 'reason', 'is_breach', 'day', 'workspace_id', 'product', 'session_id'],
  ...['ledger_usd', 'provider_usd', 'difference_usd', 'detail'],
] as const

type Line = { readonly [Name in (typeof columns)[number]]: string | boolean }

/** Renders them; a field that a spreadsheet would take for a formula is quoted away. */
export function renderReconcileCsv({ differences }: { readonly differences: readonly Line[] }): string {
  const lines = differences.map((difference) =>
    columns.map((name) => field(String(difference[name]))).join(','),
  )
  return [columns.join(','), ...lines, ''].join('\r\n')
}

function field(text: string): string {
  // A sign before digits is a number; before anything else a spreadsheet would compute it.
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
