// The routes of /v1/organizations/analytics: what was used and what it costs, by bucket of time and dimension.
// For the admin key only. Everything is there at once: `data_refreshed_at` is the moment of the report.

import { type ApiRequest, json, type Route } from '../http/router.ts'
import type { World } from '../world.ts'
import { costReport, costRows } from './cost-report.ts'
import { createReportPages, type RowSet } from './report-pages.ts'
import { type ReportKind, type ReportQuery, readReportQuery } from './report-query.ts'
import { usageReport, usageReportRows } from './usage-report.ts'

/** The analytics routes over `world`. */
export function analyticsRoutes(world: World): readonly Route[] {
  const access = 'analytics'
  const pages = createReportPages(world.clock.nowMs)
  const route = (
    pattern: string,
    kind: ReportKind,
    rows: (world: World, query: ReportQuery) => readonly RowSet[],
  ): Route => ({
    method: 'GET',
    pattern,
    access,
    run: ({ query }: ApiRequest) => {
      const report = readReportQuery(query, kind, world.clock.nowMs())
      return json(pages.page(pattern, query, report.limit, () => rows(world, report)))
    },
  })
  return [
    route('/v1/organizations/analytics/usage', usageReport, usageReportRows),
    route('/v1/organizations/analytics/cost', costReport, costRows),
  ]
}
