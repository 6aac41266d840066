// HTTP/1.1 as bytes, read without interpreting more than it must: names keep their case, headers their order, and
// what is missing or left over is said.

export type Header = readonly [name: string, value: string]

export type WireMessage = {
  /** Request line or status line, exactly. */
  readonly startLine: string
  readonly headers: readonly Header[]
  /** The body without chunk marks, as far as it came. */
  readonly body: () => Buffer
  readonly trailers: () => readonly Header[]
  /** Whether the end came that its framing promises. */
  readonly isWhole: () => boolean
}

/** How a body ends: there is none, after so many bytes, by a last chunk, or with the connection. */
export type Framing = number | 'chunked' | 'close'

export type WireReader = {
  readonly push: (bytes: Buffer) => void
  /** The connection ended. */
  readonly end: () => void
  /** Bytes behind the last message. */
  readonly rest: () => number
}

/** The first value of a header, '' when there is none. */
export function headerOf({ headers }: Pick<WireMessage, 'headers'>, name: string): string {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1] ?? ''
}

/** The framing that the headers alone tell; `otherwise` when they tell none. */
export function framingOf(message: Pick<WireMessage, 'headers'>, otherwise: Framing): Framing {
  if (/\bchunked$/i.test(headerOf(message, 'transfer-encoding'))) return 'chunked'
  const length = headerOf(message, 'content-length')
  return length === '' ? otherwise : Number(length)
}

type Open = {
  readonly message: WireMessage
  readonly parts: Buffer[]
  readonly trailers: Header[]
  readonly framing: Framing
  /** Bytes of the body, or of the chunk, still to come. */
  left: number
  phase: 'body' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers'
  isWhole: boolean
}

type ReaderDeps = {
  readonly framing: (head: Pick<WireMessage, 'startLine' | 'headers'>) => Framing
  readonly onHead: (message: WireMessage) => void
  readonly onWhole: (message: WireMessage) => void
}

/** Reads one direction of one connection, message after message. */
export function createWireReader(deps: ReaderDeps): WireReader {
  let pending: Buffer = Buffer.alloc(0)
  let open: Open | null = null

  const take = (bytes: number): Buffer => {
    const taken = pending.subarray(0, bytes)
    pending = pending.subarray(bytes)
    return taken
  }
  const takeLine = (): string | null => {
    const end = pending.indexOf('\r\n')
    return end < 0 ? null : take(end + 2).toString('latin1', 0, end)
  }
  const finish = (done: Open): void => {
    done.isWhole = true
    open = null
    deps.onWhole(done.message)
  }
  const begin = (): boolean => {
    const end = pending.indexOf('\r\n\r\n')
    if (end < 0) return false
    const [startLine = '', ...lines] = take(end + 4)
      .toString('latin1', 0, end)
      .split('\r\n')
    open = openMessage(startLine, lines.map(readHeader), deps.framing)
    deps.onHead(open.message)
    if (open.framing === 0) finish(open)
    return true
  }
  const step = (): boolean => {
    if (open === null) return begin()
    const now = open
    if (now.phase === 'body' || now.phase === 'chunk') return takeBody(now, take, pending.length, finish)
    const line = takeLine()
    if (line === null) return false
    if (now.phase === 'chunk-size') {
      now.left = Number.parseInt(line, 16)
      now.phase = now.left === 0 ? 'trailers' : 'chunk'
    } else if (now.phase === 'chunk-end') now.phase = 'chunk-size'
    else if (line === '') finish(now)
    else now.trailers.push(readHeader(line))
    return true
  }
  return {
    push: (bytes) => {
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
      while (step()) if (pending.length === 0) break
    },
    end: () => {
      if (open !== null && open.framing === 'close') finish(open)
    },
    rest: () => (open === null ? pending.length : 0),
  }
}

function takeBody(
  now: Open,
  take: (bytes: number) => Buffer,
  available: number,
  finish: (done: Open) => void,
): boolean {
  if (available === 0) return false
  const bytes = take(Math.min(now.left, available))
  now.parts.push(bytes)
  now.left -= bytes.length
  if (now.left > 0) return true
  if (now.phase === 'chunk') now.phase = 'chunk-end'
  else finish(now)
  return true
}

function openMessage(
  startLine: string,
  headers: readonly Header[],
  framingOfHead: ReaderDeps['framing'],
): Open {
  const parts: Buffer[] = []
  const trailers: Header[] = []
  const framing = framingOfHead({ startLine, headers })
  const open: Open = {
    message: {
      startLine,
      headers,
      body: () => Buffer.concat(parts),
      trailers: () => trailers,
      isWhole: () => open.isWhole,
    },
    parts,
    trailers,
    framing,
    left: framing === 'close' ? Number.POSITIVE_INFINITY : framing === 'chunked' ? 0 : framing,
    phase: framing === 'chunked' ? 'chunk-size' : 'body',
    isWhole: false,
  }
  return open
}

function readHeader(line: string): Header {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1).trim()]
}
