// A program of its own: an upstream whose every answer is an event stream, by its query.
//   (nothing)           one event, then silence
//   per_second=20       events of about 300 bytes at that pace, each with the time it was written
//   deltas_per_second=50  events of 50 bytes at that pace, now and then the counts of a model request
//   burst=1             events of 50 bytes, 16 KB of them in a write, as fast as they are taken
// `phase=0.3` shifts the pace by that share of an interval.
import { createServer, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { countsEvent, delta, deltaBlock, sessionEvent } from './stream-frames.ts'

type Stream = {
  readonly socket: Socket
  readonly everyMs: number
  readonly next: (count: number) => Buffer
  dueMs: number
  count: number
}

// One event in so many is kept by a ledger.
const deltasPerCounts = 200

const streams = new Set<Stream>()

setInterval(() => {
  const nowMs = performance.now()
  for (const stream of streams) {
    if (stream.dueMs > nowMs) continue
    stream.socket.write(stream.next(stream.count++))
    // A tick that came late does not make a burst: the pace goes on from here.
    stream.dueMs = Math.max(stream.dueMs + stream.everyMs, nowMs)
  }
}, 1)

const server = createServer((request, response) => {
  const query = new URL(request.url ?? '/', 'http://upstream').searchParams
  const asked = (name: string): number => Number(query.get(name) ?? 0)
  const socket = open(response)
  socket.write(sessionEvent(0))
  if (asked('burst') > 0) flood(socket)
  const deltas = asked('deltas_per_second')
  const perSecond = deltas + asked('per_second')
  if (perSecond === 0) return
  const everyMs = 1000 / perSecond
  const phase = asked('phase')
  const first = Math.floor(phase * deltasPerCounts)
  const nextDelta = (count: number) => ((count + first) % deltasPerCounts === 0 ? countsEvent() : delta)
  const next = deltas > 0 ? nextDelta : sessionEvent
  const stream: Stream = { socket, everyMs, next, dueMs: performance.now() + everyMs * (1 + phase), count: 1 }
  streams.add(stream)
  response.once('close', () => streams.delete(stream))
})
server.listen(0, '127.0.0.1', 4096, () => {
  const address = server.address()
  if (address !== null && typeof address === 'object')
    console.log(`listening http://127.0.0.1:${address.port}`)
})

/** Sends the head; the rest is written as chunks to the socket itself, one system call an event. */
function open(response: ServerResponse): Socket {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  response.flushHeaders()
  const { socket } = response
  if (socket === null) throw new Error('the client has gone')
  socket.on('error', () => socket.destroy())
  return socket
}

/** One block after the other, but never the whole event loop for one stream. */
function flood(socket: Socket): void {
  const more = (): void => {
    if (socket.destroyed) return
    if (socket.write(deltaBlock)) setImmediate(more)
    else socket.once('drain', () => setImmediate(more))
  }
  more()
}
