// The data plane's own Fastify instance: limits, timeouts and the answers to what never becomes a request.
import type { RequestListener } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { createRawRefusals } from './raw-refusals.ts'
import type { TlsListener } from './tls-listener.ts'

export type ServerOptions = {
  readonly bodyLimitBytes: number
  /** Counts requests that were no HTTP. */
  readonly onMalformed: () => void
  /** Without it: plain http. */
  readonly tls?: Pick<TlsListener, 'createServer'>
}

const keepAliveTimeoutMs = 72_000
// A body that dribbles in holds memory and a connection; large uploads over slow lines still fit.
const requestTimeoutMs = 600_000

/** A Fastify instance without routes; `registerGateway` fills it. */
export function createGatewayServer(options: ServerOptions): FastifyInstance {
  const refusals = createRawRefusals(options.onMalformed)
  const { tls } = options
  const app = Fastify({
    logger: false,
    ...(tls === undefined ? {} : { serverFactory: (handle: RequestListener) => tls.createServer(handle) }),
    // Node's own refusal has no body and is counted nowhere: `arrive` looks for the host.
    http: { requireHostHeader: false },
    requestIdHeader: false,
    genReqId: () => '',
    bodyLimit: options.bodyLimitBytes,
    exposeHeadRoutes: false,
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: requestTimeoutMs,
    routerOptions: {
      caseSensitive: true,
      ignoreTrailingSlash: false,
      ignoreDuplicateSlashes: false,
      // Longer than any request head: `canonicalPath` says what is too long, in the envelope and audited.
      maxParamLength: 64 * 1024,
    },
    // Percent-encoding in a path would make the router read another path than the one we forward:
    // such a request goes to the not-found route, and `arrive` refuses it by what was really sent.
    rewriteUrl: (request) => (hasEncodedPath(request.url ?? '') ? '/' : (request.url ?? '/')),
    clientErrorHandler: refusals.refuseBytes,
  })
  // Node would drop what comes after the first thousand without a word; the head is bounded in bytes all the same.
  app.server.maxHeadersCount = 0
  // Fastify leaves a server that it did not make as it is.
  app.server.keepAliveTimeout = keepAliveTimeoutMs
  app.server.requestTimeout = requestTimeoutMs
  refusals.watch(app.server)
  return app
}

function hasEncodedPath(url: string): boolean {
  const encoded = url.indexOf('%')
  if (encoded < 0) return false
  const query = url.indexOf('?')
  return query < 0 || encoded < query
}
