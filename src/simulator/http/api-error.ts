// The refusals of the stand-in upstream, each with the HTTP status and error type of the real one.

type ErrorDetails = { readonly error_code: string }

/** A request the upstream would refuse. Thrown by a resource, rendered once by the server. */
export class ApiError extends Error {
  readonly status: number
  readonly type: string
  readonly details: ErrorDetails | undefined

  constructor(status: number, type: string, message: string, details?: ErrorDetails) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.type = type
    this.details = details
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
export function tooLarge(limitBytes: number): ApiError {
  return new ApiError(413, 'request_too_large', `request body exceeds ${limitBytes} bytes`)
}

/** The upstream's error envelope, as JSON-able data. */
export function errorEnvelope(error: ApiError, requestId: string) {
  return {
    type: 'error',
    error: {
      type: error.type,
      message: error.message,
      ...(error.details === undefined ? {} : { details: error.details }),
    },
    request_id: requestId,
  }
}
