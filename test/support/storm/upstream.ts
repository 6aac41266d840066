// The upstream of a storm: it does nothing by itself. Whoever sent a request meets it here and plays its answer.
import { once } from 'node:events'
import http from 'node:http'
import type { Socket } from 'node:net'
import { type Deferred, deferred } from '../deferred.ts'
import { portOf } from '../raw-upstream.ts'

export type Meeting = { readonly request: http.IncomingMessage; readonly response: http.ServerResponse }

export type StormUpstream = {
  readonly url: string
  /** Resolves when the head of the next request with this `user-agent` is here. */
  readonly meet: (tag: string) => Promise<Meeting>
  readonly openSockets: () => number
  readonly close: () => Promise<void>
}

export async function startStormUpstream(): Promise<StormUpstream> {
  const arrived = new Map<string, Meeting[]>()
  const awaited = new Map<string, Deferred<Meeting>[]>()
  const arrive = (tag: string, meeting: Meeting): void => {
    const [first, ...others] = awaited.get(tag) ?? []
    if (first === undefined) {
      arrived.set(tag, [...(arrived.get(tag) ?? []), meeting])
      return
    }
    others.length === 0 ? awaited.delete(tag) : awaited.set(tag, others)
    first.resolve(meeting)
  }
  const sockets = new Set<Socket>()
  const server = http.createServer((request, response) => {
    // Whoever leaves on purpose makes these fail; that is no accident.
    for (const side of [request, response]) side.on('error', () => {})
    arrive(request.headers['user-agent'] ?? '', { request, response })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    meet: async (tag) => {
      const [first, ...others] = arrived.get(tag) ?? []
      if (first === undefined) {
        const next = deferred<Meeting>()
        awaited.set(tag, [...(awaited.get(tag) ?? []), next])
        return next.promise
      }
      others.length === 0 ? arrived.delete(tag) : arrived.set(tag, others)
      return first
    },
    openSockets: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
