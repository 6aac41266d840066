// Client and upstream that go away in the same moment: whichever the gateway sees first, the exchange ends once.
import {
  begun,
  broke,
  closed,
  eventFrame,
  gone,
  jsonBody,
  met,
  paths,
  type StormCase,
  sessionJson,
  uploading,
} from './cases.ts'
import type { Call } from './client.ts'
import type { Meeting } from './upstream.ts'

async function bothLeave({ client, at }: { readonly client: Call; readonly at: Meeting }): Promise<void> {
  at.request.socket.resetAndDestroy()
  client.request.destroy()
  await Promise.all([client.gone, closed(at.response)])
}

const inAnswer = (
  name: string,
  path: string,
  headers: { readonly [name: string]: string },
  bytes: string,
): StormCase => ({
  name,
  ends: [gone, broke],
  play: async (stage) => {
    const call = await met(stage, path)
    await begun(call, headers, bytes)
    await bothLeave(call)
  },
})

// A refusal may have been written before the client was seen to be gone.
const beforeAnswer = [gone, 'completed 502']

export const bothSidesLeave: readonly StormCase[] = [
  {
    name: 'both leave before the answer to a read',
    ends: beforeAnswer,
    play: async (stage) => bothLeave(await met(stage, paths.agents)),
  },
  {
    name: 'both leave before the answer to a create',
    ends: beforeAnswer,
    play: async (stage) =>
      bothLeave(
        await met(stage, paths.sessions, { method: 'POST', headers: jsonBody, body: '{"agent":"agent_1"}' }),
      ),
  },
  {
    name: 'both leave in an upload',
    ends: beforeAnswer,
    play: async (stage) => bothLeave(await uploading(stage)),
  },
  inAnswer(
    'both leave in a body of known length',
    paths.download,
    { 'content-length': '1000' },
    'x'.repeat(100),
  ),
  inAnswer('both leave in a body that the tap reads', paths.sessions, jsonBody, `{"data":[${sessionJson}`),
  inAnswer('both leave in a stream', paths.stream, { 'content-type': 'text/event-stream' }, eventFrame),
]
