// The refusals of the stand-in upstream, each with the HTTP status and error type of the real one.

type ErrorDetails = { readonly error_code: string; readonly [field: string]: unknown }

/** What an answer carries besides: further members of `error`, and headers. */
type ErrorExtra = {
  readonly fields?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

/** A request the upstream would refuse. Thrown by a resource, rendered once by the server. */
export class ApiError extends Error {
  readonly status: number
  readonly type: string
  readonly details: ErrorDetails | undefined
  readonly extra: ErrorExtra

  constructor(status: number, type: string, message: string, details?: ErrorDetails, extra: ErrorExtra = {}) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.type = type
    this.details = details
    this.extra = extra
  }
}

/** 400: the request cannot be carried out as it is. `errorCode` becomes `error.details.error_code`. */
export function invalidRequest(message: string, errorCode?: string): ApiError {
  const details = errorCode === undefined ? undefined : { error_code: errorCode }
  return new ApiError(400, 'invalid_request_error', message, details)
}

/** 401: no key, or one we do not know. */
export function unauthenticated(message: string): ApiError {
  return new ApiError(401, 'authentication_error', message)
}

/** 403: the credential is known, and not for this. */
export function permissionDenied(message: string): ApiError {
  return new ApiError(403, 'permission_error', message)
}

/** 404: no such object or path; also what a missing beta header looks like. */
export function notFound(message: string, errorCode?: string): ApiError {
  const details = errorCode === undefined ? undefined : { error_code: errorCode }
  return new ApiError(404, 'not_found_error', message, details)
}

/** 409: somebody else changed the object first. SDKs retry this status by themselves. */
export function conflict(message: string): ApiError {
  return new ApiError(409, 'conflict_error', message)
}

/** 413: the body is over the limit. */
export function tooLarge(limitBytes: number, errorCode?: string): ApiError {
  const details = errorCode === undefined ? undefined : { error_code: errorCode }
  const message = `Request exceeds the maximum size of ${limitBytes} bytes`
  return new ApiError(413, 'request_too_large', message, details)
}

/** 405: the path exists, but not for this method. */
export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'invalid_request_error', 'Method Not Allowed')
}

const typesByStatus: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** The error type that comes with a status (SDK 1.12.0 core/error): of the others, 5xx is an `api_error`. */
export const errorTypeOf = (status: number): string =>
  typesByStatus[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')

/** The upstream's error envelope, as JSON-able data. */
export function errorEnvelope(error: ApiError, requestId: string) {
  return {
    type: 'error',
    error: {
      type: error.type,
      message: error.message,
      ...error.extra.fields,
      ...(error.details === undefined ? {} : { details: error.details }),
    },
    request_id: requestId,
  }
}
