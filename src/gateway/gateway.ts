// The corridor: Fastify's routes and hooks, three lines each, calling one room after the other.
// Routes come from the closed table of operations; what is not in it is refused.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ExchangeRecord } from '../audit/exchange-record.ts'
import type { Permit } from '../authorize/permit.ts'
import type { Caller } from '../identify/caller.ts'
import type { Recheck } from '../identify/identify.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Denial, TollgateError } from '../kernel/errors.ts'
import type { RequestArrival, RequestSpan } from '../trace/request-span.ts'
import type { Operation } from '../upstream/operation-type.ts'
import { type AdmitDeps, admit, arrive } from './admit.ts'
import { createBodyBudget } from './body-budget.ts'
import { watchConnections } from './connections.ts'
import { answerDryRun } from './dry-run.ts'
import { type Exchange, openExchange } from './exchange.ts'
import { createQueuedResponses } from './queued-responses.ts'
import { refuse, refuseRaw } from './refuse.ts'
import { awaitsContinue, checkRequestHead } from './request-head.ts'
import { type SendDeps, sayLastWords, send } from './send.ts'
import { toExchangeRecord } from './settle.ts'

export type GatewayDeps = AdmitDeps &
  SendDeps & {
    readonly operations: readonly Operation[]
    readonly clock: Clock
    readonly startSpan: (arrival: RequestArrival) => RequestSpan
    /** Called once per exchange when its socket is done with it; must not throw. */
    readonly onSettled: (exchange: ExchangeRecord, facts: SettledFacts) => void
    readonly onOpened: (operation: Operation | null) => void
    /** Asked of the caller of every open exchange when `withdraw` is called. */
    readonly recheck: Recheck
    /** What must be done before this is sent, e.g. a last look at a session that ends; null for nearly all. Never rejects. */
    readonly beforeForward: (permit: Permit, params: Exchange['params']) => Promise<void> | null
    /** Answers the token endpoint, which is ours and asks for no key; null without issuers. */
    readonly tokenEndpoint: TokenEndpoint | null
  }

/** One call of `POST /v1/oauth/token`. Never rejects: a refusal is an answer too. */
export type TokenEndpoint = (
  body: Buffer,
  contentType: string,
) => Promise<{ readonly status: number; readonly body: object }>

/** What the settled exchange still has that its audit entry does not keep. */
export type SettledFacts = {
  readonly span: RequestSpan
  readonly operation: Operation | null
  readonly isStream: boolean
  /** The sentence behind a refusal and its cause, for the log. */
  readonly message: string
  readonly cause: unknown
  readonly httpVersion: string
}

export type Gateway = {
  /** Ends every open stream properly and drops connections that wait for nothing, so that `close()` waits for calls alone. */
  readonly endStreams: () => void
  /** Destroys every answer that is still open, and every connection. */
  readonly cutAll: () => void
  readonly openExchanges: () => number
  /** The answers that stream now. */
  readonly streams: () => readonly OpenStream[]
  /** Ends a stream after its last whole event, with one that says why; cut within a second in any case. */
  readonly endStream: (exchangeId: string, why: Denial, lastWords: string) => void
  /** Cuts every answer whose caller may no longer be here: its key was revoked, or its token has ended. */
  readonly withdraw: () => void
}

export type OpenStream = {
  readonly exchangeId: string
  readonly operationId: string
  readonly params: Exchange['params']
  readonly caller: Caller
}

/** How long a stream that is to end may be in the middle of an event. */
const lastWordsMs = 1_000

/** Fastify's own, when nobody chose one. */
const defaultBodyBytes = 1024 * 1024

