// Twin runs over what an upstream can do wrong in one answer: the error a client sees is the upstream's own, and a
// broken answer stays as broken as it was.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { differencesOf } from '../support/allowed-differences.ts'
import { type Fault, faulty, type Lane } from '../support/twin-lane.ts'
import { createHurriedClock, openTwins, type Program, type Twins } from '../support/twin-worlds.ts'
import { upload } from './walk-sessions.ts'

let twins: Twins

beforeAll(async () => {
  twins = await openTwins()
})
afterAll(() => twins.close())

/** Calls of every kind under a fault: read by the tap and not, changing and not, JSON, form, binary, stream. */
const calls: readonly ((lane: Lane, fault: Fault) => { readonly done: Promise<unknown> })[] = [
  (lane, fault) => lane.open('agents.list', {}, faulty(fault)),
  (lane, fault) => lane.open('sessions.list', {}, faulty(fault)),
  (lane, fault) => lane.open('environments.create', {}, { body: { name: 'e' }, ...faulty(fault) }),
  (lane, fault) => lane.open('sessions.create', {}, { body: { agent: 'agent_none' }, ...faulty(fault) }),
  (lane, fault) => lane.open('files.upload', {}, { ...upload('a.txt', Buffer.from('a')), ...faulty(fault) }),
  (lane, fault) => lane.open('files.download', { file_id: 'file_none' }, faulty(fault)),
  (lane, fault) => lane.open('sessions.events.stream', { session_id: 'sesn_none' }, faulty(fault)),
]

const underFault =
  (...faults: readonly Fault[]): Program =>
  async (lane) => {
    for (const fault of faults) for (const call of calls) await call(lane, fault).done
  }

async function alike(program: Program) {
  const recordings = await twins.run(program, { clock: createHurriedClock(), heartbeatMs: 1_000_000 })
  expect(differencesOf(recordings.direct, recordings.through)).toEqual([])
  return recordings
}

const statuses = [
  400, 401, 403, 404, 405, 408, 409, 410, 413, 422, 424, 429, 499, 500, 502, 503, 504, 529, 599,
]

test('every error status comes down as it is, with what it says about trying again', async () => {
  const { through } = await alike(
    underFault(
      ...statuses.map((status) => ({ status })),
      { status: 429, retry_after: 7 },
      { status: 429, retry_after: 'Wed, 21 Oct 2026 07:28:00 GMT', should_retry: false },
      { status: 529, retry_after_ms: 250, should_retry: true, when: 'after' },
      {
        status: 409,
        error_type: 'a_new_error',
        error_code: 'a_new_code',
        error_message: 'words, words: \u00e9',
      },
    ),
  )
  const seen = new Set(through.answers.map(({ answer }) => Number(answer.message?.startLine.slice(9, 12))))
  expect(statuses.filter((status) => !seen.has(status))).toEqual([])
})

test('an error that is no envelope (a page, nothing, half of one) comes down as it is', async () => {
  const bodies = ['envelope', 'html', 'empty', 'broken'] as const
  await alike(underFault(...bodies.map((error_body) => ({ status: 502, error_body }))))
})

const shapes: readonly (readonly [string, readonly Fault[]])[] = [
  ['gzip', [{ gzip: true }]],
  ['gzip in pieces', [{ gzip: true, write_bytes: 1 }]],
  ['a byte at a time', [{ write_bytes: 1 }, { write_bytes: 3 }]],
  ['slow', [{ bytes_per_second: 500 }]],
  ['late', [{ head_delay_ms: 5_000 }]],
  ['cut', [0, 1, 2, 17, 100].map((cut_after_bytes) => ({ cut_after_bytes }))],
  [
    'reset',
    [17, 100].map((cut_after_bytes) => ({
      cut_after_bytes,
      write_bytes: 5,
      bytes_per_second: 5,
      reset: true,
    })),
  ],
  ['longer than it says', [{ content_length_off: -7 }]],
  ['shorter than it says', [{ content_length_off: 7 }, { content_length_off: 100_000 }]],
  ['with unknown fields', [{ unknown_fields: true }]],
  ['with odd headers', [{ headers: { 'X-ODD': 'a;b="c", d', 'Set-Cookie': 'a=b', 'retry-after': '3' } }]],
  ['closing its connection', [{ close: true }]],
  ['after early hints', [{ informational: [103] }, { informational: [102, 103, 103] }]],
]

test.each(shapes)('an answer that comes %s is the same', async (_, faults) => {
  await alike(underFault(...faults))
})
