// The data plane's own Fastify instance: limits, timeouts and the answers to what never becomes a request.
import Fastify, { type FastifyInstance } from 'fastify'
import { newId } from '../kernel/ids.ts'
import { errorEnvelope } from '../upstream/error-envelope.ts'

export type ServerOptions = {
  readonly bodyLimitBytes: number
  /** Counts requests that were no HTTP. */
  readonly onMalformed: () => void
}

/** A Fastify instance without routes; `registerGateway` fills it. */
export function createGatewayServer(options: ServerOptions): FastifyInstance {
  const app = Fastify({
    logger: false,
    requestIdHeader: false,
    genReqId: () => '',
    bodyLimit: options.bodyLimitBytes,
    exposeHeadRoutes: false,
    keepAliveTimeout: 72_000,
    // A body that dribbles in holds memory and a connection; large uploads over slow lines still fit.
    requestTimeout: 600_000,
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
    clientErrorHandler(error, socket) {
      options.onMalformed()
      if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
      const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
      const message = tooLarge
        ? 'the request head is larger than 16 KiB'
        : 'the bytes received are not an HTTP/1.1 request'
      const { body } = errorEnvelope('arrive.request_malformed', message, newId('req', Date.now()))
      const status = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'
      socket.end(
        `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      )
    },
  })
  // Node would drop what comes after the first thousand without a word; the head is bounded in bytes all the same.
  app.server.maxHeadersCount = 0
  return app
}

function hasEncodedPath(url: string): boolean {
  const encoded = url.indexOf('%')
  if (encoded < 0) return false
  const query = url.indexOf('?')
  return query < 0 || encoded < query
}