/** Registers the whole data plane on `app`, which must be a listener of its own. */
export function registerGateway(app: FastifyInstance, deps: GatewayDeps): Gateway {
  const open = new Map<FastifyReply['raw'], Exchange>()
  const queued = createQueuedResponses()
  const budget = createBodyBudget(app.initialConfig.bodyLimit ?? defaultBodyBytes)
  const connections = watchConnections(app.server, queued.abandon)

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) => body)
  // Uploads pass unread: their bytes are never held.
  app.addContentTypeParser(
    'multipart/form-data',
    async (_request: FastifyRequest, payload: unknown) => payload,
  )

  app.decorateRequest('exchange')
  // Plain functions instead of async hooks: each promise here is paid by every request.
  app.addHook('onRequest', (request, reply, done) => {
    const exchange = openExchange(request, deps)
    request.exchange = exchange
    const { socket } = request.raw
    queued.note(socket, reply.raw)
    open.set(reply.raw, exchange)
    deps.onOpened(exchange.operation)
    reply.raw.once('close', () => {
      open.delete(reply.raw)
      budget.release(reply.raw)
      // A kept-alive connection would hold up the shutdown until it times out.
      if (deps.isClosing()) socket.end()
      settle(exchange, request, reply, deps)
    })
    const askForBody = (): void => {
      if (awaitsContinue(request.raw)) reply.raw.writeContinue()
    }
    if (request.routeOptions.config.isTokenEndpoint === true) {
      return attempt(() => {
        checkRequestHead(request.raw)
        askForBody()
      }, done)
    }
    const reserve = (operation: Operation): void => {
      if (operation.body === 'json' && !budget.reserve(reply.raw, request.raw.headers)) {
        throw new TollgateError('gateway.busy')
      }
      askForBody()
    }
    attempt(() => {
      const operation = arrive(deps, request, exchange)
      return operation instanceof Promise ? operation.then(reserve) : reserve(operation)
    }, done)
  })
  app.setErrorHandler(async (error, request, reply) => {
    const { steps } = request.exchange
    // A denial is what somebody tried it out for; what could not even be judged is an error as ever.
    if (steps.isDryRun && steps.caller !== null && steps.refusal !== null) {
      answerDryRun(reply, request.exchange, bodyOf(request))
      return reply
    }
    refuse(reply, request.exchange, error)
    return reply
  })
  // `arrive` has already refused: an unknown path has no operation.
  app.setNotFoundHandler(async () => {
    throw new Error('an unknown path passed arrival')
  })
  for (const operation of deps.operations) {
    app.route({
      method: operation.method,
      url: operation.pattern,
      config: { operation },
      preHandler: (request, reply, done) => {
        budget.settle(reply.raw, Buffer.isBuffer(request.body) ? request.body.length : 0)
        attempt(() => admit(deps, request, request.exchange, operation), done)
      },
      handler: (request, reply) => {
        if (request.exchange.steps.isDryRun) return answerDryRun(reply, request.exchange, bodyOf(request))
        reply.hijack()
        sendInTime(request.exchange, request, reply, deps)
      },
    })
  }
  if (deps.tokenEndpoint !== null) serveTokens(app, deps.tokenEndpoint)
  return {
    withdraw: () => {
      for (const [response, { steps, startedAtMs }] of open) {
        const denial =
          steps.permit === null || steps.caller === null ? null : deps.recheck(steps.caller, startedAtMs)
        if (denial === null) continue
        steps.refusal = { code: denial.code, rule: denial.rule, message: denial.message }
        response.destroy()
      }
    },
    streams: () =>
      [...open.values()].flatMap(({ id, operation, params, steps: { caller, permit, head } }) =>
        permit !== null && caller !== null && head?.isEventStream === true
          ? [{ exchangeId: id, operationId: operation?.id ?? '', params, caller }]
          : [],
      ),
    endStream: (exchangeId, { code, rule, message }, lastWords) => {
      for (const [response, exchange] of open) {
        if (exchange.id !== exchangeId || exchange.steps.refusal !== null) continue
        exchange.steps.refusal = { code, rule, message }
        exchange.steps.lastWords = lastWords
        sayLastWords(exchange, response)
        setTimeout(() => response.destroy(), lastWordsMs).unref()
      }
    },
    endStreams: () => {
      const busy = new Set([...open.keys()].map((response) => response.socket))
      for (const [response, exchange] of open) if (exchange.operation?.answer === 'sse') response.end()
      // Node closes idle connections only once they have carried a request: a client's spare one would hold us up.
      connections.dropIdle((socket) => busy.has(socket))
    },
    cutAll: () => {
      for (const response of open.keys()) response.destroy()
      // A client that never closes its side, or stalls in the middle of a body, would hold the listener for ever.
      connections.dropIdle(() => false)
    },
    openExchanges: () => open.size,
  }
}

/** Runs a step of the way in, waiting only when it must; what it throws goes to the error handler. */
function attempt(step: () => void | Promise<void>, done: (error?: Error) => void): void {
  const fail = (error: unknown): void => done(error instanceof Error ? error : new Error(String(error)))
  let going: void | Promise<void>
  try {
    going = step()
  } catch (error) {
    fail(error)
    return
  }
  if (going instanceof Promise) going.then(() => done(), fail)
  else done()
}

/** The one operation that is answered here. It is settled and audited like the others, without a caller. */
function serveTokens(app: FastifyInstance, tokenEndpoint: TokenEndpoint): void {
  // Nobody has said yet who they are: an assertion and its names need no more than this.
  const bodyLimit = 65_536
  app.post('/v1/oauth/token', { bodyLimit, config: { isTokenEndpoint: true } }, async (request, reply) => {
    request.exchange.steps.path = '/v1/oauth/token'
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const answer = await tokenEndpoint(body, request.headers['content-type'] ?? '')
    // As OAuth asks: what is in it must not be kept on the way.
    return reply.code(answer.status).header('cache-control', 'no-store').send(answer.body)
  })
}

/** Nearly always at once; nothing is sent for a client that did not wait. */
function sendInTime(
  exchange: Exchange,
  request: FastifyRequest,
  reply: FastifyReply,
  deps: GatewayDeps,
): void {
  const { permit } = exchange.steps
  const wait = permit === null ? null : deps.beforeForward(permit, exchange.params)
  if (wait === null) {
    send(exchange, request, reply, deps)
    return
  }
  void wait
    .then(() => {
      if (!reply.raw.destroyed) send(exchange, request, reply, deps)
    })
    .catch((error: unknown) => refuseRaw(exchange, 'gateway.internal', reply.raw, error))
}

function settle(exchange: Exchange, request: FastifyRequest, reply: FastifyReply, deps: GatewayDeps): void {
  const { steps } = exchange
  const finished = reply.raw.writableFinished
  const ending = { finished, status: reply.raw.statusCode, closing: deps.isClosing() }
  deps.onSettled(toExchangeRecord(exchange, ending, deps.clock), {
    span: exchange.span,
    operation: exchange.operation,
    isStream: exchange.operation?.answer === 'sse',
    message: steps.refusal?.message ?? '',
    cause: steps.refusal?.cause ?? steps.upstreamFailure ?? undefined,
    httpVersion: request.raw.httpVersion,
  })
}

const bodyOf = ({ body }: FastifyRequest): Buffer | null => (Buffer.isBuffer(body) ? body : null)
