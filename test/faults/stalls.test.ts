// One side stands still in the middle of a transfer: it loses its connection after the time the operator set, whatever the
// size of what it moved before; a stream of events may be silent as long as it likes.
import type http from 'node:http'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Corridor, openCorridor } from '../support/corridor.ts'
import { deferred } from '../support/deferred.ts'
import { open } from '../support/raw-client.ts'
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts'

const closers: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer()
})

async function between(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void,
  options: Parameters<typeof openCorridor>[1] = {},
): Promise<{ readonly corridor: Corridor; readonly upstream: RawUpstream }> {
  const upstream = await startRawUpstream(answer, { early: true })
  const corridor = await openCorridor(upstream.url, { stallTimeoutMs: 200, ...options })
  closers.push(upstream.close, corridor.close)
  return { corridor, upstream }
}

/** Far more than the buffers between an upstream and a client that reads nothing. */
const large = Buffer.alloc(32 * 1024 * 1024, 'x')

test.each([
  ['a list', '/v1/agents', 'application/json'],
  ['a download', '/v1/files/file_1/content', 'application/octet-stream'],
])('%s that its client leaves unread is cut', async (_, path, type) => {
  const { corridor } = await between((_request, response) => {
    response.writeHead(200, { 'content-type': type })
    response.end(large)
  })
  const socket = net.connect(corridor.port, '127.0.0.1')
  closers.push(() => void socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
  await corridor.settledCount(1)
  expect(corridor.settled).toMatchObject([{ status: 499, end_reason: 'client_gone' }])
})

test('a download at which the upstream stands still is cut, and a silent stream of events is not', async () => {
  const { corridor } = await between((request, response) => {
    const isStream = request.url?.endsWith('/stream') === true
    response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/octet-stream' })
    response.write(isStream ? ': hello\n\n' : 'half of it')
  })
  const stream = await open(`${corridor.url}/v1/sessions/sesn_1/events/stream`)
  closers.push(() => void stream.request.destroy())
  const download = await open(`${corridor.url}/v1/files/file_1/content`)
  download.response.resume()
  await corridor.settledCount(1)
  expect(corridor.settled).toMatchObject([{ operation: 'files.download', end_reason: 'upstream_broke' }])
  expect(corridor.gateway.openExchanges()).toBe(1)
})

test('an upload at which the client stands still is cut, and the upstream hears of it', async () => {
  const broken = deferred()
  const { corridor } = await between((request) => {
    request.resume()
    request.once('close', () => broken.resolve())
  })
  const socket = net.connect(corridor.port, '127.0.0.1')
  closers.push(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(
    'POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 1000\r\n\r\n--x',
  )
  await broken.promise
  await corridor.settledCount(1)
  expect(corridor.settled).toMatchObject([{ operation: 'files.upload', status: 499 }])
})

test('whoever leaves before anything is decided is recorded as having left, not as allowed', async () => {
  const asked = deferred()
  const { corridor, upstream } = await between(() => {}, {
    deps: {
      authorize: () => {
        asked.resolve()
        return new Promise(() => {})
      },
    },
  })
  const socket = net.connect(corridor.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET /v1/agents HTTP/1.1\r\nhost: x\r\n\r\n')
  await asked.promise
  socket.destroy()
  await corridor.settledCount(1)
  expect(corridor.settled).toMatchObject([
    { decision: 'abandoned', end_reason: 'client_gone', status: 499, error_code: '' },
  ])
  expect(upstream.seen).toEqual([])
})
