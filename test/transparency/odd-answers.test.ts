// Twin runs over answers that no API should give and HTTP allows, or nearly: bytes written by hand.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { differencesOf } from '../support/allowed-differences.ts'
import { openTwins, type Twins } from '../support/twin-worlds.ts'
import { startVerbatimUpstream, type Verbatim } from '../support/verbatim-upstream.ts'

let twins: Twins

beforeAll(async () => {
  twins = await openTwins()
})
afterAll(() => twins.close())

const date = 'Date: Wed, 21 Oct 2026 07:28:00 GMT'
const json = '{"data":[],"has_more":false}'
const head = (...lines: readonly string[]): string => `${[...lines, date].join('\r\n')}\r\n\r\n`
const lengthOf = (text: string): string => `Content-Length: ${text.length}`
const plain = head('HTTP/1.1 200 OK', 'content-type: application/json', lengthOf(json)) + json

/** One call the tap reads, one it does not, one that changes something, and a stream. */
async function recordAt(verbatim: Verbatim) {
  const upstream = await startVerbatimUpstream(verbatim)
  try {
    return await twins.runAt(upstream.url, async (lane) => {
      await lane.ask('agents.list')
      await lane.ask('sessions.list')
      await lane.ask('environments.create', {}, { body: { name: 'e' } })
      await lane.ask('sessions.events.stream', { session_id: 'sesn_1' })
    })
  } finally {
    await upstream.close()
  }
}

const odd: readonly (readonly [string, Verbatim])[] = [
  ['an ordinary answer', { bytes: plain }],
  ['a reason of its own', { bytes: plain.replace('OK', 'Very Fine; really') }],
  ['no reason', { bytes: plain.replace('OK', '') }],
  ['a status nobody knows', { bytes: plain.replace('200 OK', '299 Odd') }],
  ['an overload', { bytes: plain.replace('200 OK', '529 Overloaded') }],
  [
    'a redirect',
    { bytes: head('HTTP/1.1 307 Temporary Redirect', 'Location: https://a.example/?b', lengthOf('')) },
  ],
  ['names in every case', { bytes: plain.replace('content-type', 'CONTENT-Type') }],
  [
    'headers that come twice',
    {
      bytes:
        head('HTTP/1.1 200 OK', 'Set-Cookie: a=1', 'set-cookie: b=2', 'X-A: 1', 'x-a: 1', lengthOf(json)) +
        json,
    },
  ],
  [
    'values with tabs, nothing, and bytes above ASCII',
    {
      bytes:
        head('HTTP/1.1 200 OK', 'X-A: b\tc', 'X-Empty:', 'X-High: caf\xe9 \xc3\xa9', lengthOf(json)) + json,
    },
  ],
  [
    'a long header',
    { bytes: head('HTTP/1.1 200 OK', `X-Long: ${'x'.repeat(8_000)}`, lengthOf(json)) + json },
  ],
  [
    'a hundred headers',
    {
      bytes: head(
        'HTTP/1.1 200 OK',
        ...Array.from({ length: 100 }, (_, at) => `X-${at}: ${at}`),
        lengthOf(''),
      ),
    },
  ],
  ['no body', { bytes: head('HTTP/1.1 200 OK', lengthOf('')) }],
  ['204', { bytes: head('HTTP/1.1 204 No Content', 'X-A: 1') }],
  ['304', { bytes: head('HTTP/1.1 304 Not Modified', 'ETag: "x"') }],
  ['304 that states a length', { bytes: head('HTTP/1.1 304 Not Modified', 'Content-Length: 100') }],
  ['204 that states a length', { bytes: head('HTTP/1.1 204 No Content', 'Content-Length: 5') }],
  ['205', { bytes: head('HTTP/1.1 205 Reset Content', lengthOf('')) }],
  [
    'chunks with extensions',
    {
      bytes: `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}1;a="b"\r\n{\r\n00B\r\n"data":[{}]\r\n1\r\n}\r\n0\r\n\r\n`,
    },
  ],
  [
    'no length and an end',
    { bytes: head('HTTP/1.1 200 OK', 'content-type: application/json') + json, afterwards: 'ends' },
  ],
  ['less than promised', { bytes: plain.slice(0, -5), afterwards: 'ends' }],
  [
    'a chunk that never ends',
    { bytes: `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}ff\r\n{"data"`, afterwards: 'ends' },
  ],
  [
    'no last chunk',
    { bytes: `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}2\r\n{}\r\n`, afterwards: 'ends' },
  ],
  [
    'a body that is not JSON',
    { bytes: `${head('HTTP/1.1 200 OK', 'content-type: application/json', lengthOf('{"da'))}{"da` },
  ],
]

test.each(odd)('%s comes down as it is', async (_, verbatim) => {
  const { direct, through } = await recordAt(verbatim)
  expect(differencesOf(direct, through)).toEqual([])
  expect(direct.answers.every(({ answer }) => answer.message !== null)).toBe(true)
})

const stream = head('HTTP/1.1 200 OK', 'Content-Type: text/event-stream')
const streams: readonly (readonly [string, Buffer])[] = [
  ['a byte order mark', Buffer.from('\ufeffevent: a\ndata: {}\n\n')],
  ['no names', Buffer.from('data: {"type":"agent.message"}\n\ndata: x\n\n')],
  ['data in many lines', Buffer.from('event: a\ndata: {\ndata: }\ndata\n\n')],
  [
    'ids, retries and unknown fields',
    Buffer.from('id: 1\nretry: 10\nfield: x\n: comment\nevent: a\ndata: {}\n\n'),
  ],
  ['every line end at once', Buffer.from('event: a\rdata: 1\r\n\nevent: b\r\ndata: 2\r\n\r\n\r\r')],
  ['no blank line at its end', Buffer.from('event: a\ndata: {}')],
  [
    'bytes that are no text',
    Buffer.concat([Buffer.from('data: '), Buffer.from([0, 1, 0xc3, 0x28, 0xff]), Buffer.from('\n\n')]),
  ],
  ['no event at all', Buffer.alloc(0)],
  [
    'one event that is larger than the tap reads',
    Buffer.from(
      `event: session.status_idle\ndata: {"x":"${'x'.repeat(17 * 1024 * 1024)}"}\n\nevent: a\ndata: {}\n\n`,
    ),
  ],
]

test.each(streams)('a stream with %s comes down as it is', async (_, body) => {
  const { direct, through } = await recordAt({
    bytes: Buffer.concat([Buffer.from(stream), body]),
    afterwards: 'ends',
  })
  expect(differencesOf(direct, through)).toEqual([])
  expect(through.answers.at(-1)?.answer.message?.body().equals(body)).toBe(true)
})
