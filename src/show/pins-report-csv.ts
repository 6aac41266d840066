// The findings of the exposure report as CSV (RFC 4180), a row each, that a spreadsheet can open without running what is
// in it.
import type { ExposureFinding } from '../audit/exposure/finding.ts'
import { toCell } from './usage-csv.ts'

const columns = [
  ...(['finding', 'team', 'caller', 'agent_id', 'agent_name', 'agent_version'] as const),
  ...(['object', 'session_id', 'at', 'request_id', 'detail', 'sentence'] as const),
] satisfies readonly (keyof ExposureFinding)[]

/** A finding as any version of us names it. */
type Row = { readonly [column in (typeof columns)[number]]: string | number }

/** One header row and one row a finding. Whether the report is complete is in a header of the answer, not in here. */
export function renderExposureCsv({ findings }: { readonly findings: readonly Row[] }): string {
  const rows = findings.map((finding) => columns.map((column) => finding[column]))
  return [columns, ...rows].map((cells) => `${cells.map(toCell).join(',')}\r\n`).join('')
}
