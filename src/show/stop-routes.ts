// The stop button: `POST /api/v1/stop`, `GET /api/v1/stops`, `DELETE /api/v1/stop/{id}`; ordered with `stop.order`, lifted
// with `stop.lift`, seen with `usage.read`.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Stop, StopKind } from '../authorize/stops/stop.ts'
import { TollgateError } from '../kernel/errors.ts'

export type StopOrder = Pick<Stop, 'kind' | 'target' | 'version' | 'reason' | 'archive'> & {
  /** 0 has no end. */
  readonly for_ms: number
}

/** A stop, and what it has done through this gateway. */
export type StopShown = Stop & {
  /** Its target in words. */
  readonly what: string
  readonly in_force: boolean
  /** Sessions interrupted or archived, and not. */
  readonly sessions: number
  readonly failed: number
  /** From the order to the upstream's yes, in milliseconds; null without a session. */
  readonly p50_ms: number | null
  readonly p99_ms: number | null
  readonly streams: number
  /** Ids of those paused. */
  readonly deployments: readonly string[]
  /** Ids of sessions that could not be stopped yet. */
  readonly not_stopped: readonly string[]
  readonly problems: readonly string[]
}

/** What an order would hit. */
export type StopPlan = {
  readonly what: string
  readonly sessions: readonly {
    readonly session_id: string
    readonly team: string
    readonly caller: string
    readonly agent_id: string
    readonly at_work: boolean
    readonly spent_cents: string
  }[]
  readonly streams: number
  readonly callers: readonly string[]
  readonly deployments: readonly string[]
}

export type StopRoutesDeps = {
  readonly stops: {
    /** Resolves once it is durable and the first sweep is over, or after five seconds. */
    readonly order: (order: StopOrder, by: string) => Promise<StopShown>
    readonly plan: (order: StopOrder) => Promise<StopPlan>
    readonly list: () => readonly StopShown[]
    readonly lift: (id: string, by: string) => Promise<StopShown>
  }
}

const kinds = [
  'session',
  'agent',
  'team',
  'caller',
  'key',
  'deployment',
  'all',
] as const satisfies readonly StopKind[]
const yearMs = 365 * 86_400_000
const orderSchema = z
  .strictObject({
    kind: z.enum(kinds, `must be one of ${kinds.join(', ')}`),
    target: z
      .string()
      .regex(/^[^\p{Cc}]{0,256}$/u, 'is no id or name')
      .default(''),
    version: z.int().min(0).max(4_294_967_295).default(0),
    reason: z
      .string('must say why, for everybody who is refused')
      .trim()
      .min(3, 'must say why, for everybody who is refused')
      .max(500, 'is longer than 500 characters')
      .regex(/^[^\p{Cc}]*$/u, 'holds control characters'),
    archive: z.boolean().default(false),
    for_ms: z.int().min(0).max(yearMs, 'is longer than a year').default(0),
    dry_run: z.boolean().default(false),
  })
  .refine(({ kind, target }) => (kind === 'all') === (target === ''), {
    path: ['target'],
    message: 'names what is stopped; only `all` has none',
  })
  .refine(({ kind, version }) => version === 0 || kind === 'agent', {
    path: ['version'],
    message: 'is for agents alone',
  })

/** Adds the routes. */
export function registerStops(
  app: FastifyInstance,
  { stops }: StopRoutesDeps,
  fromLedger: <T>(load: () => Promise<T>) => Promise<T>,
): void {
  app.get('/api/v1/stops', { config: { action: 'usage.read' } }, async () => ({ stops: stops.list() }))

  app.post('/api/v1/stop', { config: { action: 'stop.order' } }, async (request, reply) => {
    const parsed = orderSchema.safeParse(request.body ?? {})
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw new TollgateError('show.query_invalid', `\`${issue?.path.join('.')}\` ${issue?.message}`)
    }
    const { dry_run: isDryRun, ...order } = parsed.data
    if (isDryRun) return { dry_run: true, plan: await fromLedger(() => stops.plan(order)) }
    reply.code(201)
    return { dry_run: false, stop: await stops.order(order, request.askedBy?.id ?? '') }
  })

  app.delete('/api/v1/stop/:id', { config: { action: 'stop.lift' } }, async (request) => {
    const { id } = z.object({ id: z.string() }).parse(request.params)
    return { stop: await stops.lift(id, request.askedBy?.id ?? '') }
  })
}
