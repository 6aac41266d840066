// The only place where a refusal becomes an answer: the upstream's own envelope, our code and request id in it.
import type { FastifyReply } from 'fastify'
import { type ErrorCode, errorKinds, TollgateError } from '../kernel/errors.ts'
import { errorEnvelope } from '../upstream/error-envelope.ts'
import type { Exchange, Refusal } from './exchange.ts'

/** Sends the refusal of `error` through Fastify and notes it on the exchange. */
export function refuse(reply: FastifyReply, exchange: Exchange, error: unknown): void {
  const refusal = exchange.steps.refusal ?? toRefusal(error)
  exchange.steps.refusal = refusal
  const { status, headers, body } = errorEnvelope(
    refusal.code,
    refusal.message,
    exchange.id,
    exchange.span.traceId,
  )
  void reply
    .code(status)
    .headers({ ...headers, ...traceHeaders(exchange) })
    .send(body)
}

/** The same for an exchange whose reply was hijacked: nothing has been sent yet. */
export function refuseRaw(
  exchange: Exchange,
  code: ErrorCode,
  response: FastifyReply['raw'],
  cause: unknown,
): void {
  exchange.steps.refusal = { code, rule: '', message: errorKinds[code].message, cause }
  const { status, headers, body } = errorEnvelope(
    code,
    errorKinds[code].message,
    exchange.id,
    exchange.span.traceId,
  )
  response.writeHead(status, {
    ...headers,
    'content-length': body.length,
    ...traceHeaders(exchange),
  })
  response.end(body)
}

/** How a caller, a browser's tools among them, finds the trace of an answer. */
export const traceHeaders = ({ span: { traceId, traceparent } }: Pick<Exchange, 'span'>) => ({
  'x-tollgate-trace-id': traceId,
  'server-timing': `traceparent;desc="${traceparent}"`,
})

// Fastify's own refusals, by its stable codes, in our words.
const fastifyCodes: { readonly [code: string]: { readonly code: ErrorCode; readonly message?: string } } = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body.too_large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'body.type_unsupported' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'arrive.request_malformed',
    message: 'the body is not as long as `content-length` says',
  },
  FST_ERR_BAD_URL: { code: 'arrive.path_not_canonical' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'arrive.path_unknown' },
}

/** Any thrown thing as a refusal; what nobody planned for becomes `gateway.internal` with its cause kept for the log. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof TollgateError) {
    const refusal = { code: error.code, rule: '', message: error.message }
    return error.cause === undefined ? refusal : { ...refusal, cause: error.cause }
  }
  const known = error instanceof Error && 'code' in error ? fastifyCodes[String(error.code)] : undefined
  if (known !== undefined) {
    return { code: known.code, rule: '', message: known.message ?? errorKinds[known.code].message }
  }
  return { code: 'gateway.internal', rule: '', message: errorKinds['gateway.internal'].message, cause: error }
}
