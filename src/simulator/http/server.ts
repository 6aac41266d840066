// HTTP in front of the routes: credential, version, beta and rate, then the body, then the route; the answer as JSON, or
// the response handed over. Faults stand between this and the connection.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { SimulatorClock } from '../clock.ts'
import type { Fault } from '../faults/fault.ts'
import type { FaultBook } from '../faults/fault-book.ts'
import { interrupt, interruptsAt } from '../faults/interrupt.ts'
import { shapeResponse } from '../faults/shape-response.ts'
import { newId } from '../ids.ts'
import { checkAccess, refuseCredential } from './access.ts'
import { methodNotAllowed, notFound } from './api-error.ts'
import type { CredentialBook } from './credentials.ts'
import type { RateLimiter } from './rate-limit.ts'
import { type Exchange, sendError, sendReply } from './reply.ts'
import { bodyLimitBytes, readBytes, readJsonBody } from './request-body.ts'
import type { createRequestRecorder } from './request-record.ts'
import { type ApiReply, createRouter, type Route, type RouteMatch } from './router.ts'

/** The two ids that the upstream puts on every response; they name nobody. */
export const identityHeaders = {
  'anthropic-organization-id': '5a1f0c1e-0000-4000-8000-000000000001',
  'anthropic-workspace-id': 'wrkspc_011CSimulatorWorkspace01',
}

type ServerDeps = {
  readonly routes: readonly Route[]
  readonly clock: SimulatorClock
  readonly credentials: CredentialBook
  readonly recorder: ReturnType<typeof createRequestRecorder>
  readonly limiter: RateLimiter
  readonly faults: FaultBook
  /** Whether JSON answers are compressed for those who ask for gzip. */
  readonly compresses: boolean
}

type Answer = (exchange: Exchange) => Promise<ApiReply>

/** A request listener over the routes. Every answer carries `request-id` and the organization's headers. */
export function createListener(deps: ServerDeps): RequestListener {
  const { clock, recorder, faults, compresses } = deps
  const answer = createAnswer(deps, createRouter(deps.routes))

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = recorder.open(request, newId('req'), clock.nowMs())
    const exchange = { request, response, record }
    response.setHeader('request-id', record.requestId)
    for (const [name, value] of Object.entries(identityHeaders)) response.setHeader(name, value)
    try {
      const fault = faults.take(request)
      if (fault !== null) shapeResponse(response, fault, clock)
      if (fault !== null && (await interruptIfAsked(exchange, fault, answer))) return
      sendReply(exchange, await answer(exchange), compresses)
    } catch (error) {
      sendError(exchange, error, compresses)
    }
  }

  return (request, response) => {
    void serve(request, response)
  }
}

/** The way of a request to its route. Throws what is to be refused. */
function createAnswer(
  { credentials, limiter }: ServerDeps,
  match: (method: string, path: string) => RouteMatch,
): Answer {
  return async ({ request, response, record }) => {
    const [path = '/', ...rest] = record.path.split('?')
    const identity = credentials.find(request.headers)
    const found = match(record.method, path)
    if (found.kind === 'none') {
      // Who shows no credential learns nothing of the paths there are.
      if (identity === null && !path.startsWith('/simulator/')) throw refuseCredential(request.headers)
      if (found.allowed.length === 0) throw notFound('Not Found')
      response.setHeader('allow', found.allowed.join(', '))
      throw methodNotAllowed()
    }
    const { route, param } = found
    checkAccess(route.access, identity, request.headers)
    if (route.access !== 'open' && identity !== null) {
      const { headers, refusal } = limiter.take(record.method, path, identity)
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
      if (refusal !== null) throw refusal
    }
    const body = route.body === 'raw' ? undefined : await readJsonBody(request, record)
    const query = new URLSearchParams(rest.join('?'))
    return route.run({ param, query, body, headers: request.headers, identity, raw: request })
  }
}

/** Gives the fault in place of the answer when it asks for that; whether it did. */
async function interruptIfAsked(exchange: Exchange, fault: Fault, answer: Answer): Promise<boolean> {
  const { request, response, record } = exchange
  if (interruptsAt(fault, 'before')) {
    // The request is read to its end, so that the client sees the fault and not a broken write.
    await readBytes(request, record, bodyLimitBytes)
  } else if (interruptsAt(fault, 'after')) {
    // What the route says is lost on purpose, a refusal too.
    await answer(exchange).catch(() => {})
  } else return false
  record.status = interrupt(response, fault, record.requestId)
  return true
}
