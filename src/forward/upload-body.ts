// The client's upload as undici's body, one chunk at a time under the upstream's back-pressure.
// Not the request itself: undici destroys a body it no longer wants, and the client's connection would stall with it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

const brokenOff = new Error('the client broke off its upload')

/**
 * The bytes of `request` as they come. When nobody wants more of them (the upstream is gone or cannot be reached, or
 * `response` is over early), the rest is read and dropped: a client that writes before it reads gets its answer, and its
 * connection stays in use.
 */
export function createUploadBody(request: IncomingMessage, response: ServerResponse): Readable {
  const take = (chunk: Buffer): void => {
    if (!body.push(chunk)) request.pause()
  }
  const body = new Readable({
    read: () => void request.resume(),
    destroy: (error, done) => {
      request.off('data', take).resume()
      done(error)
    },
  })
  // undici listens only while it wants the body; nobody else has to hear how it ended.
  body.on('error', () => {})
  request.on('data', take)
  request.once('end', () => body.push(null))
  request.once('close', () => {
    if (!request.readableEnded) body.destroy(brokenOff)
  })
  response.once('close', () => body.destroy())
  return body
}
