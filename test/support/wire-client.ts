// A client of one request on one connection, which keeps the answer as it came over the wire.
import net from 'node:net'
import { deferred } from './deferred.ts'
import { createWireReader, framingOf, type Header, type WireMessage } from './wire-reader.ts'

export type WireRequest = {
  readonly method: string
  /** Path and query, exactly. */
  readonly target: string
  /** Without host and framing, which the client adds: `host` first, the length or the coding last. */
  readonly headers: readonly Header[]
  /** One buffer goes with its length, several go as chunks. */
  readonly body?: Buffer | readonly Buffer[]
}

export type WireAnswer = {
  /** Status lines ahead of the answer (1xx). */
  readonly interim: readonly string[]
  /** null when the connection ended before a head came. */
  readonly message: WireMessage | null
  /** Bytes behind the answer's end. */
  readonly excessBytes: number
}

export type OpenAnswer = {
  /** Resolves with the head, behind which the body grows; null when none comes. */
  readonly head: Promise<WireMessage | null>
  /** Resolves at the answer's end, whatever that is. */
  readonly done: Promise<WireAnswer>
  readonly hangUp: () => void
}

/** Sends one request. Answers without a length are read until the other side ends the connection. */
export function ask(url: string, request: WireRequest): OpenAnswer {
  const { hostname, port, host } = new URL(url)
  const socket = net.connect({ port: Number(port), host: hostname, noDelay: true })
  const interim: string[] = []
  let message: WireMessage | null = null
  const head = deferred<WireMessage | null>()
  const done = deferred<WireAnswer>()

  const reader = createWireReader({
    framing: (each) => (hasNoBody(request.method, each.startLine) ? 0 : framingOf(each, 'close')),
    onHead: (each) => {
      if (isInterim(each.startLine)) interim.push(each.startLine)
      else {
        message = each
        head.resolve(each)
      }
    },
    // What lies behind the end shows only if it came along with it.
    onWhole: (each) => {
      if (!isInterim(each.startLine)) setImmediate(() => socket.destroy())
    },
  })
  socket.on('data', reader.push)
  socket.on('error', () => {})
  socket.on('end', reader.end)
  socket.on('close', () => {
    head.resolve(null)
    done.resolve({ interim, message, excessBytes: reader.rest() })
  })
  write(socket, host, request)
  return { head: head.promise, done: done.promise, hangUp: () => socket.destroy() }
}

const isInterim = (startLine: string): boolean => /^HTTP\/1\.1 1/.test(startLine)

const hasNoBody = (method: string, startLine: string): boolean =>
  method === 'HEAD' || / (1\d\d|204|304)\b/.test(startLine.slice(0, 12))

function write(socket: net.Socket, host: string, request: WireRequest): void {
  const { body } = request
  const framing: readonly Header[] =
    body === undefined
      ? []
      : Buffer.isBuffer(body)
        ? [['Content-Length', String(body.length)]]
        : [['Transfer-Encoding', 'chunked']]
  const lines = [['Host', host], ...request.headers, ...framing].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  socket.write(Buffer.from(`${request.method} ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'))
  if (body === undefined) return
  if (Buffer.isBuffer(body)) {
    socket.write(body)
    return
  }
  for (const chunk of body) {
    socket.write(`${chunk.length.toString(16)}\r\n`)
    socket.write(chunk)
    socket.write('\r\n')
  }
  socket.write('0\r\n\r\n')
}
