// What policy decided, for `tollgate policy shadow` and `replay`: two reports on the ledger, read with `policy.read`.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import { TollgateError } from '../kernel/errors.ts'
import type { Decisions, Disagreements } from '../ledger/queries/policy-history.ts'

export type PolicyRoutesDeps = {
  readonly clock: Clock
  readonly policyHistory: {
    readonly disagreements: (fromMs: number) => Promise<Disagreements>
    readonly decisions: (fromMs: number) => Promise<Decisions>
  }
}

/** Keeps what a failing ledger says out of the answer. */
type FromLedger = <T>(load: () => Promise<T>) => Promise<T>

const daysMax = 92
const schema = z.strictObject({ days: z.coerce.number().int().min(1).max(daysMax).default(7) })

/** Adds `/api/v1/policy/shadow` and `/api/v1/policy/decisions`; both take `days`, 7 unless given. */
export function registerPolicyRoutes(
  app: FastifyInstance,
  { clock, policyHistory }: PolicyRoutesDeps,
  fromLedger: FromLedger,
): void {
  const reports = { shadow: policyHistory.disagreements, decisions: policyHistory.decisions }
  for (const [name, load] of Object.entries(reports)) {
    app.get(`/api/v1/policy/${name}`, { config: { action: 'policy.read' } }, async (request) => {
      const toMs = clock.nowMs()
      const fromMs = toMs - readDays(request.query) * 86_400_000
      const report = await fromLedger<object>(() => load(fromMs))
      return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), ...report }
    })
  }
}

function readDays(query: unknown): number {
  const result = schema.safeParse(query)
  if (result.success) return result.data.days
  throw new TollgateError(
    'show.query_invalid',
    `the only parameter is \`days\`, a whole number from 1 to ${daysMax}`,
  )
}
