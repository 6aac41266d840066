// The outbox and its post: what is put in arrives, the same to the byte, whatever the receiver does meanwhile.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { LogItem, SpanItem } from '../../src/trace/export/items.ts'
import { createSerialize } from '../../src/trace/export/otlp-bytes.ts'
import { type Letter, openOutbox } from '../../src/trace/export/outbox.ts'
import { openPostOffice } from '../../src/trace/export/post-office.ts'
import { portOf } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const closers: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const span = (number: number): SpanItem => ({
  kind: 'span',
  uid: `span:${number}`,
  sessionId: 'sesn_1',
  traceId: 'a'.repeat(32),
  spanId: number.toString(16).padStart(16, '0'),
  parentSpanId: '',
  name: 'chat',
  ...{ startMicros: 1_795_449_600_000_000 + number, endMicros: 1_795_449_600_000_500 + number, error: '' },
  attributes: { 'session.id': 'sesn_1', count: number },
})
const serialize = createSerialize('http/protobuf', { 'service.name': 'gate' }, '1.0.0')
const letter = (first: number, count: number): Letter => {
  const items = Array.from({ length: count }, (_, at) => span(first + at))
  return {
    signal: 'traces',
    type: 'application/x-protobuf',
    made_at_ms: 1,
    items: items.map(({ uid, sessionId }) => ({ session_id: sessionId, uid })),
    bytes: serialize.spans(items),
  }
}
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'tollgate-outbox-'))
  closers.push(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
type Answer = { readonly status: number; readonly retryAfter?: string } | 'silence'

/** Answers as told, then always 200. */
async function receive(answers: Answer[]) {
  const taken: Buffer[] = []
  let asked = 0
  const server = createServer(async (request, response) => {
    asked += 1
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const next = answers.shift() ?? { status: 200 }
    if (next === 'silence') return void request.socket.destroy()
    if (next.status === 200) taken.push(Buffer.concat(chunks))
    response
      .writeHead(next.status, next.retryAfter === undefined ? {} : { 'retry-after': next.retryAfter })
      .end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${portOf(server)}/v1/traces`, taken, asked: () => asked }
}
const office = (dir: string, url: string) => {
  const outbox = openOutbox(dir)
  const post = openPostOffice({
    ...{ outbox, logger: silentLogger, waitMs: 5 },
    receivers: { traces: { url, headers: {} }, logs: null },
  })
  closers.push(() => post.close(1_000))
  return { outbox, post }
}

test('what a receiver does not take now is sent again, the same to the byte and in its order', async () => {
  const { url, taken, asked } = await receive([
    { status: 503 },
    'silence',
    { status: 429, retryAfter: '1' },
    { status: 401 },
    { status: 500 },
  ])
  const { outbox, post } = office(folder(), url)
  const letters = [letter(0, 3), letter(3, 3)]
  for (const each of letters) await outbox.put(each)
  post.nudge()
  await until(
    () => outbox.count(),
    (count) => count === 0,
  )
  expect(taken.map((each) => each.toString('hex'))).toEqual(letters.map(({ bytes }) => bytes.toString('hex')))
  expect([asked(), outbox.count(), outbox.bytes(), outbox.oldestMs()]).toEqual([7, 0, 0, null])
  expect(post.counts()).toEqual({ sent: 6, refused: 0, failures: 5 })
})

test('what is refused for good is dropped and counted, and the next one goes on', async () => {
  const { url, taken } = await receive([{ status: 400 }])
  const { outbox, post } = office(folder(), url)
  await outbox.put(letter(0, 3))
  await outbox.put(letter(3, 2))
  post.nudge()
  await until(
    () => outbox.count(),
    (count) => count === 0,
  )
  expect(taken.length).toBe(1)
  expect(post.counts()).toEqual({ sent: 2, refused: 3, failures: 0 })
})

test('forty thousand that wait when it ends are there at the next start, every one', async () => {
  const dir = folder()
  const first = openOutbox(dir)
  for (let at = 0; at < 40_000; at += 500) await first.put(letter(at, 500))
  // Nobody there: it is closed with all of it.
  const away = openPostOffice({
    outbox: first,
    logger: silentLogger,
    receivers: { traces: { url: 'http://127.0.0.1:1/', headers: {} }, logs: null },
  })
  await away.close(200)
  expect(first.count()).toBe(80)
  const { url, taken } = await receive([])
  const { outbox, post } = office(dir, url)
  expect(outbox.held().length).toBe(40_000)
  post.nudge()
  await until(
    () => outbox.count(),
    (count) => count === 0,
  )
  expect(taken.length).toBe(80)
  expect(post.counts().sent).toBe(40_000)
})

test('the same items are the same bytes, in protobuf and JSON, and JSON says what the items say', () => {
  const log: LogItem = {
    ...{ kind: 'log', uid: 'sevt_1', sessionId: 'sesn_1', traceId: 'b'.repeat(32), spanId: 'c'.repeat(16) },
    ...{ atMicros: 1_795_449_600_000_001, severity: 'WARN', attributes: { 'log.record.uid': 'sevt_1' } },
  }
  for (const protocol of ['http/protobuf', 'http/json'] as const) {
    const [one, two] = [createSerialize(protocol, {}, '1'), createSerialize(protocol, {}, '1')]
    expect(one.spans([span(1)]).equals(two.spans([span(1)]))).toBe(true)
    expect(one.logs([log]).equals(two.logs([log]))).toBe(true)
  }
  const json = createSerialize('http/json', {}, '1')
  expect(JSON.parse(json.logs([log]).toString())).toMatchObject({
    resourceLogs: [
      {
        scopeLogs: [
          {
            logRecords: [
              { severityText: 'WARN', timeUnixNano: '1795449600000001000', traceId: 'b'.repeat(32) },
            ],
          },
        ],
      },
    ],
  })
  expect(JSON.parse(json.spans([span(2)]).toString())).toMatchObject({
    resourceSpans: [
      {
        scopeSpans: [
          { spans: [{ spanId: '0000000000000002', startTimeUnixNano: '1795449600000002000', kind: 1 }] },
        ],
      },
    ],
  })
})
