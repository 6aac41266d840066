// A wiretap in front of an upstream: passes every byte as it comes, and keeps what requests were made of.
import { once } from 'node:events'
import net from 'node:net'
import { portOf } from './raw-upstream.ts'
import { createWireReader, framingOf, type WireMessage } from './wire-reader.ts'

export type WireRecorder = {
  readonly url: string
  /** `host:port` of its address, the same whatever is behind it. */
  readonly host: string
  /** Requests in the order in which their heads came; what came after the head is added as it comes. */
  readonly seen: () => readonly WireMessage[]
  /** From now on, this upstream; connections to the one before are closed and what was seen is forgotten. */
  readonly turnTo: (url: string) => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts one on a random port, in front of nothing. */
export async function startWireRecorder(): Promise<WireRecorder> {
  const open = new Set<net.Socket>()
  let seen: WireMessage[] = []
  let upstreamPort = 0

  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = net.connect({
      port: upstreamPort,
      host: '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    })
    const reader = createWireReader({
      framing: (head) => framingOf(head, 0),
      onHead: (message) => seen.push(message),
      onWhole: () => {},
    })
    client.on('data', reader.push)
    carry(client, upstream)
    carry(upstream, client)
    open.add(client)
    client.on('close', () => open.delete(client))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${portOf(server)}`

  const cutAll = async (): Promise<void> => {
    const closing = [...open].map((socket) => once(socket, 'close'))
    for (const socket of open) socket.destroy()
    await Promise.all(closing)
  }
  return {
    url: `http://${host}`,
    host,
    seen: () => seen,
    turnTo: async (url) => {
      await cutAll()
      upstreamPort = Number(new URL(url).port)
      seen = []
    },
    close: async () => {
      await cutAll()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Bytes, the end and a reset of one side, to the other. */
function carry(from: net.Socket, to: net.Socket): void {
  from.on('data', (bytes: Buffer) => {
    if (to.writable && !to.write(bytes)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  })
  from.on('end', () => to.end())
  from.on('error', () => to.resetAndDestroy())
  from.on('close', () => to.destroySoon())
}
