// `/api/v1/audit/ask`: the auditor's questions, each with its own parameters, as JSON or CSV; read with `audit.read`.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import { TollgateError } from '../kernel/errors.ts'
import type { AskParameter, AskQuestion, AskValues } from '../ledger/queries/ask.ts'
import { faultsOf, instant, once, oneOf, startOfMonthMs } from './parameters.ts'
import { renderRows } from './rows-csv.ts'

type Row = Readonly<Record<string, string | number | boolean | null>>

export type AskRoutesDeps = {
  readonly clock: Clock
  readonly ask: {
    readonly questions: readonly AskQuestion[]
    /** Undefined: no such question. */
    readonly answer: (
      name: string,
      values: Omit<AskValues, 'directory'>,
    ) => Promise<readonly Row[] | undefined>
  }
}

const rowsMax = 10_000
const word = (what: string) => once(what).pipe(z.string().min(1, `must be ${what}`).max(200, 'is too long'))
const parameters = {
  session: word('the id of a session'),
  team: word('the name of a team'),
  agent: word('the id of an agent'),
  caller: word('the name of a caller'),
  match: word('a text to look for'),
  days: once('a number of days')
    .regex(/^[1-9]\d{0,3}$/, 'is no number of days')
    .transform(Number),
  at: instant,
  from: instant,
  to: instant,
} satisfies Readonly<Record<AskParameter, z.ZodType>>

/** Adds the list and the questions. */
export function registerAskRoutes(
  app: FastifyInstance,
  { clock, ask }: AskRoutesDeps,
  fromLedger: <T>(load: () => Promise<T>) => Promise<T>,
): void {
  const config = { action: 'audit.read' }
  app.get('/api/v1/audit/ask', { config }, async () => ({ questions: ask.questions }))

  app.get('/api/v1/audit/ask/:name', { config }, async (request, reply) => {
    const { name } = z.object({ name: z.string() }).parse(request.params)
    const asked = ask.questions.find((each) => each.name === name)
    if (asked === undefined) {
      const names = ask.questions.map((each) => each.name).join(', ')
      throw new TollgateError(
        'show.not_found',
        `there is no question \`${name.slice(0, 40)}\`; there are ${names}`,
      )
    }
    const { format, values } = readParameters(asked, request.query, clock.nowMs())
    const found = (await fromLedger(() => ask.answer(name, values))) ?? []
    const rows = found.slice(0, rowsMax)
    const complete = found.length <= rowsMax
    if (format === 'json') return { name, question: asked.question, unknown: asked.unknown, complete, rows }
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', `attachment; filename="tollgate-${name}.csv"`)
      .header('x-tollgate-complete', String(complete))
      .send(renderRows(rows))
  })
}

function readParameters({ name, takes, needs }: AskQuestion, query: unknown, nowMs: number) {
  const shape = Object.fromEntries(takes.map((each) => [each, parameters[each].optional()]))
  const schema = z.strictObject({ ...shape, format: oneOf(['json', 'csv']).default('json') })
  const parsed = schema.safeParse(query)
  if (!parsed.success) {
    const faults = parsed.error.issues.flatMap((issue) => faultsOf(issue, Object.keys(schema.shape)))
    throw new TollgateError('show.query_invalid', faults.join('; '))
  }
  const given = new Map<string, unknown>(Object.entries(parsed.data))
  const missing = needs.filter((each) => given.get(each) === undefined)
  if (missing.length > 0) {
    const needed = missing.map((each) => `\`${each}\``).join(', ')
    throw new TollgateError('show.query_invalid', `\`${name}\` needs ${needed}`)
  }
  const text = (key: AskParameter) => z.string().catch('').parse(given.get(key))
  const number = (key: AskParameter, otherwise: number) => z.number().catch(otherwise).parse(given.get(key))
  const toMs = number('to', nowMs)
  const fromMs = number('from', startOfMonthMs(toMs - 1))
  if (fromMs >= toMs)
    throw new TollgateError('show.query_invalid', '`from` must be before `to`, which is not included')
  return {
    format: parsed.data.format,
    values: {
      session: text('session'),
      team: text('team'),
      agent: text('agent'),
      caller: text('caller'),
      match: text('match'),
      days: number('days', 90),
      at_ms: number('at', nowMs),
      // A session is asked about whole, whenever it ran, unless a period is named.
      from_ms: given.get('from') === undefined && given.get('session') !== undefined ? 0 : fromMs,
      to_ms: toMs,
      rows_max: rowsMax + 1,
    },
  }
}
