// Attacks by an upstream's answer, and on the waiting for a request: no value becomes a header of its own, no head that
// cannot be written takes the process down, and nobody holds a connection by dribbling.
import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import net, { Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createEditedAnswer } from '../../src/forward/edited-answer.ts'
import { exchangeBytes, statusOf } from '../support/besieged-house.ts'
import { openCorridor } from '../support/corridor.ts'
import { startVerbatimUpstream } from '../support/verbatim-upstream.ts'
import { headerOf } from '../support/wire-reader.ts'

type CorridorDeps = NonNullable<Parameters<typeof openCorridor>[1]>['deps']

async function corridorBefore(bytes: string, deps: CorridorDeps = {}) {
  const upstream = await startVerbatimUpstream({ bytes })
  const corridor = await openCorridor(upstream.url, { deps })
  onTestFinished(async () => {
    await corridor.close()
    await upstream.close()
  })
  return corridor
}

const answering = (...lines: readonly string[]): string =>
  ['HTTP/1.1 200 OK', 'content-type: application/json', ...lines, 'content-length: 2', '', '{}'].join('\r\n')
const ask = 'GET /v1/agents HTTP/1.1\r\nHost: tollgate\r\nConnection: close\r\n\r\n'

const splits = [
  'b\rX-Injected: 1',
  'b\nX-Injected: 1',
  'b\x00X-Injected: 1',
  'b\x7f',
  'b\x0bc',
  'b\r',
  '\x1b[2J',
]

test.each(splits)('a value with %j brings no header of its own, edited or not', async (value) => {
  for (const deps of [{}, { editAnswer: () => (_head: object, body: Buffer) => body }]) {
    const { port } = await corridorBefore(answering(`request-id: ${value}`), deps)
    const [answer] = await exchangeBytes(port, ask, 1)
    expect(answer === undefined ? 0 : statusOf(answer)).toBe(502)
    expect(answer?.headers.map(([name]) => name.toLowerCase())).not.toContain('x-injected')
    expect(answer?.body().toString()).toContain('upstream.broken')
  }
})

test('text of a caller in a header of ours stays in it', async () => {
  const startSpan = () => ({ traceId: 'a\r\nx-injected: 1\u2603', traceparent: '', end: () => {} })
  const { port } = await corridorBefore(answering(), { startSpan })
  const [answer] = await exchangeBytes(port, ask, 1)
  expect(answer?.startLine).toMatch(/ 200 /)
  expect(answer === undefined ? '' : headerOf(answer, 'x-tollgate-trace-id')).toBe('a??x-injected: 1?')
})

test('an edited answer whose head Node will not write is a failure that is told, not one that ends the process', async () => {
  const failed = new Promise<Error>((resolve) => {
    const handler = createEditedAnswer(new ServerResponse(new IncomingMessage(new Socket())), {
      addedHeaders: ['x-a', 'b\r\nc: d'],
      edit: (_head, body) => body,
      drain: () => null,
      stallTimeoutMs: 1_000,
      watch: {
        onHead: () => {},
        onChunk: () => {},
        onComplete: () => {},
        onFailure: resolve,
        onCutShort: () => {},
      },
    })
    handler.onHeaders?.(200, [], () => {}, 'OK')
    handler.onComplete?.([])
  })
  expect((await failed).message).toContain('x-a')
})

test('a request that does not arrive in time is told so, and its connection ends', async () => {
  const corridor = await corridorBefore(answering())
  const { server } = corridor.app
  // Node's own watch over unfinished heads and bodies; nobody may switch it off.
  expect([server.headersTimeout, server.requestTimeout].every((ms) => ms > 0 && ms <= 600_000)).toBe(true)
  expect(server.headersTimeout).toBeLessThanOrEqual(60_000)
  for (const beginning of [
    'GET /v1/agents HTTP/1.1\r\nhost: t\r\nx-a: b',
    'POST /v1/environments HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
  ]) {
    const accepted = once(server, 'connection')
    const client = net.connect(corridor.port, '127.0.0.1')
    const chunks: Buffer[] = []
    client.on('data', (chunk: Buffer) => chunks.push(chunk))
    client.write(beginning)
    const [socket] = await accepted
    await expect.poll(() => socket.bytesRead).toBe(beginning.length)
    server.emit('clientError', Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket)
    await once(client, 'close')
    const text = Buffer.concat(chunks).toString()
    expect(text).toMatch(/^HTTP\/1\.1 408 .*request-id: req_.*did not arrive in time/s)
  }
})
