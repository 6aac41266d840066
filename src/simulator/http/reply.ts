// What a route answered, put on the wire: JSON, a body that the route writes itself, or an error in the envelope.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { ApiError, errorEnvelope } from './api-error.ts'
import type { OpenRecord } from './request-record.ts'
import type { ApiReply } from './router.ts'

/** One exchange on its way through. */
export type Exchange = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly record: OpenRecord
}

/** Sends a reply. `compresses`: whether JSON is gzipped for those who accept it. */
export function sendReply(exchange: Exchange, reply: ApiReply, compresses: boolean): void {
  if (reply.kind === 'json') {
    sendJson(exchange, reply.status, reply.body, compresses)
    return
  }
  exchange.record.status = 200
  // The body of a HEAD never comes, so nobody would ever end it.
  if (exchange.record.method === 'HEAD') exchange.response.writeHead(200).end()
  else reply.attach(exchange.response)
}

/** Sends an error: a refusal as it is, anything else as a 500. Nothing when the client has gone before its end. */
export function sendError(exchange: Exchange, error: unknown, compresses: boolean): void {
  if (exchange.request.destroyed && !exchange.request.complete) return
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(500, 'api_error', `the simulator failed: ${String(error)}`)
  for (const [name, value] of Object.entries(known.extra.headers ?? {}))
    exchange.response.setHeader(name, value)
  sendJson(exchange, known.status, errorEnvelope(known, exchange.record.requestId), compresses)
}

function sendJson(
  { request, response, record }: Exchange,
  status: number,
  body: unknown,
  compresses: boolean,
): void {
  const text = JSON.stringify(body)
  const isCompressed = compresses && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  const bytes = isCompressed ? gzipSync(text) : Buffer.from(text)
  record.status = status
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(isCompressed ? { 'content-encoding': 'gzip', vary: 'accept-encoding' } : {}),
    'content-length': bytes.length,
  })
  response.end(bytes)
}
