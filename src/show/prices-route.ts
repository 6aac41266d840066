// `GET /api/v1/prices` and `GET /api/v1/prices/check`: prices in force with their sources, and whether they are still the
// upstream's; read with `usage.read`.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import { TollgateError } from '../kernel/errors.ts'
import type { PriceCheckReport, PriceList } from '../price/price-report.ts'

export type PricesRouteDeps = {
  readonly clock: Clock
  readonly listPrices: (team: string, atMs: number) => PriceList
  readonly checkPrices: (period: {
    readonly fromMs: number
    readonly toMs: number
  }) => Promise<PriceCheckReport>
}

const dayMs = 86_400_000
const daysMax = 92
const daysDefault = 30
const listQuery = z.strictObject({ team: z.string().max(256).default(''), at: z.iso.date().optional() })
const checkQuery = z.strictObject({ from: z.iso.date().optional(), to: z.iso.date().optional() })

/** Adds the routes. Days are UTC; `to` is not included. */
export function registerPrices(
  app: FastifyInstance,
  { clock, listPrices, checkPrices }: PricesRouteDeps,
  fromLedger: <T>(load: () => Promise<T>) => Promise<T>,
): void {
  app.get('/api/v1/prices', { config: { action: 'usage.read' } }, async (request) => {
    const parsed = listQuery.safeParse(request.query)
    if (!parsed.success)
      throw invalid('the parameters are `team`, a name, and `at`, a day such as `2026-11-01`')
    const { team, at } = parsed.data
    return listPrices(team, at === undefined ? clock.nowMs() : Date.parse(at))
  })

  app.get('/api/v1/prices/check', { config: { action: 'usage.read' } }, async (request) => {
    const period = readPeriod(request.query, clock.nowMs())
    return fromLedger(() => checkPrices(period))
  })
}

function readPeriod(query: unknown, nowMs: number): { readonly fromMs: number; readonly toMs: number } {
  const parsed = checkQuery.safeParse(query)
  if (!parsed.success) throw invalid('the parameters are `from` and `to`, days such as `2026-11-01`')
  const { from, to } = parsed.data
  const tomorrowMs = (Math.floor(nowMs / dayMs) + 1) * dayMs
  const toMs = to === undefined ? tomorrowMs : Date.parse(to)
  const fromMs = from === undefined ? toMs - daysDefault * dayMs : Date.parse(from)
  if (fromMs >= toMs) throw invalid('`from` must be before `to`, which is not included')
  if (toMs - fromMs > daysMax * dayMs)
    throw invalid(`\`from\` to \`to\` spans more than ${daysMax} days; ask for less`)
  return { fromMs, toMs }
}

const invalid = (message: string) => new TollgateError('show.query_invalid', message)
