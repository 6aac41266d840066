// What does differ, each with the difference spelled out: the list of docs/transparency.md, so that it can neither grow
// nor go stale unnoticed.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withheldHeaders } from '../../src/forward/request-headers.ts'
import { allowedInAnswers, allowedInRequests, allowedWhenTapped } from '../support/allowed-differences.ts'
import { faulty } from '../support/twin-lane.ts'
import { createHurriedClock, openTwins, type Twins } from '../support/twin-worlds.ts'
import { startVerbatimUpstream, type Verbatim } from '../support/verbatim-upstream.ts'
import type { WireAnswer } from '../support/wire-client.ts'
import { headerOf } from '../support/wire-reader.ts'

let twins: Twins

beforeAll(async () => {
  twins = await openTwins()
})
afterAll(() => twins.close())

const date = 'Date: Wed, 21 Oct 2026 07:28:00 GMT'
const head = (...lines: readonly string[]): string => `${[...lines, date].join('\r\n')}\r\n\r\n`
const ok = (...lines: readonly string[]): string =>
  `${head('HTTP/1.1 200 OK', ...lines, 'Content-Length: 2')}{}`

async function recordAt(verbatim: Verbatim) {
  const upstream = await startVerbatimUpstream(verbatim)
  try {
    const { direct, through } = await twins.runAt(upstream.url, async (lane) => {
      await lane.ask('agents.list')
    })
    return { direct: show(direct.answers[0]?.answer), through: show(through.answers[0]?.answer) }
  } finally {
    await upstream.close()
  }
}

const codeOf = (text: string): string => /"error_code":"([^"]+)"/.exec(text)?.[1] ?? text

/** What of an answer these tests are about. */
const show = (answer: WireAnswer | undefined) => ({
  line: answer?.message?.startLine,
  body: codeOf(answer?.message?.body().toString() ?? ''),
  interim: answer?.interim,
  trailers: answer?.message?.trailers(),
  excessBytes: answer?.excessBytes,
  hasDate: answer?.message != null && headerOf(answer.message, 'date') !== '',
})

const broken = { line: 'HTTP/1.1 502 Bad Gateway', body: 'upstream.broken' }

const differing: readonly (readonly [string, Verbatim, object, object])[] = [
  [
    'HTTP/1.0 is said in 1.1',
    { bytes: ok().replace('1.1', '1.0') },
    { line: 'HTTP/1.0 200 OK' },
    { line: 'HTTP/1.1 200 OK' },
  ],
  [
    'an answer without a date gets one',
    { bytes: ok().replace(`${date}\r\n`, '') },
    { hasDate: false },
    { hasDate: true },
  ],
  [
    'interim answers stay on their hop',
    { bytes: `HTTP/1.1 103 Early Hints\r\n\r\n${ok()}` },
    { interim: ['HTTP/1.1 103 Early Hints'], body: '{}' },
    { interim: [], body: '{}' },
  ],
  [
    'trailers stay on their hop',
    { bytes: `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n` },
    { trailers: [['X-Sum', '1']], body: '{}' },
    { trailers: [], body: '{}' },
  ],
  [
    'bytes behind an answer are dropped',
    { bytes: `${ok()}excess` },
    { excessBytes: 6, body: '{}' },
    { excessBytes: 0, body: '{}' },
  ],
  [
    'a reason that is not ASCII is left out',
    { bytes: ok().replace('OK', 'caf\xe9') },
    { line: 'HTTP/1.1 200 caf\xe9' },
    { line: 'HTTP/1.1 200 ' },
  ],
  ['no answer is 502', { bytes: '', afterwards: 'ends' }, { line: undefined }, broken],
  ['half a head is 502', { bytes: 'HTTP/1.1 200 OK\r\nX', afterwards: 'ends' }, { line: undefined }, broken],
  [
    'a 100 that nobody asked for is 502',
    { bytes: `HTTP/1.1 100 Continue\r\n\r\n${ok()}` },
    { body: '{}' },
    broken,
  ],
  ['two lengths are 502', { bytes: ok('Content-Length: 2') }, { body: '{}' }, broken],
  [
    'a length and chunks are 502',
    { bytes: ok('Transfer-Encoding: chunked').replace('{}', '2\r\n{}\r\n0\r\n\r\n') },
    { body: '{}' },
    broken,
  ],
  ['a folded header is 502', { bytes: ok('X-A: 1', '  folded') }, { body: '{}' }, broken],
  ['a control character in a header is 502', { bytes: ok('X-A: a\x01b') }, { body: '{}' }, broken],
  ['a head over 16 KiB is 502', { bytes: ok(`X-Long: ${'x'.repeat(17_000)}`) }, { body: '{}' }, broken],
]

