// Responses that wait behind another one on the same connection (HTTP pipelining).
// When the connection goes, Node tells the response in turn and forgets those behind it: we tell them.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type QueuedResponses = {
  /** Remembers the response until it is closed, when it is not its turn yet. */
  readonly note: (socket: Socket, response: ServerResponse) => void
  /** The connection is gone: closes what still waited on it. */
  readonly abandon: (socket: Socket) => void
}

export function createQueuedResponses(): QueuedResponses {
  const queuedOn = new WeakMap<Socket, Set<ServerResponse>>()
  return {
    note: (socket, response) => {
      if (response.socket !== null) return
      const queued = queuedOn.get(socket) ?? new Set()
      queuedOn.set(socket, queued.add(response))
      response.once('close', () => queued.delete(response))
    },
    abandon: (socket) => {
      for (const response of queuedOn.get(socket) ?? []) {
        // One whose turn has come has the connection for its own, and hears of it from Node.
        if (response.socket !== null) continue
        response.destroy()
        response.emit('close')
      }
    },
  }
}
