// The way in: arrive, identify, pin, authorize. Each step either lets the exchange on or says why not.
// Everything here happens before a byte goes up, and fails closed.
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Authorize } from '../authorize/authorize.ts'
import type { Permit } from '../authorize/permit.ts'
import type { Caller } from '../identify/caller.ts'
import type { ReadPeerCertificate } from '../identify/certificates/peer-certificate.ts'
import type { Identify, Peer } from '../identify/identify.ts'
import { type Denial, TollgateError } from '../kernel/errors.ts'
import { readExposure } from '../pin/exposure.ts'
import type { PinRequest } from '../pin/pin.ts'
import type { PinOutcome } from '../pin/pin-outcome.ts'
import type { Funding } from '../price/budgets/funding.ts'
import type { Operation } from '../upstream/operation-type.ts'
import { asksForDryRun } from './dry-run.ts'
import type { Exchange } from './exchange.ts'
import { reconsider } from './reconsider.ts'
import { checkRequestHead } from './request-head.ts'

export type AdmitDeps = {
  readonly canonicalPath: (rawUrl: string) => { readonly path: string; readonly query: string }
  /** The methods the table knows at this path; none when it does not know the path. */
  readonly methodsAt: (path: string) => readonly string[]
  readonly readJsonBody: (bytes: Buffer, headers: IncomingHttpHeaders) => unknown
  readonly identify: Identify
  readonly readPeerCertificate: ReadPeerCertificate
  readonly pin: (request: PinRequest) => PinOutcome | Promise<PinOutcome>
  /** The body with the caller's stamp in it; null when nothing is stamped; a denial when it forges one. */
  readonly stamp: (request: StampRequest) => Buffer | Denial | null
  readonly authorize: Authorize
  /** Whether budgets have room for what this begins, and the limit it must have; null for what begins nothing. */
  readonly fund: (request: FundRequest) => Funding | null | Promise<Funding>
  /** Why this is stopped; null when it is not. Asked before budgets. */
  readonly stopped: (request: StoppedRequest) => Denial | null | Promise<Denial | null>
  /** The body with this spending limit, in cents, and nothing else changed. */
  readonly writeLimit: (body: Buffer, cents: bigint) => Buffer
  /** Told of what passed: counts what is new to us in it. Must not throw. */
  readonly inspect: (operation: Operation, headers: IncomingHttpHeaders, parsed: unknown) => void
  /** False when the journal has no room left for what a mutating call would cause. */
  readonly journalAccepts: () => boolean
  readonly isClosing: () => boolean
}

export type StoppedRequest = {
  readonly operation: Operation
  readonly caller: Caller
  readonly params: Exchange['params']
  /** The reading of the body as pinned. */
  readonly parsed: unknown
  /** The agent it names, '' without one, and its version; null for the latest. */
  readonly agentId: string
  readonly version: number | null
}

export type FundRequest = StoppedRequest & { readonly exchangeId: string }

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
  checkRequestHead(request.raw)
  const caller = deps.identify(request.raw.rawHeaders, query, peerOf(deps, request))
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
  // A read changes nothing, so it is what it is.
  if (asksForDryRun(request.raw.headers) && operation.mutates) exchange.steps.isDryRun = true
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
  const { caller } = exchange.steps
  if (caller === null) throw new Error('admit before arrive')
  const received = receivedBody(request, operation)
  const parsed =
    operation.body === 'json' && received !== null ? deps.readJsonBody(received, request.headers) : undefined
  const asked: PinRequest = { operation, caller, params: exchange.params, body: received, parsed }
  const proceed = (pin: PinOutcome): void | Promise<void> => judge(deps, request, exchange, asked, pin)
  const pin = deps.pin(asked)
  return pin instanceof Promise ? pin.then(proceed) : proceed(pin)
}

/** A body on its way up, and the reading of it. */
type Judged = { readonly body: Buffer | null; readonly parsed: unknown }

