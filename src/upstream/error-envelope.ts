// Tollgate's own refusals in the upstream's words, so that the SDK raises its ordinary error classes.
import { type ErrorCode, errorKinds } from '../kernel/errors.ts'

/** An answer ready to be written. Header names are lower case. */
export type ErrorEnvelope = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * The upstream's error shape for one of our codes: status and `error.type` come from the code's table, our code
 * goes to `error.details.error_code`, which the SDK shows as `errorCode`. `x-should-retry` is only sent where
 * the table decides; elsewhere the SDK's own rule holds. `trace_id` stands beside `request_id`, which is all the SDK reads.
 */
export function errorEnvelope(
  code: ErrorCode,
  message: string,
  requestId: string,
  traceId = '',
): ErrorEnvelope {
  const kind = errorKinds[code]
  const body = Buffer.from(
    JSON.stringify({
      type: 'error',
      error: { type: kind.type, message, details: { error_code: code } },
      request_id: requestId,
      ...(traceId === '' ? {} : { trace_id: traceId }),
    }),
  )
  return {
    status: kind.status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.length),
      'request-id': requestId,
      ...('retry' in kind ? { 'x-should-retry': String(kind.retry) } : {}),
    },
    body,
  }
}
