// The refusals of the token endpoint. They have the form of RFC 6749 section 5.2, not of the API's other errors.

/** A grant that is refused: the HTTP status, the code of RFC 6749 and a description that repeats no credential. */
export class GrantError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, description: string) {
    super(description)
    this.name = 'GrantError'
    this.status = status
    this.code = code
  }
}
