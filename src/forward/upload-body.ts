// The client's upload as undici's body, one chunk at a time under the upstream's back-pressure.
// Not the request itself: undici destroys a body it no longer wants, and the client's connection would stall with it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

const brokenOff = new Error('the client broke off its upload')
const stalled = new Error('the client stopped in the middle of its upload')

/**
 * The bytes of `request` as they come. When nobody wants more of them (the upstream is gone or cannot be reached, or
 * `response` is over early), the rest is read and dropped: a client that writes before it reads gets its answer, and its
 * connection stays in use. A client that sends nothing for `stallTimeoutMs`, although more is wanted, loses its connection.
 */
export function createUploadBody(
  request: IncomingMessage,
  response: ServerResponse,
  stallTimeoutMs: number,
): Readable {
  let waiting: NodeJS.Timeout | undefined
  const awaitMore = (): void => {
    clearTimeout(waiting)
    waiting = setTimeout(() => {
      body.destroy(stalled)
      request.destroy()
    }, stallTimeoutMs).unref()
  }
  const take = (chunk: Buffer): void => {
    if (body.push(chunk)) awaitMore()
    else {
      clearTimeout(waiting)
      request.pause()
    }
  }
  const body = new Readable({
    read: () => {
      awaitMore()
      request.resume()
    },
    destroy: (error, done) => {
      clearTimeout(waiting)
      request.off('data', take).resume()
      done(error)
    },
  })
  // undici listens only while it wants the body; nobody else has to hear how it ended.
  body.on('error', () => {})
  request.on('data', take)
  request.once('end', () => {
    clearTimeout(waiting)
    body.push(null)
  })
  request.once('close', () => {
    if (!request.readableEnded) body.destroy(brokenOff)
  })
  response.once('close', () => body.destroy())
  return body
}
