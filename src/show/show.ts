// The admin listener: health for the orchestrator, figures for finance and operators. Its own port, its own
// Fastify instance; every answer is fresh, and every refusal has the same envelope as the data plane's.
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type ErrorCode, errorKinds, TollgateError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { UsageQuery, UsageReport } from '../price/usage-report.ts'
import { errorEnvelope } from '../upstream/error-envelope.ts'
import { type AskRoutesDeps, registerAskRoutes } from './ask-routes.ts'
import { type AuditRoutesDeps, registerAuditRoutes } from './audit-routes.ts'
import { type BudgetsRouteDeps, registerBudgets } from './budgets-route.ts'
import { type ChargebackRoutesDeps, registerChargeback } from './chargeback-routes.ts'
import { type GuardDeps, guard } from './guard.ts'
import { type PinsReportDeps, registerPinsReport } from './pins-report-route.ts'
import { type PinsRoutesDeps, registerPinsRoutes } from './pins-routes.ts'
import { type PolicyRoutesDeps, registerPolicyRoutes } from './policy-routes.ts'
import { type PricesRouteDeps, registerPrices } from './prices-route.ts'
import { createReadiness, type ReadinessCheck } from './readiness.ts'
import { type ReconcileRouteDeps, registerReconcile } from './reconcile-route.ts'
import { registerSessionLists, type SessionListsDeps } from './session-lists.ts'
import { registerSessionTrace, type SessionTraceRouteDeps } from './session-trace-route.ts'
import { registerStops, type StopRoutesDeps } from './stop-routes.ts'
import { renderUsageCsv } from './usage-csv.ts'
import { parseUsageQuery } from './usage-query.ts'
import { type ReceiveWebhook, registerWebhookRoute } from './webhook-route.ts'

export type ShowRefusal = {
  readonly requestId: string
  readonly code: ErrorCode
  readonly message: string
  /** Only for the log. */
  readonly cause: unknown
}

export type ShowDeps = GuardDeps &
  PolicyRoutesDeps &
  PinsRoutesDeps &
  PinsReportDeps &
  AuditRoutesDeps &
  ReconcileRouteDeps &
  PricesRouteDeps &
  SessionTraceRouteDeps &
  SessionListsDeps &
  AskRoutesDeps &
  ChargebackRoutesDeps &
  BudgetsRouteDeps &
  StopRoutesDeps & {
    readonly loadUsageReport: (query: UsageQuery) => Promise<UsageReport>
    /** When each key was last used. */
    readonly loadKeyUse: () => Promise<readonly { readonly key_id: string; readonly last_used: string }[]>
    /** Takes the upstream's webhooks; null when there is no key to check them by. */
    readonly receiveWebhook?: ReceiveWebhook | null
    readonly metrics: { readonly exposition: () => Promise<string> }
    readonly readiness: readonly ReadinessCheck[]
    /** How long one readiness check may take; 2,000 when not given. */
    readonly readinessTimeoutMs?: number
    /** Called for every refused or failed request; must not throw. */
    readonly onRefused: (refusal: ShowRefusal) => void
  }

// Answers hold figures about people's work: no cache keeps them, no page frames or sniffs them.
const fixedHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Builds the admin listener; the caller listens and closes. */
export function buildShow(deps: ShowDeps): FastifyInstance {
  const app = Fastify({
    logger: false,
    requestIdHeader: false,
    genReqId: () => newId('req', deps.clock.nowMs()),
    bodyLimit: 64 * 1024,
    // Nobody here sends a body worth waiting for.
    requestTimeout: 30_000,
    exposeHeadRoutes: false,
    // A shutdown does not wait for a browser's spare connection, nor for a report nobody will read.
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => refuse(error, request.id, reply, deps),
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end(malformed(newId('req', deps.clock.nowMs())))
      else socket.destroy()
    },
  })
  app.decorateRequest('askedBy', null)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...fixedHeaders, 'request-id': request.id })
    request.askedBy = await guard(deps, request)
    // Here and not in the not-found handler: that one runs after the body, which nobody here reads.
    if (request.is404) throw nothingAt(app, request, reply)
  })
  app.setErrorHandler((error, request, reply) => refuse(error, request.id, reply, deps))
  registerRoutes(app, deps)
  return app
}

