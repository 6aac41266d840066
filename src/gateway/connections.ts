// The connections of a listener, as requests know them: over TLS that is the inner socket, not the one it came on.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'

export type Connections = {
  /** Drops every connection that `isBusy` does not claim, and every one that is still shaking hands. */
  readonly dropIdle: (isBusy: (socket: Socket) => boolean) => void
}

/** Watches the listener from now on; `onGone` hears of every connection that is over. */
export function watchConnections(server: Server, onGone: (socket: Socket) => void): Connections {
  const sockets = new Set<Socket>()
  // A raw socket and the TLS socket on it share nothing public but who is at both ends.
  const shakingHands = new Map<string, Socket>()
  const add = (socket: Socket): void => {
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      onGone(socket)
    })
  }
  if (server instanceof TlsServer) {
    server.on('connection', (socket: Socket) => {
      const ends = endsOf(socket)
      shakingHands.set(ends, socket)
      socket.once('close', () => {
        if (shakingHands.get(ends) === socket) shakingHands.delete(ends)
      })
    })
    server.on('secureConnection', (socket: Socket) => {
      shakingHands.delete(endsOf(socket))
      add(socket)
    })
  } else server.on('connection', add)
  return {
    dropIdle: (isBusy) => {
      for (const socket of sockets) if (!isBusy(socket)) socket.destroy()
      for (const socket of shakingHands.values()) socket.destroy()
    },
  }
}

const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
