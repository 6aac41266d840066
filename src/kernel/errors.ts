// The closed table of what Tollgate itself answers, and the error that carries one of its codes.
// Each code has a status, the upstream's error type (so that SDK error classes fit) and a default sentence.

/** `error.type` values of the upstream's envelope that Tollgate uses (contract: errors). */
export type UpstreamErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'timeout_error'
  | 'api_error'

type ErrorKind = {
  readonly status: number
  readonly type: UpstreamErrorType
  /** What the SDK's `x-should-retry` header must say; undefined leaves the SDK its own rule. */
  readonly retry?: boolean
  readonly message: string
}

const kind = (status: number, type: UpstreamErrorType, message: string, retry?: boolean): ErrorKind =>
  retry === undefined ? { status, type, message } : { status, type, message, retry }

/** Every code, its HTTP status, envelope type and default public sentence. */
export const errorKinds = {
  'arrive.path_unknown': kind(404, 'not_found_error', 'this path is not an operation Tollgate knows', false),
  'arrive.method_unknown': kind(405, 'invalid_request_error', 'this method is not known on this path', false),
  'arrive.path_not_canonical': kind(400, 'invalid_request_error', 'the path is not in canonical form', false),
  'arrive.body_unexpected': kind(400, 'invalid_request_error', 'this operation takes no body', false),
  'arrive.request_malformed': kind(400, 'invalid_request_error', 'the HTTP request is malformed', false),
  'identify.credential_missing': kind(401, 'authentication_error', 'no Tollgate key was sent', false),
  'identify.credential_malformed': kind(401, 'authentication_error', 'the key is not a Tollgate key', false),
  'identify.credential_unknown': kind(401, 'authentication_error', 'the key is not known', false),
  'identify.credential_expired': kind(401, 'authentication_error', 'the key has expired', false),
  'identify.credential_revoked': kind(401, 'authentication_error', 'the key was revoked', false),
  'identify.address_refused': kind(401, 'authentication_error', 'the key is bound to other addresses', false),
  'identify.token_refused': kind(401, 'authentication_error', 'the token is not accepted', false),
  'identify.keys_unavailable': kind(503, 'api_error', 'the token cannot be checked now', true),
  'identify.certificate_refused': kind(
    401,
    'authentication_error',
    'the client certificate is not accepted here',
    false,
  ),
  'identify.certificate_required': kind(
    401,
    'authentication_error',
    'a client certificate is needed beside the key or token',
    false,
  ),
  'identify.credential_conflict': kind(
    401,
    'authentication_error',
    'two different credentials were sent',
    false,
  ),
  'identify.credential_in_query': kind(
    401,
    'authentication_error',
    'a key was sent in the query string',
    false,
  ),
  'body.too_large': kind(
    413,
    'request_too_large',
    'the body is larger than this gateway takes (`TOLLGATE_BODY_LIMIT_BYTES`)',
    false,
  ),
  'body.type_unsupported': kind(
    415,
    'invalid_request_error',
    'the content type is not supported; send `content-type: application/json`',
    false,
  ),
  'body.encoding_unsupported': kind(
    415,
    'invalid_request_error',
    'a content encoding is not accepted',
    false,
  ),
  'body.malformed': kind(400, 'invalid_request_error', 'the body is not valid JSON', false),
  'body.ambiguous': kind(400, 'invalid_request_error', 'the body could be read in two ways', false),
  'body.shape': kind(400, 'invalid_request_error', 'the body does not have the expected shape', false),
  'authorize.denied': kind(403, 'permission_error', 'denied by policy', false),
  'ownership.key_reserved': kind(
    400,
    'invalid_request_error',
    '`metadata` keys that begin with `tollgate_` are reserved; leave them out',
    false,
  ),
  'ownership.unavailable': kind(
    503,
    'api_error',
    'whose object this is cannot be found out right now; try again, and tell whoever runs this gateway',
  ),
  'ownership.answer_unreadable': kind(
    502,
    'api_error',
    'the upstream answered a list that cannot be read, so what of it is yours cannot be told',
  ),
  'pin.version_required': kind(403, 'permission_error', 'this agent needs an approved version', false),
  'pin.overrides_refused': kind(403, 'permission_error', 'overrides are refused on a sensitive agent', false),
  'pin.reference_unreadable': kind(
    400,
    'invalid_request_error',
    'the agent reference is not readable',
    false,
  ),
  'pin.requirement_unmet': kind(
    403,
    'permission_error',
    'this request does not meet what its class requires',
    false,
  ),
  'pin.unavailable': kind(
    503,
    'api_error',
    'what the pins must know of this request could not be read from the upstream; try again, and tell whoever runs this gateway',
  ),
  'stop.active': kind(403, 'permission_error', 'this was stopped', false),
  'stop.unavailable': kind(
    503,
    'api_error',
    'something is stopped, and whether this is part of it cannot be found out right now; try again',
  ),
  'budget.exhausted': kind(403, 'permission_error', 'a budget has nothing left for new work', false),
  'budget.limit_required': kind(403, 'permission_error', 'a budget needs a limit on every session', false),
  'budget.unavailable': kind(
    503,
    'api_error',
    'how much of a budget is used is not known yet; try again in a few seconds',
  ),
  'upstream.unreachable': kind(502, 'api_error', 'the upstream could not be reached'),
  'upstream.timeout': kind(504, 'timeout_error', 'the upstream did not answer in time'),
  'upstream.broken': kind(502, 'api_error', 'the upstream broke off its answer'),
  'journal.unavailable': kind(
    503,
    'api_error',
    'what this call would cause cannot be recorded right now; try again, and tell whoever runs this gateway',
  ),
  'gateway.closing': kind(503, 'api_error', 'Tollgate is shutting down'),
  'gateway.busy': kind(
    503,
    'api_error',
    'too many large bodies are on their way at once; send it again',
    true,
  ),
  'gateway.internal': kind(500, 'api_error', 'Tollgate failed; the request id finds it in the log'),
  'show.query_invalid': kind(400, 'invalid_request_error', 'the query is not valid', false),
  'show.not_found': kind(404, 'not_found_error', 'there is nothing at this address', false),
  'show.forbidden': kind(403, 'permission_error', 'this needs the role operator, auditor or admin', false),
  'show.unavailable': kind(503, 'api_error', 'the ledger is not available right now'),
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorKinds

/** A failure with a public face (`code`, `message`) and a private one (`cause`, only ever logged). */
export class TollgateError extends Error {
  readonly code: ErrorCode

  /** `message` is shown to the caller; leave it out for the code's default sentence. */
  constructor(code: ErrorCode, message?: string, options?: { readonly cause?: unknown }) {
    super(message ?? errorKinds[code].message, options)
    this.name = 'TollgateError'
    this.code = code
  }
}

/** A decision against a request: a value, not a failure. `rule` names what decided it, for people. */
export type Denial = {
  readonly kind: 'denial'
  readonly code: ErrorCode
  readonly message: string
  readonly rule: string
  /** What policy was asked, when it was policy that said no. */
  readonly judged?: Judged
}

/** What a denial was decided on, for audit. */
export type Judged = {
  readonly capabilities: readonly { readonly action: string; readonly object: string }[]
  readonly policyHash: string
  /** True when the request would have done more than these, which could not be spelled out. */
  readonly isPartial?: true
  /** As on a permit. */
  readonly shadow?: string
}

/** A file in `policies/` that cannot be used. `line` is 1-based, 0 when the whole file is meant. */
export class PolicyFileError extends Error {
  readonly file: string
  readonly line: number
  readonly reason: string

  constructor(file: string, line: number, reason: string) {
    super(line === 0 ? `${file}: ${reason}` : `${file}:${line}: ${reason}`)
    this.name = 'PolicyFileError'
    this.file = file
    this.line = line
    this.reason = reason
  }
}
