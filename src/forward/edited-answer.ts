// An answer that must change on its way down: held whole, edited, then sent. Only JSON answers of bounded size: nothing
// of it may pass unedited, so what cannot be held or read is refused.
import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import type { DispatchOptions } from './dispatch-handler.ts'
import { type ResponseHead, readResponseHead } from './response-headers.ts'

/** The body to send instead; the same one when nothing changes. Rejects when it cannot tell: then nothing is sent. */
export type AnswerEdit = (head: ResponseHead, body: Buffer) => Buffer | Promise<Buffer>

/** A page of a thousand objects is about 4 MiB. */
const heldBytesMax = 32 * 1024 * 1024

/** Like `createDispatchHandler`, for an answer that is edited; `watch` sees what the upstream sent. */
export function createEditedAnswer(
  response: ServerResponse,
  { addedHeaders, edit, drain, watch }: DispatchOptions & { readonly edit: AnswerEdit },
): Dispatcher.DispatchHandler {
  let abort: ((error?: Error) => void) | null = null
  let head: ResponseHead | null = null
  let done = false
  let bytes = 0
  const chunks: Buffer[] = []

  let draining: ReturnType<typeof drain> = null

  response.once('close', () => {
    if (done) return
    draining = drain()
    if (draining === null) abort?.(new Error('the client went away'))
  })

  const fail = (error: Error): void => {
    if (done) return
    done = true
    draining?.onEnd()
    if (!response.destroyed) watch.onFailure(error, false)
  }
  const send = (of: ResponseHead, received: Buffer, edited: Buffer): void => {
    if (!response.destroyed) {
      response.writeHead(of.status, withLength(of.headers, edited.length))
      response.end(edited)
    }
    done = true
    draining?.onEnd()
    watch.onHead(of)
    if (received.length > 0) watch.onChunk(received)
    watch.onComplete()
  }

  return {
    onConnect(abortRequest) {
      if (response.destroyed) abortRequest(new Error('the client went away'))
      else abort = abortRequest
    },
    onHeaders(status, rawHeaders) {
      if (status >= 200) head = readResponseHead(status, rawHeaders, addedHeaders)
      return true
    },
    onData(chunk) {
      bytes += chunk.length
      if (bytes > heldBytesMax) {
        const error = new Error(`the answer is over ${heldBytesMax} bytes and cannot be edited`)
        fail(error)
        abort?.(error)
        return false
      }
      chunks.push(chunk)
      return true
    },
    onComplete() {
      const of = head
      if (done || of === null) return
      const received = Buffer.concat(chunks)
      Promise.resolve()
        .then(() => edit(of, received))
        .then((edited) => send(of, received, edited))
        // A head that Node does not write fails here too: nobody else would hear of it.
        .catch((error: unknown) => fail(error instanceof Error ? error : new Error(String(error))))
    },
    onError: fail,
  }
}

/** The head with the length of what is really sent, where the upstream stated one, else at the end. */
function withLength(headers: readonly string[], length: number): string[] {
  const kept: string[] = []
  let isStated = false
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    if (name.toLowerCase() !== 'content-length') kept.push(name, headers[at + 1] ?? '')
    else if (!isStated) {
      isStated = true
      kept.push(name, String(length))
    }
  }
  if (!isStated) kept.push('content-length', String(length))
  return kept
}
