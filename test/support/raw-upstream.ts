// An upstream under a test's full control: it answers with exactly the bytes and at exactly the moments it is told to.

import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type SeenRequest = {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

export type RawUpstream = {
  readonly url: string
  readonly seen: SeenRequest[]
  /** Sockets opened so far. */
  readonly connections: () => number
  readonly close: () => Promise<void>
}

export type Answer = (request: http.IncomingMessage, response: http.ServerResponse, body: Buffer) => void

/** Starts one on a random port. `answer` is called after the body was read, unless `early` asks for it at the head. */
export async function startRawUpstream(
  answer: Answer,
  options: { readonly early?: boolean } = {},
): Promise<RawUpstream> {
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    const note = (): Buffer => {
      const body = Buffer.concat(chunks)
      seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        rawHeaders: request.rawHeaders,
        headers: request.headers,
        body,
      })
      return body
    }
    if (options.early === true) {
      note()
      answer(request, response, Buffer.alloc(0))
      return
    }
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(request, response, note()))
  })
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    seen,
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The port of a listening server. */
export function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port')
  return address.port
}
