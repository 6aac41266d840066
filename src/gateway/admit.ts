// The way in: arrive, identify, pin, authorize. Each step either lets the exchange on or says why not.
// Everything here happens before a byte goes up, and fails closed.
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Authorize } from '../authorize/authorize.ts'
import type { Permit } from '../authorize/permit.ts'
import type { Caller } from '../identify/caller.ts'
import type { Identify, Peer } from '../identify/identify.ts'
import { type Denial, TollgateError } from '../kernel/errors.ts'
import type { PinRequest } from '../pin/pin.ts'
import type { PinOutcome } from '../pin/pin-outcome.ts'
import type { Operation } from '../upstream/operation-type.ts'
import type { Exchange } from './exchange.ts'

export type AdmitDeps = {
  readonly canonicalPath: (rawUrl: string) => { readonly path: string; readonly query: string }
  /** The methods the table knows at this path; none when it does not know the path. */
  readonly methodsAt: (path: string) => readonly string[]
  readonly readJsonBody: (bytes: Buffer, headers: IncomingHttpHeaders) => unknown
  readonly identify: Identify
  readonly pin: (request: PinRequest) => PinOutcome
  /** The body with the caller's stamp in it; null when nothing is stamped; a denial when it forges one. */
  readonly stamp: (request: StampRequest) => Buffer | Denial | null
  readonly authorize: Authorize
  /** Told of what passed: counts what is new to us in it. Must not throw. */
  readonly inspect: (operation: Operation, headers: IncomingHttpHeaders, parsed: unknown) => void
  /** False when the journal has no room left for what a mutating call would cause. */
  readonly journalAccepts: () => boolean
  readonly isClosing: () => boolean
}

export type StampRequest = {
  readonly operation: Operation
  readonly caller: Caller
  readonly exchangeId: string
  /** The bytes as pinned, and the reading of them. */
  readonly body: Buffer
  readonly parsed: unknown
}

/** Before the body is read: a canonical path, a known operation, an identified caller, room to keep what follows. */
export function arrive(
  deps: AdmitDeps,
  request: FastifyRequest,
  exchange: Exchange,
): Operation | Promise<Operation> {
  if (deps.isClosing()) throw new TollgateError('gateway.closing')
  const { path, query } = deps.canonicalPath(exchange.rawUrl)
  exchange.steps.path = path
  const caller = deps.identify(request.raw.rawHeaders, query, peerOf(request))
  return caller instanceof Promise
    ? caller.then((found) => enter(deps, request, exchange, path, found))
    : enter(deps, request, exchange, path, caller)
}

function enter(
  deps: AdmitDeps,
  request: FastifyRequest,
  exchange: Exchange,
  path: string,
  caller: Caller | Denial,
): Operation {
  if ('kind' in caller) throw refusedBy(exchange, caller)
  exchange.steps.caller = caller
  const { operation } = exchange
  if (operation === null) {
    const methods = deps.methodsAt(path)
    if (methods.length === 0) throw new TollgateError('arrive.path_unknown')
    throw new TollgateError(
      'arrive.method_unknown',
      `this method is not known on this path; use ${methods.join(' or ')}`,
    )
  }
  if (operation.body === 'none' && hasBody(request)) throw new TollgateError('arrive.body_unexpected')
  // Node reads the first and hands over both: the upstream might read the other.
  if (operation.body !== 'none' && timesSent(request.raw.rawHeaders, 'content-type') > 1) {
    throw new TollgateError('arrive.request_malformed', '`content-type` was sent twice; send it once')
  }
  if (request.raw.headers['anthropic-workspace-id'] !== undefined) {
    throw new TollgateError(
      'arrive.request_malformed',
      '`anthropic-workspace-id` is not for callers to choose; leave it out, the key of this gateway decides',
    )
  }
  const encoding = request.raw.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new TollgateError(
      'body.encoding_unsupported',
      'send the body without `content-encoding`; Tollgate judges the bytes it forwards',
    )
  }
  if (operation.mutates && !deps.journalAccepts()) throw new TollgateError('journal.unavailable')
  return operation
}

/** After the body is read: one reading of it, the version that would run, and a decision on exactly that. */
export function admit(
  deps: AdmitDeps,
  request: FastifyRequest,
  exchange: Exchange,
  operation: Operation,
): void | Promise<void> {
  const { caller, path } = exchange.steps
  if (caller === null) throw new Error('admit before arrive')
  const received = receivedBody(request, operation)
  const parsed =
    operation.body === 'json' && received !== null ? deps.readJsonBody(received, request.headers) : undefined
  const pin = deps.pin({ operation, caller, body: received, parsed })
  exchange.steps.pin = pin
  if (pin.kind === 'denied') throw refusedBy(exchange, pin.denial)
  const pinnedBody = pin.kind === 'forced' ? pin.body : received
  const pinned = pin.kind === 'forced' ? deps.readJsonBody(pin.body, request.headers) : parsed
  const stamped =
    pinnedBody === null || pinned === undefined
      ? null
      : deps.stamp({ operation, caller, exchangeId: exchange.id, body: pinnedBody, parsed: pinned })
  if (stamped !== null && 'kind' in stamped) throw refusedBy(exchange, stamped)
  const query = exchange.rawUrl.slice(path.length)
  const decision = deps.authorize({
    operation,
    caller,
    params: exchange.params,
    path: path + query,
    body: stamped ?? pinnedBody,
    parsed: pinned,
  })
  const pass = (decided: Permit | Denial): void => {
    keep(exchange, decided)
    deps.inspect(operation, request.raw.headers, pinned)
  }
  return decision instanceof Promise ? decision.then(pass) : pass(decision)
}

function keep(exchange: Exchange, decision: Permit | Denial): void {
  if ('kind' in decision) throw refusedBy(exchange, decision)
  exchange.steps.permit = decision
}

const noUris: readonly string[] = []

function peerOf(request: FastifyRequest): Peer {
  return { ip: request.raw.socket.remoteAddress ?? '', certificateUris: noUris }
}

/** A denial on its way to `refuse`: the value's public parts as an error, its rule kept on the exchange. */
function refusedBy(exchange: Exchange, denial: Denial): TollgateError {
  const { code, rule, message, judged } = denial
  exchange.steps.refusal = judged === undefined ? { code, rule, message } : { code, rule, message, judged }
  return new TollgateError(denial.code, denial.message)
}

function timesSent(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((raw, at) => at % 2 === 0 && raw.toLowerCase() === name).length
}

function hasBody(request: FastifyRequest): boolean {
  const { headers } = request.raw
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

// A multipart body arrives here as an unread stream, everything else as one Buffer.
function receivedBody(request: FastifyRequest, operation: Operation): Buffer | null {
  const { body } = request
  const isBuffered = Buffer.isBuffer(body)
  if (operation.body === 'stream') {
    if (isBuffered || !hasBody(request)) {
      throw new TollgateError('body.type_unsupported', 'send this upload as `multipart/form-data`')
    }
    return null
  }
  if (isBuffered) return body.length > 0 ? body : null
  if (hasBody(request))
    throw new TollgateError('body.type_unsupported', 'send this body as `application/json`')
  return null
}
