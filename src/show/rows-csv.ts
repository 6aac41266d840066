// Rows of any one shape as CSV: what lists and answers to questions are downloaded as.
import { toCell } from './usage-csv.ts'

/** One header row and one row a line, in the order of the first row's fields; nothing for no rows, for then there are no names. */
export function renderRows(rows: readonly object[]): string {
  if (rows.length === 0) return ''
  const header = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => {
    const values = new Map<string, unknown>(Object.entries(row))
    return header.map((name) => toCell(String(values.get(name) ?? '')))
  })
  return [header.map(toCell), ...cells].map((line) => `${line.join(',')}\r\n`).join('')
}
