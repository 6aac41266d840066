// The stream decoders of the SDK's versions are picky, each in its own way: what one drops, splits or chokes on
// directly, it drops, splits or chokes on through Tollgate, however the bytes are cut.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts'
import { framings, hardStreams, mixedStream, yields } from './decoder-frames.ts'
import { refusalOf } from './managed-agents-walk.ts'
import { loadSdk, type Sdk, versions } from './sdk-versions.ts'

let upstream: RawUpstream
let house: TestHouse
/** What the upstream answers next, and whether it breaks off instead of ending. */
let next: { readonly pieces: readonly Buffer[]; readonly isCut?: boolean } = { pieces: [] }

beforeAll(async () => {
  upstream = await startRawUpstream(async (_request, response) => {
    const { pieces, isCut = false } = next
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.flushHeaders()
    for (const piece of pieces) await new Promise((written) => response.write(piece, written))
    if (isCut) response.destroy()
    else response.end()
  })
  house = await openTestHouse({ upstreamUrl: upstream.url })
})
afterAll(async () => {
  await house?.destroy()
  await upstream?.close()
})

describe.each(versions)('SDK %s', (version) => {
  let sdk: Sdk
  beforeAll(async () => {
    sdk = await loadSdk(version)
  })

  /** What a loop over the stream sees and how it ends, directly; fails unless it is the same through Tollgate. */
  const decode = async () => {
    const loop = async (url: string, key: string) => {
      const events: unknown[] = []
      const client = sdk.connect({ url, key })
      const failure = await (async () => {
        for await (const event of await client.beta.sessions.events.stream('sesn_1')) events.push(event)
      })().catch(refusalOf)
      return { events, failure }
    }
    const direct = await loop(upstream.url, 'any key')
    expect(await loop(house.gatewayUrl, house.key)).toEqual(direct)
    return direct
  }
  const withIds = (ids: readonly string[]) => ids.map((id) => ({ type: 'event', id }))

  test.each(Object.entries(framings))(
    'yields and drops the same when bytes come %s',
    async (_name, frame) => {
      next = { pieces: frame(mixedStream) }
      expect(await decode()).toEqual({ events: withIds(yields[version]), failure: undefined })
    },
  )

  test.each(Object.entries(hardStreams))('ends its loop the same way on %s', async (_name, stream) => {
    next = { pieces: [Buffer.from(stream.text)] }
    const isOld = version === '0.88' || version === '0.109'
    const { ids, failure } = isOld ? (stream.old ?? stream) : stream
    const { events, failure: thrown } = await decode()
    expect([events, thrown?.['class']]).toEqual([withIds(ids), failure])
  })

  test('learns that the upstream broke off', async () => {
    next = { pieces: [Buffer.from(mixedStream.slice(0, 100))], isCut: true }
    const { events, failure } = await decode()
    expect(events).toEqual(withIds(['plain message']))
    expect(failure).toMatchObject({ message: expect.stringMatching(/terminated/i) })
  })
})

test.each(Object.entries(framings))(
  'every byte is the upstream’s own when they come %s',
  async (_name, frame) => {
    next = { pieces: frame(mixedStream) }
    const answer = await fetch(`${house.gatewayUrl}/v1/sessions/sesn_1/events/stream`, {
      headers: { 'x-api-key': house.key },
    })
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.concat([...next.pieces]))
  },
)
