// An upstream that takes and gives any number of bytes and keeps none: it hashes what comes up, and makes up what goes down.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { Socket } from 'node:net'
import { type Deferred, deferred } from '../deferred.ts'
import { portOf } from '../raw-upstream.ts'
import { events, noise, writeBytes } from './bytes.ts'

export type TransferUpstream = {
  readonly url: string
  /** Bytes it has taken or given so far. */
  readonly movedBytes: () => number
  /** SHA-256 of the last transfer. */
  readonly lastHash: () => string
  /** The next upload stays unread until this is released. */
  readonly holdUploads: () => Deferred<void>
  readonly close: () => Promise<void>
}

/** `POST /v1/files` takes bytes; `GET /v1/files/file_{n}/content` gives n bytes, as `/v1/sessions/{n}/events/stream` does. */
export async function startTransferUpstream(): Promise<TransferUpstream> {
  let movedBytes = 0
  let lastHash = ''
  let held: Deferred<void> | null = null
  const moved = (bytes: number): void => {
    movedBytes += bytes
  }
  const take = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    await held?.promise
    held = null
    const hash = createHash('sha256')
    for await (const chunk of request) {
      hash.update(chunk)
      moved(chunk.length)
    }
    lastHash = hash.digest('hex')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{}')
  }
  const give = async (url: string, response: http.ServerResponse): Promise<void> => {
    const total = Number(/(\d+)\/(?:content|events)/.exec(url)?.[1] ?? 0)
    const isStream = url.includes('stream')
    if (isStream) response.writeHead(200, { 'content-type': 'text/event-stream' })
    else response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': total })
    lastHash = await writeBytes(response, isStream ? events : noise, total, moved)
    response.end()
  }
  const sockets = new Set<Socket>()
  const server = http.createServer((request, response) => {
    const work = request.method === 'POST' ? take(request, response) : give(request.url ?? '', response)
    // A transfer that breaks off is the other side's to notice.
    work.catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    movedBytes: () => movedBytes,
    lastHash: () => lastHash,
    holdUploads: () => {
      held = deferred()
      return held
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
