// `GET /api/v1/pins/report`: what ran otherwise than by a chosen and approved version, for people and for CI. Read with
// `policy.read`.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ExposureReport } from '../audit/exposure/report.ts'
import type { Clock } from '../kernel/clock.ts'
import { TollgateError } from '../kernel/errors.ts'
import { renderExposureCsv } from './pins-report-csv.ts'

export type PinsReportDeps = {
  readonly clock: Clock
  readonly loadExposureReport: (period: {
    readonly fromMs: number
    readonly toMs: number
  }) => Promise<ExposureReport>
}

const dayMs = 86_400_000
const defaultDays = 7
/** The upstream's list of that time is read whole. */
const daysMax = 92

const instant = z.union([z.iso.date(), z.iso.datetime({ offset: true })])
const schema = z.strictObject({
  from: instant.optional(),
  to: instant.optional(),
  format: z.enum(['json', 'csv']).default('json'),
})

/** Adds the route. `from` is inclusive, `to` exclusive; without them it covers the last seven days. */
export function registerPinsReport(
  app: FastifyInstance,
  { clock, loadExposureReport }: PinsReportDeps,
  fromLedger: <T>(load: () => Promise<T>) => Promise<T>,
): void {
  app.get('/api/v1/pins/report', { config: { action: 'policy.read' } }, async (request, reply) => {
    const { fromMs, toMs, format } = readQuery(request.query, clock.nowMs())
    const report = await fromLedger(() => loadExposureReport({ fromMs, toMs }))
    if (format === 'json') return report
    const name = `tollgate-pins-report-${report.from.slice(0, 10)}-${report.to.slice(0, 10)}.csv`
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', `attachment; filename="${name}"`)
      .header('x-tollgate-complete', String(report.complete))
      .send(renderExposureCsv(report))
  })
}

function readQuery(query: unknown, nowMs: number) {
  const parsed = schema.safeParse(query)
  if (!parsed.success) {
    throw invalid(
      'the parameters are `from` and `to`, each a date such as `2026-01-31` or a time such as `2026-01-31T12:00:00Z`, and `format`, `json` or `csv`',
    )
  }
  const { from, to, format } = parsed.data
  const toMs = to === undefined ? nowMs : Date.parse(to)
  const fromMs = from === undefined ? toMs - defaultDays * dayMs : Date.parse(from)
  if (fromMs >= toMs) throw invalid('`from` must be before `to`, which is not included')
  if (toMs - fromMs > daysMax * dayMs)
    throw invalid(`\`from\` to \`to\` spans more than ${daysMax} days; ask for less`)
  return { fromMs, toMs, format }
}

const invalid = (message: string) => new TollgateError('show.query_invalid', message)
