// ClickHouse's way of saying no: `Code: 60. DB::Exception: ... (UNKNOWN_TABLE) (version ...)`, which the client parses.

/** An exception of our own facade, shaped like the engine's. */
export class ServerException extends Error {
  constructor(code: number, type: string, message: string) {
    super(`Code: ${code}. DB::Exception: ${message}. (${type})`)
    this.name = 'ServerException'
  }
}

/** Any failure as ClickHouse's exception text. Errors that are not the engine's become code 1002. */
export function exceptionText(error: unknown, version: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const known = /^Code: \d+/.test(message)
    ? message
    : `Code: 1002. DB::Exception: ${message}. (UNKNOWN_EXCEPTION)`
  return `${known.trimEnd()} (version ${version})`
}

/** The number in an exception text. */
export function exceptionCode(text: string): number {
  return Number(/^Code: (\d+)/.exec(text)?.[1] ?? '1002')
}

const badRequest = new Set([6, 26, 27, 33, 36, 41, 42, 43, 44, 48, 53, 62, 70, 115, 117, 376, 456, 457])
const notFound = new Set([46, 47, 60, 81])

/** The HTTP status a ClickHouse server gives this exception code. */
export function exceptionStatus(code: number): number {
  if (code === 516) return 403
  if (code === 159) return 408
  if (notFound.has(code)) return 404
  return badRequest.has(code) ? 400 : 500
}

/**
 * The block that ends a stream in which rows were already sent (ClickHouse 25.11 and later): the client finds it by
 * the tag announced in the `X-ClickHouse-Exception-Tag` header and throws instead of returning the rows it got.
 */
export function inBandException(text: string, tag: string): string {
  const line = `${text}\n`
  return `\r\n__exception__\r\n${tag}\r\n${line}${Buffer.byteLength(line)} ${tag}\r\n__exception__\r\n`
}
