// `GET /api/v1/sessions/:id/trace`: what a session did, turn by turn, from the ledger; read with `usage.read`.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { TollgateError } from '../kernel/errors.ts'
import type { SessionTrace } from '../trace/turns/session-trace.ts'

export type SessionTraceRouteDeps = {
  /** Null when the ledger has never heard of the session. */
  readonly loadSessionTrace: (sessionId: string) => Promise<SessionTrace | null>
}

const params = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/) })

/** Adds the route. */
export function registerSessionTrace(
  app: FastifyInstance,
  { loadSessionTrace }: SessionTraceRouteDeps,
  fromLedger: <T>(load: () => Promise<T>) => Promise<T>,
): void {
  app.get('/api/v1/sessions/:id/trace', { config: { action: 'usage.read' } }, async (request) => {
    const parsed = params.safeParse(request.params)
    if (!parsed.success)
      throw new TollgateError('show.query_invalid', 'a session is named by its id, such as `sesn_…`')
    const trace = await fromLedger(() => loadSessionTrace(parsed.data.id))
    if (trace === null) {
      throw new TollgateError(
        'show.not_found',
        `the ledger has never heard of session \`${parsed.data.id}\`; a new one is there a second after it was seen`,
      )
    }
    return trace
  })
}
