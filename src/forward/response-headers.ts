// What of the upstream's response head comes down: everything but hop-by-hop fields, plus what Tollgate adds.
import { createLowerCase } from './header-names.ts'

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'trailer',
  'upgrade',
])

// What begins with our name is our word to the caller, never the upstream's.
const lowerCase = createLowerCase((name) =>
  hopByHop.has(name) || name.startsWith('x-tollgate-') ? null : name,
)

export type ResponseHead = {
  readonly status: number
  /** The upstream's reason phrase. */
  readonly reason: string
  /** Alternating names and values, ready for `writeHead`. */
  readonly headers: string[]
  /** Declared bytes, -1 when the answer is chunked or ends with the connection. */
  readonly contentLength: number
  readonly isEventStream: boolean
  readonly contentEncoding: string
  readonly requestId: string
}

/** Reads undici's raw header buffers (alternating names and values), whose case and order stay, and appends `added`. */
export function readResponseHead(
  status: number,
  raw: readonly Buffer[],
  added: readonly string[],
  reason = '',
): ResponseHead {
  const headers: string[] = []
  let contentLength = -1
  let isEventStream = false
  let contentEncoding = ''
  let requestId = ''
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const written = raw[i]?.toString('latin1') ?? ''
    const name = lowerCase(written)
    if (name === null) continue
    const value = raw[i + 1]?.toString('latin1') ?? ''
    if (name === 'content-length') contentLength = Number(value)
    else if (name === 'content-type') isEventStream = /^\s*text\/event-stream\b/i.test(value)
    else if (name === 'content-encoding') contentEncoding = value
    else if (name === 'request-id') requestId = value
    headers.push(written, value)
  }
  for (const part of added) headers.push(part)
  return { status, reason, headers, contentLength, isEventStream, contentEncoding, requestId }
}
