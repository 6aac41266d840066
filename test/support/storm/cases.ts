// What a case of the storm is, and the requests and answers that cases are played with.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Stream } from 'node:stream'
import { type Call, type CallOptions, call } from './client.ts'
import type { Meeting, StormUpstream } from './upstream.ts'

export type Stage = {
  readonly gatewayUrl: string
  readonly upstream: StormUpstream
  /** Names this call: its user agent. */
  readonly tag: string
  /** Resolves when the gateway has settled an exchange of this name. */
  readonly settled: () => Promise<void>
}

export type StormCase = {
  readonly name: string
  /** How its exchanges may end, as `end_reason status`; each of `records` of them. */
  readonly ends: readonly string[]
  /** Exchanges it makes. Default 1. */
  readonly records?: number
  /** Plays it, until both sides are done with it. */
  readonly play: (stage: Stage) => Promise<void>
}

export const gone = 'client_gone 499'
export const broke = 'upstream_broke 200'

export const paths = {
  agents: '/v1/agents',
  sessions: '/v1/sessions',
  stream: '/v1/sessions/sesn_1/events/stream',
  upload: '/v1/files',
  download: '/v1/files/file_1/content',
} as const

export const sessionJson =
  '{"id":"sesn_1","type":"session","status":"idle","agent":{"id":"agent_1","version":1}}'
export const eventFrame =
  'event: session.status_idle\ndata: {"id":"sevt_1","type":"session.status_idle","processed_at":"2026-01-01T00:00:00Z"}\n\n'

export const jsonBody = { 'content-type': 'application/json' } as const
export const multipart = { 'content-type': 'multipart/form-data; boundary=x' } as const

/** A call of this stage's name through the gateway. */
export const through = (stage: Stage, path: string, options: CallOptions = {}): Call =>
  call(stage.gatewayUrl + path, stage.tag, options)

/** The same, with its request at the upstream. */
export async function met(
  stage: Stage,
  path: string,
  options: CallOptions = {},
): Promise<{ readonly client: Call; readonly at: Meeting }> {
  const client = through(stage, path, options)
  return { client, at: await stage.upstream.meet(stage.tag) }
}

/** Resolves when the stream is closed, also when it has been before. */
export async function closed(stream: Stream & { readonly closed: boolean }): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
}

/** Starts an answer of the upstream that has more to come, and waits until the client has its first bytes. */
export async function begun(
  { client, at }: { readonly client: Call; readonly at: Meeting },
  headers: { readonly [name: string]: string },
  bytes: string,
): Promise<ServerResponse> {
  at.response.writeHead(200, headers)
  at.response.write(bytes)
  await once(await client.head, 'readable')
  return at.response
}

/** Begins an upload of a megabyte and waits until the upstream has some of it. */
export async function uploading(stage: Stage): Promise<{ readonly client: Call; readonly at: Meeting }> {
  const client = through(stage, paths.upload, {
    method: 'POST',
    headers: { ...multipart, 'content-length': 1024 * 1024 },
  })
  client.request.write(Buffer.alloc(64 * 1024, 'u'))
  const at = await stage.upstream.meet(stage.tag)
  await once(at.request, 'readable')
  return { client, at }
}

/** Fails unless it holds: a case that does not play as it should must not count as one that did. */
export function ensure(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}
