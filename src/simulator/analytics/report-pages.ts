// The pages of a report (SDK 1.12.0 core/pagination `ReportPageCursor`). A walk sees one report: its rows are kept
// from the first page on, so that usage arriving meanwhile neither doubles nor hides a row.

import { invalidRequest } from '../http/api-error.ts'
import { newSecretBytes } from '../ids.ts'
import { timestamp } from '../sessions/live-session.ts'

/** Rows that count as one against the limit. */
export type RowSet = readonly unknown[]

type Report = { readonly question: string; readonly rowSets: readonly RowSet[]; readonly madeAtMs: number }

const reportsKept = 100

/** What was asked, without where in the answer one is. */
function questionOf(path: string, query: URLSearchParams): string {
  const kept = [...query].filter(([name]) => name !== 'page' && name !== 'limit').toSorted()
  return JSON.stringify([path, kept])
}

/** The reports being walked; of the oldest, the cursors are no longer good. */
export function createReportPages(nowMs: () => number) {
  const reports = new Map<string, Report>()

  const openReport = (id: string, question: string): Report => {
    const report = reports.get(id)
    if (report === undefined)
      throw invalidRequest('page: not a cursor of this report, or too old: start again')
    if (report.question !== question) throw invalidRequest('page: the cursor was made with another query')
    return report
  }
  const keepReport = (id: string, report: Report): void => {
    reports.set(id, report)
    const oldest = reports.keys().next()
    if (reports.size > reportsKept && !oldest.done) reports.delete(oldest.value)
  }

  return {
    /** One page: of the report that the cursor names, or of the one that `make` makes now. */
    page: (path: string, query: URLSearchParams, limit: number, make: () => readonly RowSet[]) => {
      const question = questionOf(path, query)
      const [id = '', offset = ''] = (query.get('page') ?? '').split('.')
      const reportId = id === '' ? newSecretBytes('report', 16).toString('hex') : id
      const report = id === '' ? { question, rowSets: make(), madeAtMs: nowMs() } : openReport(id, question)
      const from = id === '' ? 0 : Number(offset)
      if (!Number.isInteger(from) || from < 0) throw invalidRequest('page: not a cursor of this report')
      const to = from + limit
      const hasMore = to < report.rowSets.length
      if (hasMore && id === '') keepReport(reportId, report)
      return {
        data: report.rowSets.slice(from, to).flat(),
        has_more: hasMore,
        next_page: hasMore ? `${reportId}.${to}` : null,
        data_refreshed_at: timestamp(report.madeAtMs),
      }
    },
  }
}
