// An upstream that answers every request with the same bytes, whatever they are.
import { once } from 'node:events'
import net from 'node:net'
import { portOf } from './raw-upstream.ts'
import { createWireReader, framingOf } from './wire-reader.ts'

export type Verbatim = {
  readonly bytes: Buffer | string
  /** What becomes of the connection behind the bytes. Default `stays`. */
  readonly afterwards?: 'stays' | 'ends' | 'resets'
}

/** Starts one on a random port; text is written as Latin-1. */
export async function startVerbatimUpstream({ bytes, afterwards = 'stays' }: Verbatim) {
  const open = new Set<net.Socket>()
  const written = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
  const server = net.createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
    const reader = createWireReader({
      framing: (head) => framingOf(head, 0),
      onHead: () => {},
      onWhole: () => {
        if (afterwards === 'ends') socket.end(written)
        else socket.write(written, () => (afterwards === 'resets' ? socket.resetAndDestroy() : undefined))
      },
    })
    socket.on('data', reader.push)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    close: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
