// Clients that go away, at every phase of a call.

import {
  begun,
  closed,
  ensure,
  eventFrame,
  gone,
  jsonBody,
  met,
  multipart,
  paths,
  type StormCase,
  sessionJson,
  through,
  uploading,
} from './cases.ts'
import { connectRaw } from './client.ts'

export const clientLeaves: readonly StormCase[] = [
  {
    name: 'client leaves before it said anything',
    ends: [],
    records: 0,
    play: async ({ gatewayUrl }) => {
      const socket = await connectRaw(gatewayUrl, '')
      socket.destroy()
      await closed(socket)
    },
  },
  {
    name: 'client leaves in its head',
    ends: [],
    records: 0,
    play: async ({ gatewayUrl, tag }) => {
      const socket = await connectRaw(gatewayUrl, `GET /v1/agents HTTP/1.1\r\nhost: x\r\nuser-agent: ${tag}`)
      socket.resetAndDestroy()
      await closed(socket)
    },
  },
  {
    name: 'client leaves in its JSON body',
    ends: [gone],
    play: async (stage) => {
      const { request, gone: left } = through(stage, paths.sessions, {
        method: 'POST',
        headers: { ...jsonBody, 'content-length': 1_000, expect: '100-continue' },
      })
      // The gateway has read the head once it says so.
      await new Promise((resolve) => request.once('continue', resolve))
      request.write('{"agent":')
      request.destroy()
      await left
    },
  },
  {
    name: 'client leaves in an upload',
    ends: [gone],
    play: async (stage) => {
      const { client, at } = await uploading(stage)
      client.request.destroy()
      at.request.resume()
      await closed(at.request)
      ensure(!at.request.complete, 'the upstream took half an upload for a whole one')
    },
  },
  {
    name: 'client leaves in a chunked upload',
    ends: [gone],
    play: async (stage) => {
      const client = through(stage, paths.upload, { method: 'POST', headers: multipart })
      client.request.write('u'.repeat(1_000))
      const at = await stage.upstream.meet(stage.tag)
      await new Promise((resolve) => at.request.once('data', resolve))
      client.request.destroy()
      await closed(at.request)
      ensure(!at.request.complete, 'the upstream took half an upload for a whole one')
    },
  },
  {
    name: 'client leaves before the answer to a read',
    ends: [gone],
    play: async (stage) => {
      const { client, at } = await met(stage, paths.agents)
      client.request.destroy()
      await closed(at.response)
    },
  },
  {
    name: 'client leaves before the answer to a create, which is read all the same',
    ends: [gone],
    play: async (stage) => {
      const { client, at } = await met(stage, paths.sessions, {
        method: 'POST',
        headers: jsonBody,
        body: '{"agent":"agent_1"}',
      })
      client.request.destroy()
      await stage.settled()
      at.response.writeHead(200, jsonBody)
      at.response.end(sessionJson)
      await new Promise((resolve, reject) => {
        at.response.once('finish', resolve)
        at.response.once('close', () => reject(new Error('the answer to a create was not read')))
      })
    },
  },
  {
    name: 'client leaves in a body of known length',
    ends: [gone],
    play: async (stage) => {
      const call = await met(stage, paths.download)
      const response = await begun(call, { 'content-length': '1000' }, 'x'.repeat(100))
      call.client.request.destroy()
      await closed(response)
    },
  },
  {
    name: 'client leaves in a chunked body that the tap reads',
    ends: [gone],
    play: async (stage) => {
      const call = await met(stage, paths.sessions)
      const response = await begun(call, jsonBody, `{"data":[${sessionJson}`)
      call.client.request.destroy()
      await closed(response)
    },
  },
  {
    name: 'client leaves in a stream of events',
    ends: [gone],
    play: async (stage) => {
      const call = await met(stage, paths.stream)
      const response = await begun(call, { 'content-type': 'text/event-stream' }, eventFrame)
      call.client.request.destroy()
      await closed(response)
    },
  },
  {
    name: 'client stops reading a stream, then leaves',
    ends: [gone],
    play: async (stage) => {
      const { client, at } = await met(stage, paths.stream, { unread: true })
      at.response.writeHead(200, { 'content-type': 'text/event-stream' })
      at.response.flushHeaders()
      const response = await client.head
      response.pause()
      while (at.response.write(eventFrame.repeat(2_000)));
      client.request.destroy()
      await closed(at.response)
    },
  },
  {
    name: 'client pipelines two calls and leaves',
    ends: [gone],
    records: 2,
    play: async (stage) => {
      const head = (path: string, tag: string): string =>
        `GET ${path} HTTP/1.1\r\nhost: x\r\nuser-agent: ${tag}\r\n\r\n`
      const socket = await connectRaw(
        stage.gatewayUrl,
        head(paths.stream, stage.tag) + head(paths.stream, stage.tag),
      )
      const first = await stage.upstream.meet(stage.tag)
      const second = await stage.upstream.meet(stage.tag)
      socket.destroy()
      await Promise.all([closed(first.response), closed(second.response)])
    },
  },
]
