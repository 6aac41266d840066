// Upstreams that break off, at every phase of a call.
import {
  begun,
  broke,
  closed,
  ensure,
  eventFrame,
  jsonBody,
  met,
  paths,
  type StormCase,
  sessionJson,
  uploading,
} from './cases.ts'
import type { Meeting } from './upstream.ts'

const reset = ({ request }: Meeting): void => void request.socket.resetAndDestroy()
const refused = 'completed 502'

/** The upstream breaks off an answer it has begun: the client has every byte of it, and no proper end. */
const inAnswer = (
  name: string,
  path: string,
  headers: { readonly [name: string]: string },
  bytes: string,
  cut: (at: Meeting) => void,
): StormCase => ({
  name,
  ends: [broke],
  play: async (stage) => {
    const call = await met(stage, path)
    const { client, at } = call
    await begun(call, headers, bytes)
    cut(at)
    const { body, broken } = await client.answer
    ensure(broken, 'a broken answer looks whole')
    ensure(body.toString() === bytes, `only ${body.length} of ${bytes.length} bytes arrived`)
  },
})

export const upstreamCuts: readonly StormCase[] = [
  ...(['end', 'resetAndDestroy'] as const).map((how) => ({
    name: `upstream cuts before its answer (${how})`,
    ends: [refused],
    play: async (stage: Parameters<StormCase['play']>[0]) => {
      const { client, at } = await met(stage, paths.agents)
      at.request.socket[how]()
      ensure((await client.answer).status === 502, 'not refused as broken')
    },
  })),
  {
    name: 'upstream cuts before its answer to a create',
    ends: [refused],
    play: async (stage) => {
      const { client, at } = await met(stage, paths.sessions, {
        method: 'POST',
        headers: jsonBody,
        body: '{"agent":"agent_1"}',
      })
      reset(at)
      ensure((await client.answer).status === 502, 'not refused as broken')
    },
  },
  {
    name: 'upstream cuts in its head',
    ends: [refused],
    play: async (stage) => {
      const { client, at } = await met(stage, paths.agents)
      at.request.socket.end('HTTP/1.1 200 OK\r\ncontent-type: appl')
      ensure((await client.answer).status === 502, 'not refused as broken')
    },
  },
  {
    name: 'upstream cuts in an upload',
    ends: [refused],
    play: async (stage) => {
      const { client, at } = await uploading(stage)
      reset(at)
      const { status } = await client.answer
      ensure(status === 502, `answered ${status}`)
      // The refusal is there; what is left of the upload may still be sent, and goes nowhere.
      client.request.end(Buffer.alloc(1024 * 1024 - 64 * 1024, 'u'))
      await client.gone
    },
  },
  {
    name: 'upstream answers in the middle of an upload and reads no further',
    ends: ['completed 413'],
    play: async (stage) => {
      const { client, at } = await uploading(stage)
      at.response.writeHead(413, jsonBody)
      at.response.end('{"type":"error"}')
      const { status } = await client.answer
      ensure(status === 413, `answered ${status}`)
      client.request.end(Buffer.alloc(1024 * 1024 - 64 * 1024, 'u'))
      await client.gone
    },
  },
  inAnswer(
    'upstream cuts a body of known length',
    paths.download,
    { 'content-length': '1000' },
    'x'.repeat(100),
    reset,
  ),
  inAnswer(
    'upstream cuts a chunked body that the tap reads',
    paths.sessions,
    jsonBody,
    `{"data":[${sessionJson}`,
    reset,
  ),
  inAnswer(
    'upstream cuts a stream of events',
    paths.stream,
    { 'content-type': 'text/event-stream' },
    eventFrame,
    reset,
  ),
  inAnswer(
    'upstream ends its connection in a stream of events',
    paths.stream,
    { 'content-type': 'text/event-stream' },
    eventFrame,
    ({ response }) => void response.socket?.end(),
  ),
  {
    name: 'upstream cuts a stream that its client does not read',
    ends: [broke],
    play: async (stage) => {
      const { client, at } = await met(stage, paths.stream, { unread: true })
      at.response.writeHead(200, { 'content-type': 'text/event-stream' })
      at.response.flushHeaders()
      const response = await client.head
      response.pause()
      while (at.response.write(eventFrame.repeat(2_000)));
      reset(at)
      response.resume()
      await closed(response)
      ensure(!response.complete, 'a broken stream looks whole')
    },
  },
]
