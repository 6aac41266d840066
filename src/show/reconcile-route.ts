// `GET /api/v1/reconcile`: the ledger against the provider's own account, read with `usage.read`.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import { TollgateError } from '../kernel/errors.ts'
import type { ReconcileQuery } from '../price/reconcile/reconciliation.ts'
import type { Reconciliation } from '../price/reconcile/tell-reconciliation.ts'
import { renderReconcileCsv } from './reconcile-csv.ts'

export type ReconcileRouteDeps = {
  readonly clock: Clock
  readonly reconcile: (query: ReconcileQuery) => Promise<Reconciliation>
}

const dayMs = 86_400_000
/** What the provider reports of: a year back. */
const daysMax = 92
const schema = z.strictObject({
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  invoice: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,2})?$/)
    .optional(),
  format: z.enum(['json', 'csv']).default('json'),
})

/** Adds the route. `from` and `to` are UTC days, `to` not included; without them it is this month until today. */
export function registerReconcile(
  app: FastifyInstance,
  { clock, reconcile }: ReconcileRouteDeps,
  fromLedger: <T>(load: () => Promise<T>) => Promise<T>,
): void {
  app.get('/api/v1/reconcile', { config: { action: 'usage.read' } }, async (request, reply) => {
    const { format, ...query } = readQuery(request.query, clock.nowMs())
    const report = await fromLedger(() => reconcile(query))
    if (format === 'json') return report
    const name = `tollgate-reconcile-${report.from.slice(0, 10)}-${report.to.slice(0, 10)}.csv`
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', `attachment; filename="${name}"`)
      .header('x-tollgate-complete', String(report.complete))
      .send(renderReconcileCsv(report))
  })
}

function readQuery(query: unknown, nowMs: number): ReconcileQuery & { readonly format: 'json' | 'csv' } {
  const parsed = schema.safeParse(query)
  if (!parsed.success) {
    throw invalid(
      'the parameters are `from` and `to`, days such as `2026-10-01`, `invoice`, an amount such as `1234.56`, and `format`, `json` or `csv`',
    )
  }
  const { from, to, invoice, format } = parsed.data
  const tomorrowMs = (Math.floor(nowMs / dayMs) + 1) * dayMs
  const toMs = to === undefined ? tomorrowMs : Date.parse(to)
  const fromMs =
    from === undefined
      ? Date.parse(`${new Date(toMs - dayMs).toISOString().slice(0, 7)}-01`)
      : Date.parse(from)
  if (fromMs >= toMs) throw invalid('`from` must be before `to`, which is not included')
  if (toMs > tomorrowMs) throw invalid('`to` lies in the future')
  if (toMs - fromMs > daysMax * dayMs)
    throw invalid(`\`from\` to \`to\` spans more than ${daysMax} days; ask for less`)
  return { fromMs, toMs, invoiceUsd: invoice ?? null, format }
}

const invalid = (message: string) => new TollgateError('show.query_invalid', message)