function registerRoutes(app: FastifyInstance, deps: ShowDeps): void {
  const readiness = createReadiness(deps.readiness, deps.readinessTimeoutMs ?? 2_000)

  app.get('/live', { config: { open: true } }, async () => ({ live: true }))

  app.get('/ready', { config: { open: true } }, async (_request, reply) => {
    const state = await readiness()
    return reply.code(state.ready ? 200 : 503).send(state)
  })

  app.get('/metrics', { config: { action: 'usage.read' } }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await deps.metrics.exposition()),
  )

  app.get('/api/v1/keys/used', { config: { action: 'usage.read' } }, async () => ({
    keys: await fromLedger(deps.loadKeyUse),
  }))

  registerPolicyRoutes(app, deps, fromLedger)
  registerPinsRoutes(app, deps, fromLedger)
  registerPinsReport(app, deps, fromLedger)
  registerAuditRoutes(app, deps, fromLedger)
  registerReconcile(app, deps, fromLedger)
  registerPrices(app, deps, fromLedger)
  registerSessionTrace(app, deps, fromLedger)
  registerSessionLists(app, deps, fromLedger)
  registerAskRoutes(app, deps, fromLedger)
  registerChargeback(app, deps, fromLedger)
  registerBudgets(app, deps, fromLedger)
  registerStops(app, deps, fromLedger)
  registerWebhookRoute(app, deps.receiveWebhook ?? null)

  app.get('/api/v1/usage', { config: { action: 'usage.read' } }, async (request, reply) => {
    const { query, format } = parseUsageQuery(request.query, deps.clock.nowMs())
    const report = await fromLedger(() => deps.loadUsageReport(query))
    const wantsCsv = /\btext\/csv\b/i.test(request.headers.accept ?? '')
    if (format === 'json' || (format === undefined && !wantsCsv)) return report
    const name = `tollgate-usage-${report.group_by}-${report.from.slice(0, 10)}-${report.to.slice(0, 10)}.csv`
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', `attachment; filename="${name}"`)
      .send(renderUsageCsv(report))
  })
}

function nothingAt(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): TollgateError {
  const path = request.url.split('?', 1)[0] ?? ''
  if (!app.hasRoute({ method: 'GET', url: path })) return new TollgateError('show.not_found')
  reply.header('allow', 'GET')
  return new TollgateError('arrive.method_unknown', `\`${request.method}\` is not known here; use \`GET\``)
}

async function fromLedger<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    if (cause instanceof TollgateError) throw cause
    throw new TollgateError('show.unavailable', undefined, { cause })
  }
}

/** Any thrown thing in the envelope; what nobody planned for is `gateway.internal`, its cause for the log only. */
function refuse(error: unknown, requestId: string, reply: FastifyReply, deps: ShowDeps): void {
  const known = error instanceof TollgateError ? error : toKnown(error)
  const { status, headers, body } = errorEnvelope(known.code, known.message, requestId)
  deps.onRefused({ requestId, code: known.code, message: known.message, cause: known.cause })
  void reply
    .code(status)
    .headers({ ...fixedHeaders, ...headers })
    .send(body)
}

function toKnown(error: unknown): TollgateError {
  // Fastify's own refusals (a bad URL, an unreadable body) carry a status below 500.
  const isRefusal = error instanceof Error && 'statusCode' in error && Number(error.statusCode) < 500
  return new TollgateError(isRefusal ? 'arrive.request_malformed' : 'gateway.internal', undefined, {
    cause: error,
  })
}

function malformed(requestId: string): string {
  const code = 'arrive.request_malformed'
  const { headers, body } = errorEnvelope(code, errorKinds[code].message, requestId)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 400 Bad Request\r\n${lines.join('')}connection: close\r\n\r\n${body}`
}