test.each(differing)('%s', async (_, verbatim, direct, through) => {
  const shown = await recordAt(verbatim)
  expect(shown.direct).toMatchObject(direct)
  expect(shown.through).toMatchObject(through)
})

test('a connection that drops before or after the effect is 502, and nothing is tried again', async () => {
  const { direct, through } = await twins.run(
    async (lane) => {
      for (const drop of ['before', 'after'] as const) {
        await lane.ask('environments.create', {}, { body: { name: 'e' }, ...faulty({ drop }) })
      }
    },
    { clock: createHurriedClock() },
  )
  expect(direct.answers.map(({ answer }) => show(answer).line)).toEqual([undefined, undefined])
  expect(through.answers.map(({ answer }) => show(answer))).toMatchObject([broken, broken])
  expect(through.requests).toHaveLength(2)
})

test('an operation that is not in the table is refused here, and the upstream never hears of it', async () => {
  const { through } = await twins.run(async (lane) => {
    for (const target of ['/v1/agents/a/new_verb', '/v2/agents', '/v1/organizations/me']) {
      await lane.send(target, { method: 'GET', target, headers: [] }).done
    }
  })
  expect(through.answers.map(({ answer }) => show(answer).body)).toEqual(Array(3).fill('arrive.path_unknown'))
  expect(through.requests).toHaveLength(0)
})

test('what Tollgate withholds of a request is what the document says, no more and no less', async () => {
  const named = namesIn('What does not go up')
  expect([...withheldHeaders, ...allowedWhenTapped].toSorted()).toEqual(named)
  // Framing is not a client's to make up, and with a wrong credential or a workspace it would be refused.
  const unsendable = ['host', 'connection', 'content-length', 'transfer-encoding', 'expect', 'upgrade']
  const refused = [
    'authorization',
    'x-api-key',
    'x-tollgate-key',
    'x-tollgate-dry-run',
    'anthropic-workspace-id',
  ]
  const sent = named.filter((name) => !unsendable.includes(name) && !refused.includes(name))
  const others = ['x-anything', 'anthropic-version', 'anthropic-worker-id', 'idempotency-key', 'accept']
  const { through } = await twins.run(async (lane) => {
    await lane.ask(
      'sessions.list',
      {},
      { headers: [...sent, ...others].map((name) => [name, `mine-${name}`]) },
    )
  })
  const values = through.requests[0]?.headers.map(([, value]) => value) ?? []
  expect(values.filter((value) => value.startsWith('mine-')).toSorted()).toEqual(
    others.map((name) => `mine-${name}`).toSorted(),
  )
})

test('the allowance of the twin runs is in the document too', () => {
  const named = [...namesIn('What does not go up'), ...namesIn('What comes down besides')]
  const allowed = [...allowedInRequests, ...allowedWhenTapped, ...allowedInAnswers]
  expect(allowed.filter((name) => !named.includes(name))).toEqual([])
})

/** The header names in backticks in one section of the document. */
function namesIn(section: string): readonly string[] {
  const text = readFileSync(new URL('../../docs/transparency.md', import.meta.url), 'utf8')
  const [, body = ''] = text.split(`## ${section}\n`)
  const own = body.split('\n## ')[0] ?? ''
  return [...new Set([...own.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name))].toSorted()
}