/** What policy says of the body as it was pinned. */
function judge(
  deps: AdmitDeps,
  request: FastifyRequest,
  exchange: Exchange,
  asked: PinRequest,
  pin: PinOutcome,
): void | Promise<void> {
  const { operation } = asked
  exchange.steps.pin = pin
  const forced = pin.kind === 'judged' ? pin.body : null
  const readForced = (body: Buffer): Judged => ({ body, parsed: deps.readJsonBody(body, request.headers) })
  const pinned: Judged = forced === null ? asked : readForced(forced)
  const exposure = readExposure(operation.id, pinned.parsed)
  exchange.steps.exposure = exposure
  const fits = (funding: Funding | null): void | Promise<void> => {
    const isRefused = funding !== null && 'kind' in funding
    if (!isRefused) exchange.steps.funding = funding
    const cents = funding === null || isRefused ? null : funding.limitCents
    const limited = (body: Judged): Judged =>
      cents === null || body.body === null ? body : readForced(deps.writeLimit(body.body, cents))
    const decide = (body: Judged) => authorizeBody(deps, request, exchange, asked, limited(body))
    const decision = decide(pinned)
    const pass = (decided: Permit | Denial): void | Promise<void> => {
      if (pin.kind === 'denied' || (forced !== null && ('kind' in decided || decided.masks.length > 0))) {
        const again = { ...asked, decide, readForced, pin: deps.pin }
        return reconsider(again, pin, decided).then(({ pin: last, decision: final }) => {
          exchange.steps.pin = last
          keep(exchange, isRefused ? refusedStill(final, funding) : final)
        })
      }
      keep(exchange, isRefused ? refusedStill(decided, funding) : decided)
      deps.inspect(operation, request.raw.headers, pinned.parsed)
    }
    return decision instanceof Promise ? decision.then(pass) : pass(decision)
  }
  const about = {
    operation,
    caller: asked.caller,
    params: asked.params,
    parsed: pinned.parsed,
    agentId: exposure.agentId,
    version: exposure.version === 0 ? null : exposure.version,
  }
  const goOn = (stop: Denial | null): void | Promise<void> => {
    const funding = stop ?? deps.fund({ ...about, exchangeId: exchange.id })
    return funding instanceof Promise ? funding.then(fits) : fits(funding)
  }
  const stopped = deps.stopped(about)
  return stopped instanceof Promise ? stopped.then(goOn) : goOn(stopped)
}

/** What policy allows, a stop or a budget may still refuse; what policy denies, nobody is told of them. */
function refusedStill(decided: Permit | Denial, refused: Denial): Permit | Denial {
  // Of what its caller may not see, not even that it is stopped: it goes up with ids that name nothing.
  if ('kind' in decided || decided.masks.length > 0) return decided
  const { capabilities, policyHash, shadow } = decided
  const judged = { capabilities, policyHash, ...(shadow === undefined ? {} : { shadow }) }
  return { ...refused, judged }
}

function authorizeBody(
  deps: AdmitDeps,
  request: FastifyRequest,
  exchange: Exchange,
  { operation, caller }: PinRequest,
  { body, parsed }: Judged,
): Permit | Denial | Promise<Permit | Denial> {
  const stamped =
    body === null || parsed === undefined
      ? null
      : deps.stamp({ operation, caller, exchangeId: exchange.id, body, parsed })
  if (stamped !== null && 'kind' in stamped) return stamped
  const { path } = exchange.steps
  const query = exchange.rawUrl.slice(path.length)
  return deps.authorize({
    operation,
    caller,
    params: exchange.params,
    path: path + query,
    body: stamped ?? body,
    parsed,
    ...billedProfile(request.raw.headers),
  })
}

function keep(exchange: Exchange, decision: Permit | Denial): void {
  if ('kind' in decision) throw refusedBy(exchange, decision)
  exchange.steps.permit = decision
}

/** Sent twice, Node makes one text of both, which is no id: nobody has a profile of that name. */
function billedProfile(headers: IncomingHttpHeaders): { readonly userProfile?: string } {
  const named = headers['anthropic-user-profile-id']
  return named === undefined ? {} : { userProfile: String(named) }
}

function peerOf(deps: AdmitDeps, { raw: { socket } }: FastifyRequest): Peer {
  return { ip: socket.remoteAddress ?? '', certificate: deps.readPeerCertificate(socket) }
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
