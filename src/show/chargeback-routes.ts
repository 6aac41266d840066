// Closing periods and what follows from it: `GET /api/v1/periods`, its lines, a team's statement; read with `usage.read`,
// closed with `period.close`.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { TollgateError } from '../kernel/errors.ts'
import type { ClosedPeriod } from '../ledger/queries/chargeback.ts'
import type { ChargeLine } from '../price/chargeback/charge-line.ts'
import type { Closed, CloseOrder } from '../price/chargeback/close-period.ts'
import type { Statement } from '../price/chargeback/statement.ts'
import { renderRows } from './rows-csv.ts'

export type ChargebackRoutesDeps = {
  readonly chargeback: {
    readonly periods: () => Promise<readonly ClosedPeriod[]>
    readonly lines: (
      period: string,
    ) => Promise<{ readonly closed: ClosedPeriod | null; readonly lines: readonly ChargeLine[] }>
    readonly statement: (team: string, period: string) => Promise<Statement>
    /** The lines as rows of a FOCUS dataset. */
    readonly focus: (period: string) => Promise<readonly object[]>
    /** A statement as a page of Markdown. */
    readonly page: (statement: Statement) => string
    readonly close: (order: CloseOrder) => Promise<Closed>
  }
}

const named = z.object({ period: z.string().regex(/^20\d\d-(0[1-9]|1[0-2])$/) })
const order = z.strictObject({
  early: z.boolean().default(false),
  dry_run: z.boolean().default(false),
  accept: z.string().max(1_000).default(''),
})
const listed = z.strictObject({ format: z.enum(['json', 'csv']).default('json') })
const asked = z.strictObject({
  team: z.string().min(1).max(256),
  format: z.enum(['json', 'csv', 'md']).default('json'),
})

/** Adds the routes. */
export function registerChargeback(
  app: FastifyInstance,
  { chargeback }: ChargebackRoutesDeps,
  fromLedger: <T>(load: () => Promise<T>) => Promise<T>,
): void {
  const reading = { action: 'usage.read' }
  app.get('/api/v1/periods', { config: reading }, async () => ({
    periods: await fromLedger(chargeback.periods),
  }))

  app.get('/api/v1/periods/:period/lines', { config: reading }, async (request, reply) => {
    const period = periodOf(request.params)
    const { format } = read(listed, request.query, 'the parameter is `format`, `json` or `csv`')
    const { closed, lines } = await fromLedger(() => chargeback.lines(period))
    if (format === 'json') return { period, closed, lines }
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', `attachment; filename="tollgate-lines-${period}.csv"`)
      .send(renderRows(lines))
  })

  app.get('/api/v1/periods/:period/focus', { config: reading }, async (request, reply) => {
    const period = periodOf(request.params)
    const rows = await fromLedger(() => chargeback.focus(period))
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', `attachment; filename="tollgate-focus-${period}.csv"`)
      .send(renderRows(rows))
  })

  app.get('/api/v1/periods/:period/statement', { config: reading }, async (request, reply) => {
    const period = periodOf(request.params)
    const { team, format } = read(
      asked,
      request.query,
      'the parameters are `team`, a name, and `format`, `json`, `csv` or `md`',
    )
    const statement = await fromLedger(() => chargeback.statement(team, period))
    if (format === 'json') return statement
    if (format === 'md') return reply.type('text/markdown; charset=utf-8').send(chargeback.page(statement))
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', `attachment; filename="tollgate-statement-${period}.csv"`)
      .send(renderRows(statement.lines))
  })

  app.post('/api/v1/periods/:period/close', { config: { action: 'period.close' } }, async (request) => {
    const period = periodOf(request.params)
    const {
      early,
      dry_run: dryRun,
      accept,
    } = read(
      order,
      request.body ?? {},
      'the body may say `early` and `dry_run`, true or false, and `accept`, a reason',
    )
    const by = request.askedBy?.id ?? ''
    const closed = await fromLedger(() => chargeback.close({ period, by, early, dryRun, accept }))
    return { ...closed.period, is_new: closed.isNew, is_dry_run: dryRun }
  })
}

function periodOf(params: unknown): string {
  return read(named, params, 'a period is a month, such as `2026-10`').period
}

function read<T>(schema: z.ZodType<T>, value: unknown, says: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new TollgateError('show.query_invalid', says)
}
