// One permitted request, sent up and brought down. It takes a Permit, and there is no other way to call it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Permit } from '../authorize/permit.ts'
import { createDispatchHandler, type Drain, type ForwardWatch } from './dispatch-handler.ts'
import { type AnswerEdit, createEditedAnswer } from './edited-answer.ts'
import type { Pools } from './pools.ts'
import { buildRequestHeaders } from './request-headers.ts'
import { createUploadBody } from './upload-body.ts'

/** Where one permitted request goes, and with which credential. */
export type Route = { readonly pools: Pools; readonly authorization: string }

export type ForwardDeps = {
  /** Chosen per request: a team may have an upstream of its own, and a worker brings its own bearer. */
  readonly route: (permit: Permit, request: IncomingMessage) => Route
  /** Silence of one side after which an answer, an upload or a download is cut. Streams of events may be silent. */
  readonly stallTimeoutMs: number
  /** Answers of the Messages API that are read on after their client left, at once; 0: the upstream is told to stop. */
  readonly drainsMax: number
  /** How long such an answer is read on. */
  readonly drainTimeoutMs: number
}

/** Of an answer nobody waits for, this much is read (64 MiB). */
const drainBytesMax = 64 * 1024 * 1024

export type ForwardRequest = {
  readonly permit: Permit
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly traceparent: string
  /** Response headers of ours, alternating names and values. */
  readonly addedHeaders: readonly string[]
  /** The answer is read by the tap, so it must come uncompressed. */
  readonly tapped: boolean
  /** Changes the answer's body before the client sees any of it; null for nearly all. */
  readonly edit: AnswerEdit | null
  readonly watch: ForwardWatch
}

export type Forward = (forwarded: ForwardRequest) => void

/**
 * Sends the permit's bytes and streams the answer into `response`, unbuffered, under the client's back-pressure.
 * Returns at once; everything that happens later is told to `watch`. A client that goes away aborts the upstream,
 * but for a call that changes or costs something and is read by the tap: its answer is read to the end all the same, within
 * bounds of time, bytes and number;
 * an upstream that breaks off destroys the client's response. Nothing is retried.
 */
export function createForward(deps: ForwardDeps): Forward {
  let drains = 0
  const drain = (isMessage: boolean): Drain | null => {
    if (isMessage && drains >= deps.drainsMax) return null
    if (isMessage) drains += 1
    return {
      timeoutMs: deps.drainTimeoutMs,
      bytesMax: drainBytesMax,
      onEnd: () => {
        if (isMessage) drains -= 1
      },
    }
  }
  return ({ permit, request, response, traceparent, addedHeaders, tapped, edit, watch }) => {
    const { operation } = permit
    const { pools, authorization } = deps.route(permit, request)
    const streamed = operation.body === 'stream'
    const body = streamed ? createUploadBody(request, response, deps.stallTimeoutMs) : permit.body
    const headers = buildRequestHeaders({
      rawHeaders: request.rawHeaders,
      host: pools.host,
      bodyBytes: streamed ? null : bodyBytes(operation.method, permit.body),
      streamedBytes: streamed ? (request.headers['content-length'] ?? null) : null,
      authorization,
      traceparent,
      plain: tapped || edit !== null,
    })
    // Uploads and downloads last as long as their client likes, a message as long as its model talks: none of them may
    // hold the connections of short calls.
    const isMessage = operation.id === 'messages.create'
    const isLong = streamed || operation.answer !== 'json' || operation.action === 'message.create'
    const pool = isLong ? pools.stream : pools.api
    const outlivesClient = tapped && operation.mutates && operation.answer === 'json'
    const options = {
      addedHeaders,
      drain: () => (outlivesClient ? drain(isMessage) : null),
      stallTimeoutMs: deps.stallTimeoutMs,
      watch,
    }
    const handler =
      edit === null
        ? createDispatchHandler(response, options)
        : createEditedAnswer(response, { ...options, edit })
    // A message may be a stream of events: only what is none may not stand still.
    const isTransfer = streamed || operation.answer === 'binary'
    const silence = isTransfer ? { bodyTimeout: deps.stallTimeoutMs } : {}
    pool.dispatch({ path: permit.path, method: operation.method, headers, body, ...silence }, handler)
  }
}

// A POST without a body says so (`content-length: 0`); a GET or DELETE without one says nothing.
function bodyBytes(method: string, body: Buffer | null): number | null {
  if (body !== null) return body.length
  return method === 'POST' ? 0 : null
}
