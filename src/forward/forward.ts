// One permitted request, sent up and brought down. It takes a Permit, and there is no other way to call it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Permit } from '../authorize/permit.ts'
import type { Secret } from '../kernel/secret.ts'
import { createDispatchHandler, type ForwardWatch } from './dispatch-handler.ts'
import type { Pools } from './pools.ts'
import { buildRequestHeaders } from './request-headers.ts'

export type ForwardDeps = { readonly pools: Pools; readonly credential: Secret }

export type ForwardRequest = {
  readonly permit: Permit
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly traceparent: string
  /** Response headers of ours, alternating names and values. */
  readonly addedHeaders: readonly string[]
  /** The answer is read by the tap, so it must come uncompressed. */
  readonly tapped: boolean
  readonly watch: ForwardWatch
}

export type Forward = (forwarded: ForwardRequest) => void

/**
 * Sends the permit's bytes and streams the answer into `response`, unbuffered, under the client's back-pressure.
 * Returns at once; everything that happens later is told to `watch`. A client that goes away aborts the upstream,
 * but for a call that changes something and is read by the tap: its answer is read to the end all the same;
 * an upstream that breaks off destroys the client's response. Nothing is retried.
 */
export function createForward(deps: ForwardDeps): Forward {
  const authorization = `Bearer ${deps.credential.reveal()}`
  return ({ permit, request, response, traceparent, addedHeaders, tapped, watch }) => {
    const { operation } = permit
    const streamed = operation.body === 'stream'
    const body = streamed ? request : permit.body
    const headers = buildRequestHeaders({
      rawHeaders: request.rawHeaders,
      host: deps.pools.host,
      bodyBytes: streamed ? null : bodyBytes(operation.method, permit.body),
      streamedBytes: streamed ? (request.headers['content-length'] ?? null) : null,
      authorization,
      traceparent,
      plain: tapped,
    })
    // Uploads and downloads last as long as their client likes, a message as long as its model talks: none of them may
    // hold the connections of short calls.
    const isLong = streamed || operation.answer !== 'json' || operation.action === 'message.create'
    const pool = isLong ? deps.pools.stream : deps.pools.api
    const handler = createDispatchHandler(response, {
      addedHeaders,
      outlivesClient: tapped && operation.mutates && operation.answer === 'json',
      watch,
    })
    pool.dispatch({ path: permit.path, method: operation.method, headers, body }, handler)
  }
}

// A POST without a body says so (`content-length: 0`); a GET or DELETE without one says nothing.
function bodyBytes(method: string, body: Buffer | null): number | null {
  if (body !== null) return body.length
  return method === 'POST' ? 0 : null
}
