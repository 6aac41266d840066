// What is refused before it is a request, or instead of being one: bytes that are no HTTP, heads that never end, tunnels.
// The answer is written on the bare connection, so it must never be taken for the answer to something else.
import type { Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { newId } from '../kernel/ids.ts'
import { errorEnvelope } from '../upstream/error-envelope.ts'

export type RawRefusals = {
  /** Follows the answers of this server, and refuses its tunnels. Called once, before it listens. */
  readonly watch: (server: Server) => void
  /** Ends a connection whose bytes cannot be read, in the envelope where that is possible. */
  readonly refuseBytes: (error: Error & { readonly code?: string }, socket: Duplex) => void
}

/** How long a refused client may take to read why. */
const lingerMs = 1_000

/** `onMalformed` counts each. */
export function createRawRefusals(onMalformed: () => void): RawRefusals {
  const openOn = new WeakMap<Duplex, Set<ServerResponse>>()
  const refused = new WeakSet<Duplex>()

  const refuse = (socket: Duplex, status: string, sentence: string): void => {
    // What still comes behind the bad bytes is bad too; closing on it at once would take the answer back.
    if (refused.has(socket)) return
    refused.add(socket)
    onMalformed()
    if (!socket.writable || !isNextAnswer(openOn.get(socket))) return void socket.destroy()
    const { headers, body } = errorEnvelope('arrive.request_malformed', sentence, newId('req', Date.now()))
    const lines = Object.entries({ ...headers, connection: 'close' }).map(
      ([name, text]) => `${name}: ${text}`,
    )
    socket.end(`HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
    const lingering = setTimeout(() => socket.destroy(), lingerMs).unref()
    socket.once('close', () => clearTimeout(lingering))
  }

  return {
    watch: (server) => {
      server.on('request', ({ socket }, response) => {
        const open = openOn.get(socket) ?? new Set()
        openOn.set(socket, open.add(response))
        response.once('close', () => open.delete(response))
      })
      server.on('connect', (_request, socket) => {
        // Nobody listens to this connection any more, and its other end may go at any time.
        socket.on('error', () => {})
        refuse(socket, '405 Method Not Allowed', 'this gateway opens no tunnels; send the request itself')
      })
      // Without these Node asks for the body, or refuses, before anybody was asked: `arrive` decides.
      server.on('checkContinue', (request, response) => server.emit('request', request, response))
      server.on('checkExpectation', (request, response) => server.emit('request', request, response))
    },
    refuseBytes: ({ code = '' }, socket) => {
      if (code === 'ECONNRESET') {
        onMalformed()
        socket.destroy()
      } else if (code === 'HPE_HEADER_OVERFLOW') {
        refuse(socket, '431 Request Header Fields Too Large', 'the request head is larger than 16 KiB')
      } else if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
        refuse(socket, '408 Request Timeout', 'the request did not arrive in time; send it again')
      } else refuse(socket, '400 Bad Request', 'the bytes received are not an HTTP/1.1 request')
    },
  }
}

/**
 * Whether an answer written now is the one to what just failed: nothing else is being answered on the connection, or
 * only the very request whose body failed. Anything else would get our refusal in the place, or in the middle, of its
 * own answer.
 */
function isNextAnswer(open: ReadonlySet<ServerResponse> | undefined): boolean {
  if (open === undefined || open.size === 0) return true
  const [response] = open
  return open.size === 1 && response !== undefined && !response.headersSent && !response.req.complete
}
