// Twin runs over everything an event stream can look like and suffer: the bytes that come down are the same, to the
// last one before a cut.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ManualClock } from '../../src/simulator/simulator.ts'
import { differencesOf, type Recording } from '../support/allowed-differences.ts'
import { type Fault, faulty, type Lane } from '../support/twin-lane.ts'
import { movingOn, openTwins, type Twins } from '../support/twin-worlds.ts'

let twins: Twins

beforeAll(async () => {
  twins = await openTwins()
})
afterAll(() => twins.close())

const never = 1_000_000_000

/** A session of one turn, watched from before its first event until it is deleted. */
const watchTurn =
  (fault: Fault, pings = 0) =>
  async (lane: Lane, { clock }: { readonly clock: ManualClock }): Promise<void> => {
    const at = { session_id: (await openSession(lane)).id }
    const query = '?event_deltas[]=agent.message'
    const stream = lane.open('sessions.events.stream', at, { query, ...faulty(fault) })
    await stream.head
    const events = [{ type: 'user.message', content: [{ type: 'text', text: 'go — 😀' }] }]
    await lane.call('sessions.events.send', at, { body: { events } })
    clock.advance(60_000)
    for (let ping = 0; ping < pings; ping += 1) clock.advance(never)
    await lane.call('sessions.archive', at)
    await lane.call('sessions.delete', at)
    await movingOn(clock, stream.done)
  }

async function openSession(lane: Lane) {
  const agent = await lane.call('agents.create', {}, { body: { name: 'a', model: 'claude-sonnet-5-5' } })
  const environment = await lane.call('environments.create', {}, { body: { name: 'e' } })
  const body = { agent: agent.id, environment_id: environment.id }
  return lane.call('sessions.create', {}, { body })
}

const bodyOf = (recording: Recording, name = 'sessions.events.stream'): Buffer =>
  recording.answers.find((each) => each.name === name)?.answer.message?.body() ?? Buffer.alloc(0)

async function alike(program: Parameters<Twins['run']>[0]) {
  const recordings = await twins.run(program, { heartbeatMs: never })
  expect(differencesOf(recordings.direct, recordings.through)).toEqual([])
  return recordings
}

const framings: readonly (readonly [string, Fault])[] = [
  ['as it comes', {}],
  ['a byte at a time', { write_bytes: 1 }],
  ['seven bytes at a time', { write_bytes: 7 }],
  ['lines that end with CRLF', { line_end: 'crlf', write_bytes: 1 }],
  ['lines that end with CR', { line_end: 'cr', write_bytes: 1 }],
  ['events that come three times', { event_copies: 3 }],
  ['events that come late', { event_delay_ms: 700 }],
  ['events of unknown types', { event_unknown: true, write_bytes: 5 }],
  ['unknown fields', { unknown_fields: true }],
  ['a megabyte in one event', { event_padding_bytes: 1024 * 1024, events: ['agent.message'] }],
  ['gzip', { gzip: true }],
  ['gzip a byte at a time', { gzip: true, write_bytes: 1 }],
  ['a slow body', { bytes_per_second: 2_000 }],
  ['more headers', { headers: { 'X-Odd-Name': 'a, b;c="d"', 'set-cookie': 'a=b', vary: '*' } }],
  ['the end of the connection', { close: true }],
]

test.each(framings)('a stream with %s comes down byte for byte', async (_, fault) => {
  const { through } = await alike(watchTurn(fault))
  expect(bodyOf(through).length).toBeGreaterThan(500)
})

test.each(['comment', 'ping'] as const)('heartbeats as %s come down as they are', async (heartbeat) => {
  const { through } = await alike(watchTurn({ heartbeat }, 3))
  const beat = heartbeat === 'comment' ? ': ping\n\n' : 'event: ping\n'
  expect(bodyOf(through).toString().split(beat)).toHaveLength(4)
})

test('a stream that is cut after n bytes is cut after the same n bytes, without an end, for every kind of place', async () => {
  const whole = bodyOf((await twins.run(watchTurn({}), { heartbeatMs: never })).direct)
  const first = whole.indexOf('\n\n')
  const places = [0, 1, first, first + 1, first + 2, first + 3, whole.length - 1]
  const spread = Array.from({ length: 40 }, (_, at) => Math.floor((at * whole.length) / 40))
  const cuts = [...new Set([...places, ...spread])].toSorted((a, b) => a - b)
  const program: Parameters<Twins['run']>[0] = async (lane, world) => {
    for (const cut_after_bytes of cuts) await watchTurn({ cut_after_bytes })(lane, world)
  }
  const { through } = await alike(program)
  const streams = through.answers.filter(({ name }) => name === 'sessions.events.stream')
  expect(streams.map(({ answer }) => answer.message?.body().length)).toEqual(cuts)
  expect(streams.some(({ answer }) => answer.message?.isWhole())).toBe(false)
})

test('a message streamed as it is written comes down byte for byte', async () => {
  await alike(async (lane, { clock }) => {
    for (const fault of [{}, { write_bytes: 3 }, { line_end: 'crlf' as const }, { cut_after_bytes: 333 }]) {
      const messages = [{ role: 'user', content: 'say something — at length' }]
      const body = { model: 'claude-sonnet-5-5', max_tokens: 200, stream: true, messages }
      const { done } = lane.open('messages.create', {}, { body, ...faulty(fault) })
      await movingOn(clock, done)
    }
  })
})
