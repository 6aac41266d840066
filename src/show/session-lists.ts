// Lists over sessions, each a GET with the same parameters: adjustments of what they used, and their uses of tools.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import { TollgateError } from '../kernel/errors.ts'
import type { AdjustmentLine, SessionListQuery } from '../ledger/queries/adjustments.ts'
import type { ToolUse } from '../ledger/queries/tool-uses.ts'
import { faultsOf, instant, once, oneOf, startOfMonthMs } from './parameters.ts'
import { renderRows } from './rows-csv.ts'

export type SessionListsDeps = {
  readonly clock: Clock
  readonly loadAdjustments: (query: SessionListQuery) => Promise<readonly AdjustmentLine[]>
  readonly loadToolUses: (query: SessionListQuery) => Promise<readonly ToolUse[]>
}

/** A list is for people and spreadsheets; who needs more asks for less time at once. */
const rowsMax = 10_000
const daysMax = 366

const schema = z.strictObject({
  from: instant.optional(),
  to: instant.optional(),
  session: once('the id of a session')
    .regex(/^[A-Za-z0-9_/.-]{1,200}$/, 'is no id of a session')
    .optional(),
  format: oneOf(['json', 'csv']).default('json'),
})

/** Adds `/api/v1/adjustments` and `/api/v1/tool-uses`; without `from` they are of this calendar month (UTC). */
export function registerSessionLists(
  app: FastifyInstance,
  deps: SessionListsDeps,
  fromLedger: <T>(load: () => Promise<T>) => Promise<T>,
): void {
  const add = <Row extends object>(
    name: string,
    load: (query: SessionListQuery) => Promise<readonly Row[]>,
  ) => {
    app.get(`/api/v1/${name}`, { config: { action: 'usage.read' } }, async (request, reply) => {
      const { format, ...query } = readQuery(request.query, deps.clock.nowMs())
      const found = await fromLedger(() => load({ ...query, rowsMax: rowsMax + 1 }))
      const rows = found.slice(0, rowsMax)
      const complete = found.length <= rowsMax
      if (format === 'json') return { from: iso(query.fromMs), to: iso(query.toMs), complete, rows }
      return reply
        .type('text/csv; charset=utf-8; header=present')
        .header('content-disposition', `attachment; filename="tollgate-${name}.csv"`)
        .header('x-tollgate-complete', String(complete))
        .send(renderRows(rows))
    })
  }
  add('adjustments', deps.loadAdjustments)
  add('tool-uses', deps.loadToolUses)
}

function readQuery(params: unknown, nowMs: number) {
  const parsed = schema.safeParse(params)
  if (!parsed.success) {
    throw invalid(parsed.error.issues.flatMap((issue) => faultsOf(issue, Object.keys(schema.shape))))
  }
  const { session, format } = parsed.data
  const toMs = parsed.data.to ?? nowMs
  const fromMs = parsed.data.from ?? startOfMonthMs(toMs - 1)
  if (fromMs >= toMs) throw invalid(['`from` must be before `to`, which is not included'])
  if (toMs - fromMs > daysMax * 86_400_000) {
    throw invalid([`\`from\` to \`to\` spans more than ${daysMax} days; ask for less`])
  }
  return { sessionId: session ?? '', fromMs, toMs, format }
}

const invalid = (faults: readonly string[]) => new TollgateError('show.query_invalid', faults.join('; '))
const iso = (ms: number) => new Date(ms).toISOString()
