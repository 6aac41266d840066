// Twin runs over sizes: bodies up, uploads and downloads, from nothing to the limit, in one piece and in chunks.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { differencesOf } from '../support/allowed-differences.ts'
import type { Lane } from '../support/twin-lane.ts'
import { openTwins, type Program, type Twins } from '../support/twin-worlds.ts'
import { headerOf } from '../support/wire-reader.ts'
import { upload } from './walk-sessions.ts'

let twins: Twins

beforeAll(async () => {
  twins = await openTwins()
})
afterAll(() => twins.close())

const limitBytes = 32 * 1024 * 1024
const sizes = [1, 1_000, 16 * 1024 - 1, 64 * 1024, 1024 * 1024 + 1, limitBytes] as const

/** Bytes that look like chance and are the same every time. */
function noise(bytes: number): Buffer {
  return createHash('shake256', { outputLength: bytes }).update('noise').digest()
}

/** A request of exactly so many bytes that says nothing but is whole JSON. */
function jsonOf(bytes: number): Buffer {
  const [head, tail] = [
    '{"model":"claude-sonnet-5-5",\n "messages" : [{"role":"user","content":"',
    '\\u00e9 \u00e9 1e400"}], "big": 12345678901234567890, "x":1e400}\r\n',
  ]
  const filling = Math.max(0, bytes - Buffer.byteLength(head + tail))
  return Buffer.from(head + 'x'.repeat(filling) + tail)
}

/** The same bytes in pieces of uneven length. */
function piecesOf(bytes: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, size = 1; at < bytes.length; at += size, size = Math.min(size * 3, 1_000_003)) {
    pieces.push(bytes.subarray(at, at + size))
  }
  return pieces
}

async function alike(program: Program) {
  const recordings = await twins.run(program)
  expect(differencesOf(recordings.direct, recordings.through)).toEqual([])
  return recordings
}

test.each([200, ...sizes.slice(1)])(
  'a JSON body of %d bytes goes up as it is, in one piece and in chunks',
  async (size) => {
    const bytes = jsonOf(size)
    const { through } = await alike(async (lane) => {
      await lane.call('messages.count_tokens', {}, { bytes })
      await lane.call('messages.count_tokens', {}, { bytes: piecesOf(bytes) })
    })
    for (const request of through.requests) expect(request.body().equals(bytes)).toBe(true)
  },
)

test('an empty body goes up empty, also where JSON belongs', async () => {
  await alike(async (lane) => {
    await lane.ask('messages.create', {}, { bytes: Buffer.alloc(0) })
    await lane.ask('agents.create')
  })
})

test('a body one byte over the limit is refused by Tollgate with the upstream’s status and type', async () => {
  const { direct, through } = await twins.run(async (lane) => {
    await lane.ask('messages.count_tokens', {}, { bytes: jsonOf(limitBytes + 1) })
  })
  const bodies = [direct, through].map(({ answers }) =>
    JSON.parse(answers[0]?.answer.message?.body().toString() ?? '{}'),
  )
  expect([direct, through].map(({ answers }) => answers[0]?.answer.message?.startLine)).toEqual([
    'HTTP/1.1 413 Payload Too Large',
    'HTTP/1.1 413 Payload Too Large',
  ])
  expect(bodies[1].error.type).toBe(bodies[0].error.type)
  expect(through.requests).toHaveLength(0)
})

test.each([0, ...sizes])(
  'an upload of %d bytes goes up as it is, in one piece and in chunks',
  async (size) => {
    const form = upload('noise.bin', noise(size))
    const { through } = await alike(async (lane) => {
      await lane.call('files.upload', {}, form)
      await lane.call('files.upload', {}, { ...form, bytes: piecesOf(form.bytes) })
    })
    for (const request of through.requests) expect(request.body().equals(form.bytes)).toBe(true)
  },
)

test.each([0, ...sizes])('a download of %d bytes comes down as it is', async (size) => {
  const bytes = noise(size)
  const { through } = await alike(async (lane, { simulator }) => {
    await download(lane, await writeFile(simulator.url, bytes))
  })
  expect(through.answers[0]?.answer.message?.body().equals(bytes)).toBe(true)
})

test('a part of a download is asked for and answered as if Tollgate were not there', async () => {
  await alike(async (lane, { simulator }) => {
    const file = await writeFile(simulator.url, noise(1_000))
    await download(lane, file, [['Range', 'bytes=10-19']])
    await download(lane, file, [
      ['If-Range', '"x"'],
      ['Range', 'bytes=-5'],
    ])
  })
})

test('the length of an upload goes up where the client stated one', async () => {
  const form = upload('a.txt', noise(100))
  const { through } = await twins.run(async (lane) => {
    await lane.call('files.upload', {}, form)
  })
  const lengths = through.requests.map((request) => headerOf(request, 'content-length'))
  expect(lengths).toEqual([String(form.bytes.length)])
})

const download = (lane: Lane, file_id: string, headers: readonly (readonly [string, string])[] = []) =>
  lane.ask('files.download', { file_id }, { headers })

const fileSchema = z.object({ id: z.string() })

/** What a session would have written. */
async function writeFile(url: string, bytes: Buffer): Promise<string> {
  const response = await fetch(`${url}/simulator/files?filename=made.bin`, {
    method: 'POST',
    body: new Uint8Array(bytes),
  })
  return fileSchema.parse(await response.json()).id
}
