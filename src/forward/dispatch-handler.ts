// undici's answer into node's response, without a Readable, an AbortSignal or a header object between them.
// It uses undici 7's raw callbacks (onConnect ... onError): header buffers in, back-pressure by return value.
import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { type ResponseHead, readResponseHead } from './response-headers.ts'

/** What the corridor wants to know while bytes pass. Callbacks run after the client's write and must not throw. */
export type ForwardWatch = {
  /** The head is on its way to the client. */
  readonly onHead: (head: ResponseHead) => void
  /** A chunk was handed to the client; its bytes are not to be changed. */
  readonly onChunk: (chunk: Buffer) => void
  /** The upstream ended its answer properly. */
  readonly onComplete: () => void
  /** The upstream failed. `headSent` false: the client has received nothing and waits for a refusal. */
  readonly onFailure: (error: Error, headSent: boolean) => void
  /** The request went up, and the rest of its answer will not come, whoever left first. After `onFailure` where both are told. */
  readonly onCutShort: () => void
}

/** How long and how much of an answer is read on after its client left. */
export type Drain = { readonly timeoutMs: number; readonly bytesMax: number; readonly onEnd: () => void }

export type DispatchOptions = {
  /** Response headers of ours, alternating names and values. */
  readonly addedHeaders: readonly string[]
  /**
   * What the call does happens whether its client waits or not: read the answer to its end for `watch` alone, so that
   * nobody makes a session nobody owns, or uses a model nobody pays for, by hanging up. Asked when the client has left;
   * null: the upstream is told to stop.
   */
  readonly drain: () => Drain | null
  /** How long a client may leave an answer unread that is no event stream: it holds a connection that others wait for. */
  readonly stallTimeoutMs: number
  readonly watch: ForwardWatch
}

/** What Node writes into a status line without complaint. */
const plainText = /^[\t\x20-\x7e]*$/
const clientGone = new Error('the client went away')

/** Writes one upstream answer into `response`; aborts the upstream when `response` closes first, or lets it finish. */
export function createDispatchHandler(
  response: ServerResponse,
  { addedHeaders, drain, stallTimeoutMs, watch }: DispatchOptions,
): Dispatcher.DispatchHandler {
  let abort: ((error?: Error) => void) | null = null
  let resume: (() => void) | null = null
  let done = false
  let started = false
  let streaming = false
  let bodiless = false
  let remainingBytes = -1
  // Chunks of one socket read, joined into one write: events that arrive together leave together.
  let pending: Buffer[] | null = null
  let paused = false
  let stalled: NodeJS.Timeout | undefined
  let draining: Drain | null = null
  let drainedBytes = 0
  let overdue: NodeJS.Timeout | undefined

  const drained = (): void => {
    clearTimeout(stalled)
    paused = false
    resume?.()
  }
  const write = (bytes: Buffer): boolean => {
    // Ended by a shutdown while the upstream still talks: a write now would be an error nobody listens for.
    if (response.destroyed || response.writableEnded || response.write(bytes)) return true
    if (!paused) {
      paused = true
      response.once('drain', drained)
      if (!streaming) stalled = setTimeout(() => response.destroy(), stallTimeoutMs).unref()
    }
    return false
  }
  const flush = (): void => {
    const chunks = pending
    pending = null
    const first = chunks?.[0]
    if (chunks === null || first === undefined) return
    write(chunks.length === 1 ? first : Buffer.concat(chunks))
    for (const chunk of chunks) watch.onChunk(chunk)
  }

  // What has come of a broken answer, its head included, reaches the client before the connection ends without an end.
  const cutShort = (): void => {
    clearTimeout(stalled)
    stalled = setTimeout(() => response.destroy(), stallTimeoutMs).unref()
    response.flushHeaders()
    response.socket?.destroySoon()
  }

  response.once('close', () => {
    clearTimeout(stalled)
    if (done) return
    draining = drain()
    if (draining === null) return abort?.(clientGone)
    overdue = setTimeout(() => abort?.(clientGone), draining.timeoutMs).unref()
    drained()
  })

  const endDrain = (): void => {
    clearTimeout(overdue)
    draining?.onEnd()
    draining = null
  }

  return {
    onConnect(abortRequest) {
      if (response.destroyed) abortRequest(clientGone)
      else abort = abortRequest
    },
    onHeaders(status, rawHeaders, resumeBody, statusText) {
      // 1xx heads announce; the answer is still to come.
      if (status < 200) return true
      resume = resumeBody
      const reason = plainText.test(statusText) ? statusText : ''
      const head = readResponseHead(status, rawHeaders, addedHeaders, reason)
      streaming = head.isEventStream
      remainingBytes = head.contentLength
      if (!response.destroyed) response.writeHead(status, reason, head.headers)
      started = true
      if (status === 204 || status === 304) {
        // It has no body, whatever length it declares (RFC 9110 8.6); undici takes that for a promise and would call the
        // answer broken. So it ends here.
        bodiless = true
        done = true
        endDrain()
        if (!response.destroyed) response.end()
        watch.onHead(head)
        watch.onComplete()
        return true
      }
      // A stream may stay silent for minutes: its client must see the head now.
      if (streaming) response.flushHeaders()
      watch.onHead(head)
      return true
    },
    onData(chunk) {
      if (draining !== null) {
        drainedBytes += chunk.length
        if (drainedBytes > draining.bytesMax) {
          abort?.(clientGone)
          return false
        }
      }
      if (streaming) {
        if (pending === null) {
          pending = [chunk]
          process.nextTick(flush)
        } else pending.push(chunk)
        return !paused
      }
      if (remainingBytes > 0) {
        remainingBytes -= chunk.length
        if (remainingBytes <= 0) {
          // The last declared byte ends the answer: one write instead of two.
          done = true
          if (!response.destroyed) response.end(chunk)
          watch.onChunk(chunk)
          return true
        }
      }
      const more = write(chunk)
      watch.onChunk(chunk)
      return more
    },
    onComplete() {
      flush()
      done = true
      endDrain()
      if (!response.writableEnded && !response.destroyed) response.end()
      if (!bodiless) watch.onComplete()
    },
    onError(error) {
      if (done) return
      done = true
      flush()
      endDrain()
      // The client left first: that is not the upstream's failure.
      if (!response.destroyed) {
        if (started) cutShort()
        watch.onFailure(error, started)
      }
      if (abort !== null) watch.onCutShort()
    },
  }
}
