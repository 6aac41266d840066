// One request on its way through the corridor: what it was when it arrived, and what each room decided of it.
import type { FastifyRequest } from 'fastify'
import type { Permit } from '../authorize/permit.ts'
import type { ResponseHead } from '../forward/response-headers.ts'
import type { Caller } from '../identify/caller.ts'
import type { Clock } from '../kernel/clock.ts'
import type { ErrorCode, Judged } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Exposure } from '../pin/exposure.ts'
import type { PinOutcome } from '../pin/pin-outcome.ts'
import type { Funding } from '../price/budgets/funding.ts'
import type { Tap } from '../tap/tap.ts'
import type { RequestArrival, RequestSpan } from '../trace/request-span.ts'
import type { Operation } from '../upstream/operation-type.ts'

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange
  }
  interface FastifyContextConfig {
    operation?: Operation
    isTokenEndpoint?: boolean
  }
}

/** Why no answer of the upstream passed: our code, the rule behind it, the sentence the caller got. */
export type Refusal = {
  readonly code: ErrorCode
  readonly rule: string
  readonly message: string
  readonly cause?: unknown
  /** What policy was asked, when it was policy that said no. */
  readonly judged?: Judged
}

/** What an exchange was when it arrived. Never changes. */
export type Exchange = {
  readonly id: string
  readonly startedAtMs: number
  readonly startedMonotonicMs: number
  readonly method: string
  /** As received, query included: never logged, a caller may have put a key into it. */
  readonly rawUrl: string
  readonly clientIp: string
  readonly userAgent: string
  readonly retryCount: number
  /** null when path or method are not in the table. */
  readonly operation: Operation | null
  /** Path parameters of the operation. */
  readonly params: { readonly [name: string]: string }
  readonly span: RequestSpan
  /** What happened to it, step by step; each field is written once, by the step it is named after. */
  readonly steps: Steps
}

type Steps = {
  /** arrive: canonical path without the query. */
  path: string
  /** identify */
  caller: Caller | null
  /** arrive: it is only tried out, and nothing goes up. */
  isDryRun: boolean
  /** pin */
  pin: PinOutcome | null
  /** pin: what the body that goes up leaves open about versions. */
  exposure: Exposure | null
  /** budgets: the limit it got, and what its caller is told of them; null when none was asked. */
  funding: Exclude<Funding, { readonly kind: string }> | null
  /** authorize */
  permit: Permit | null
  /** The step that said no. */
  refusal: Refusal | null
  /** forward */
  tap: Tap | null
  head: ResponseHead | null
  responseBytes: number
  upstreamCompleted: boolean
  upstreamFailure: Error | null
  /** forward: of a stream, whether what was sent so far ends with a whole event. */
  endsWhole: boolean
  /** The last event of a stream that is to end at the next whole one, written for its client; null goes on. */
  lastWords: string | null
}

/** Opens the exchange of a request that just arrived. */
export function openExchange(
  request: FastifyRequest,
  deps: { readonly clock: Clock; readonly startSpan: (arrival: RequestArrival) => RequestSpan },
): Exchange {
  const startedAtMs = deps.clock.nowMs()
  const operation = request.routeOptions.config.operation ?? null
  const { headers } = request.raw
  return {
    id: newId('req', startedAtMs),
    startedAtMs,
    startedMonotonicMs: deps.clock.monotonicMs(),
    method: request.raw.method ?? '',
    rawUrl: request.originalUrl,
    clientIp: request.raw.socket.remoteAddress ?? '',
    userAgent: (headers['user-agent'] ?? '').slice(0, 256),
    retryCount: readRetryCount(headers['x-stainless-retry-count']),
    operation,
    params: readParams(request.params),
    span: deps.startSpan({
      method: request.raw.method ?? '',
      route: operation?.pattern ?? '',
      traceparent: typeof headers['traceparent'] === 'string' ? headers['traceparent'] : undefined,
      startedAtMs,
    }),
    steps: {
      path: '',
      caller: null,
      isDryRun: false,
      pin: null,
      exposure: null,
      funding: null,
      permit: null,
      refusal: null,
      tap: null,
      head: null,
      responseBytes: 0,
      upstreamCompleted: false,
      upstreamFailure: null,
      endsWhole: true,
      lastWords: null,
    },
  }
}

function readRetryCount(value: string | string[] | undefined): number {
  return typeof value === 'string' && /^\d{1,2}$/.test(value) ? Number(value) : 0
}

const noParams = {}

// Fastify's own object of strings; absent on unknown paths.
function readParams(params: unknown): { readonly [name: string]: string } {
  return isParams(params) ? params : noParams
}

const isParams = (params: unknown): params is { readonly [name: string]: string } =>
  typeof params === 'object' && params !== null
