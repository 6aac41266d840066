// An upload that nobody wants to the end: its client gets the answer all the same, and the connection stays in use.
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Corridor, openCorridor } from '../support/corridor.ts'
import { portOf, type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const total = 8 * 1024 * 1024
const closers: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer()
})

async function corridorTo(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void,
  options: Parameters<typeof openCorridor>[1] = {},
): Promise<{ readonly corridor: Corridor; readonly upstream: RawUpstream }> {
  const upstream = await startRawUpstream(answer, { early: true })
  const corridor = await openCorridor(upstream.url, options)
  closers.push(upstream.close, corridor.close)
  return { corridor, upstream }
}

/** Writes half an upload, waits for its answer, writes the other half, then asks again on the same connection. */
async function uploadAndAskAgain(port: number): Promise<{ readonly first: string; readonly second: string }> {
  const socket = net.connect(port, '127.0.0.1')
  closers.push(() => void socket.destroy())
  let received = ''
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
  })
  const statusLine = async (): Promise<string> => {
    await until(
      () => received,
      (text) => text.includes('\r\n\r\n'),
    )
    const line = received.slice(0, received.indexOf('\r\n'))
    received = ''
    return line
  }
  const half = Buffer.alloc(total / 2, 'u')
  socket.write(
    `POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: ${total}\r\n\r\n`,
  )
  socket.write(half)
  const first = await statusLine()
  await new Promise((resolve) => socket.write(half, resolve))
  socket.write('GET /v1/agents/../x HTTP/1.1\r\nhost: x\r\n\r\n')
  return { first, second: await statusLine() }
}

test.each([
  {
    name: 'is cut off by the upstream',
    status: 'HTTP/1.1 502 Bad Gateway',
    answer: (request: http.IncomingMessage) => void request.socket.resetAndDestroy(),
  },
  {
    name: 'is answered before its end',
    status: 'HTTP/1.1 413 Payload Too Large',
    answer: (_request: http.IncomingMessage, response: http.ServerResponse) =>
      void response.writeHead(413, { 'content-length': '5' }).end('large'),
  },
])(
  'an upload that $name is answered, and its connection serves the next call',
  async ({ answer, status }) => {
    const { corridor } = await corridorTo(answer)
    const { first, second } = await uploadAndAskAgain(corridor.port)
    expect(first).toBe(status)
    expect(second).toMatch(/^HTTP\/1\.1 4/)
    await corridor.settledCount(2)
    expect(corridor.settled.map((record) => record.end_reason)).toEqual(['completed', 'completed'])
  },
)

test('an upload to an upstream that cannot be reached is refused, and its connection serves the next call', async () => {
  const nobody = net.createServer().listen(0, '127.0.0.1')
  await once(nobody, 'listening')
  const corridor = await openCorridor(`http://127.0.0.1:${portOf(nobody)}`)
  closers.push(corridor.close)
  nobody.close()
  await once(nobody, 'close')
  const { first, second } = await uploadAndAskAgain(corridor.port)
  expect(first).toBe('HTTP/1.1 502 Bad Gateway')
  expect(second).toMatch(/^HTTP\/1\.1 4/)
  expect(corridor.gateway.openExchanges()).toBe(0)
})

test('an upload that its upstream cuts off while the gateway closes settles like any other', async () => {
  let isClosing = false
  const { corridor } = await corridorTo(
    (request) => {
      isClosing = true
      request.socket.resetAndDestroy()
    },
    { deps: { isClosing: () => isClosing } },
  )
  const { status } = await upload(corridor.url)
  expect(status).toBe(502)
  await corridor.settledCount(1)
  expect(corridor.settled).toHaveLength(1)
})

function upload(url: string): Promise<{ readonly status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${url}/v1/files`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-length': total },
    })
    closers.push(() => void request.destroy())
    request.once('error', reject)
    request.once('response', (response) => {
      response.resume()
      resolve({ status: response.statusCode })
    })
    request.write(Buffer.alloc(1024, 'u'))
  })
}
