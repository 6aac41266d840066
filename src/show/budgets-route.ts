// `GET /api/v1/budgets`: how far every budget is used, what live sessions may still spend, and what it comes to.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { TollgateError } from '../kernel/errors.ts'
import type { BudgetRow } from '../price/budgets/budget-rows.ts'
import { faultsOf, oneOf } from './parameters.ts'
import { renderRows } from './rows-csv.ts'

export type BudgetsRouteDeps = { readonly loadBudgets: () => Promise<readonly BudgetRow[]> }

const schema = z.strictObject({ format: oneOf(['json', 'csv']).default('json') })

/** Adds the route; read with `usage.read`. */
export function registerBudgets(
  app: FastifyInstance,
  { loadBudgets }: BudgetsRouteDeps,
  fromLedger: <T>(load: () => Promise<T>) => Promise<T>,
): void {
  app.get('/api/v1/budgets', { config: { action: 'usage.read' } }, async (request, reply) => {
    const parsed = schema.safeParse(request.query)
    if (!parsed.success) {
      const faults = parsed.error.issues.flatMap((issue) => faultsOf(issue, Object.keys(schema.shape)))
      throw new TollgateError('show.query_invalid', faults.join('; '))
    }
    const rows = await fromLedger(loadBudgets)
    if (parsed.data.format === 'json') return { complete: true, rows }
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', 'attachment; filename="tollgate-budgets.csv"')
      .send(renderRows(rows))
  })
}
