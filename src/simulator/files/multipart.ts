// A strict, streaming reader of multipart/form-data (RFC 7578, RFC 2046): bytes in, parts out one after another,
// never holding more than one chunk and one delimiter of a part's content.

import { invalidRequest } from '../http/api-error.ts'
import { parseDisposition } from './content-disposition.ts'

/** One part. Its content must be read before the next part is asked for; what is left unread is skipped. */
export type Part = {
  readonly name: string
  /** As it was sent, path and all; null when the part is no file. */
  readonly filename: string | null
  readonly contentType: string | null
  readonly content: AsyncIterable<Buffer>
}

const headerBytesMax = 16 * 1024
const lineEnd = Buffer.from('\r\n')
const headerEnd = Buffer.from('\r\n\r\n')

/** The boundary of a content type. Throws a 400 when it is no multipart/form-data or has none. */
export function readBoundary(contentType: string | undefined): string {
  const [, rest] = /^multipart\/form-data\s*;(.*)$/is.exec(contentType ?? '') ?? []
  if (rest === undefined) throw invalidRequest('content-type: must be `multipart/form-data` with a boundary')
  const [, quoted, bare] = /(?:^|;)\s*boundary=(?:"([^"]*)"|([^\s;"]+))/i.exec(rest) ?? []
  const boundary = quoted ?? bare ?? ''
  // The characters and the length that RFC 2046 allows.
  if (/^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/.test(boundary)) return boundary
  throw invalidRequest('content-type: the multipart boundary must be 1 to 70 characters of RFC 2046')
}

/**
 * The parts of a body in their order. Reads the source to its end, or to the first fault: a 400 for a body that ends
 * early, a delimiter with something behind it, or headers that are missing or too long.
 */
export async function* readMultipart(source: AsyncIterator<unknown>, boundary: string): AsyncGenerator<Part> {
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  // The first delimiter may stand at the very start, without a line end of its own.
  const scanner = createScanner(source, lineEnd)
  await scanner.skipUntil(delimiter)
  while (!(await scanner.startsWith('--'))) {
    const headers = await readHeaders(scanner)
    let isRead = false
    const content = (async function* () {
      yield* scanner.until(delimiter)
      isRead = true
    })()
    yield { ...headers, content }
    if (!isRead) await scanner.skipUntil(delimiter)
  }
  await scanner.skipToEnd()
}

async function readHeaders(scanner: Scanner): Promise<Omit<Part, 'content'>> {
  const block: Buffer[] = []
  let bytes = 0
  for await (const piece of scanner.until(headerEnd)) {
    bytes += piece.length
    if (bytes > headerBytesMax) throw invalidRequest(`a part's headers are over ${headerBytesMax} bytes`)
    block.push(piece)
  }
  const [padding = '', ...lines] = Buffer.concat(block).toString().split('\r\n')
  if (padding.trim() !== '') throw invalidRequest('a boundary in the body has something behind it')
  const headers = new Map(
    lines.map((line) => {
      const at = line.indexOf(':')
      if (at <= 0) throw invalidRequest('a part has a header line without a name')
      return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()]
    }),
  )
  return {
    ...parseDisposition(headers.get('content-disposition')),
    contentType: headers.get('content-type') || null,
  }
}

type Scanner = ReturnType<typeof createScanner>

/** Walks a byte source, holding only what may still be the start of what is looked for. */
function createScanner(source: AsyncIterator<unknown>, before: Buffer) {
  let held = before

  const fill = async (): Promise<boolean> => {
    const next = await source.next()
    if (next.done === true) return false
    if (!Buffer.isBuffer(next.value)) throw new Error('a body must be read as buffers')
    held = held.length === 0 ? next.value : Buffer.concat([held, next.value])
    return true
  }
  const needMore = async (): Promise<void> => {
    if (!(await fill())) throw invalidRequest('the multipart body ends before its last boundary')
  }
  /** What comes before `mark`, as it arrives; the mark itself is consumed. */
  async function* until(mark: Buffer): AsyncGenerator<Buffer> {
    for (let at = held.indexOf(mark); ; at = held.indexOf(mark)) {
      const isFound = at !== -1
      const safe = isFound ? at : Math.max(0, held.length - mark.length + 1)
      const piece = held.subarray(0, safe)
      held = held.subarray(isFound ? at + mark.length : safe)
      if (piece.length > 0) yield piece
      if (isFound) return
      await needMore()
    }
  }
  return {
    until,
    skipUntil: async (mark: Buffer): Promise<void> => {
      for await (const _skipped of until(mark));
    },
    /** Whether `text` comes next; consumed when it does. */
    startsWith: async (text: string): Promise<boolean> => {
      while (held.length < text.length) await needMore()
      const isNext = held.subarray(0, text.length).toString('latin1') === text
      if (isNext) held = held.subarray(text.length)
      return isNext
    },
    skipToEnd: async (): Promise<void> => {
      do held = held.subarray(held.length)
      while (await fill())
    },
  }
}
