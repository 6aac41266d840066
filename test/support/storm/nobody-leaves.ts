// Calls that end as they should, between those that do not.
import type http from 'node:http'
import {
  ensure,
  eventFrame,
  jsonBody,
  met,
  multipart,
  paths,
  type StormCase,
  sessionJson,
  through,
} from './cases.ts'

const completed = ['completed 200']

/** Ordinary calls; those without a body share the connections of `agent`. */
export function nobodyLeaves(agent: http.Agent): readonly StormCase[] {
  const answered = (
    name: string,
    path: string,
    head: { readonly [name: string]: string },
    body: string,
  ): StormCase => ({
    name,
    ends: completed,
    play: async (stage) => {
      const { client, at } = await met(stage, path, { agent })
      at.response.writeHead(200, head)
      at.response.end(body)
      const answer = await client.answer
      ensure(!answer.broken && answer.body.toString() === body, 'the answer is not the one that was sent')
    },
  })
  return [
    answered('a read', paths.agents, jsonBody, '{"data":[]}'),
    answered('a read that is tapped', paths.sessions, jsonBody, `{"data":[${sessionJson}]}`),
    answered(
      'a stream to its end',
      paths.stream,
      { 'content-type': 'text/event-stream' },
      eventFrame.repeat(20),
    ),
    answered('a download', paths.download, { 'content-length': '200000' }, 'd'.repeat(200_000)),
    {
      name: 'a create',
      ends: completed,
      play: async (stage) => {
        const { client, at } = await met(stage, paths.sessions, {
          method: 'POST',
          headers: { ...jsonBody, 'transfer-encoding': 'chunked' },
          body: '{"agent":"agent_1"}',
        })
        at.response.writeHead(200, jsonBody)
        at.response.end(sessionJson)
        ensure(
          (await client.answer).body.toString() === sessionJson,
          'the answer is not the one that was sent',
        )
      },
    },
    {
      name: 'an upload that waits for its 100',
      ends: completed,
      play: async (stage) => {
        const client = through(stage, paths.upload, {
          method: 'POST',
          headers: { ...multipart, 'content-length': 100_000, expect: '100-continue' },
        })
        client.request.once('continue', () => client.request.end(Buffer.alloc(100_000, 'u')))
        const at = await stage.upstream.meet(stage.tag)
        let bytes = 0
        for await (const chunk of at.request) bytes += chunk.length
        ensure(bytes === 100_000, `${bytes} bytes went up`)
        at.response.writeHead(200, jsonBody)
        at.response.end('{}')
        ensure((await client.answer).status === 200, 'the upload was not answered')
      },
    },
    ...[204, 304].map(
      (status): StormCase => ({
        name: `a ${status} that declares a length`,
        ends: [`completed ${status}`],
        play: async (stage) => {
          const { client, at } = await met(stage, paths.agents)
          at.request.socket.write(`HTTP/1.1 ${status} Nothing\r\ncontent-length: 10\r\n\r\n`)
          const answer = await client.answer
          ensure(answer.status === status && !answer.broken, `a ${status} did not pass`)
        },
      }),
    ),
    {
      name: 'an upload that is refused',
      ends: ['completed 404'],
      play: async (stage) => {
        const { answer } = through(stage, '/v1/nowhere', {
          method: 'POST',
          headers: multipart,
          body: Buffer.alloc(300_000, 'u'),
        })
        ensure((await answer).status === 404, 'it was not refused')
      },
    },
  ]
}
