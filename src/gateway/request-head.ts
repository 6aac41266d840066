// What of a request's head could be read in two ways, or asks for what is not served here. The parser lets all of it pass.
import type { IncomingMessage } from 'node:http'
import { TollgateError } from '../kernel/errors.ts'

/** Servers drop what they do not expect so many of, and ours come last. */
const headersMax = 2_000

/**
 * Throws `TollgateError('arrive.request_malformed')` on another protocol than HTTP/1.1 (or 1.0), over 2,000 headers,
 * no or several `host`, a transfer coding besides `chunked` of HTTP/1.1, and an expectation besides `100-continue`.
 */
export function checkRequestHead({ httpVersion, headers, rawHeaders }: IncomingMessage): void {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') refuse('the protocol is not HTTP/1.1; speak HTTP/1.1')
  if (rawHeaders.length > 2 * headersMax)
    refuse(`the request has more than ${headersMax} headers; send fewer`)
  const hosts = countHosts(rawHeaders)
  if (hosts > 1) refuse('`host` was sent twice; send it once')
  if (hosts === 0 && httpVersion === '1.1') refuse('`host` is missing; send it once')
  const coding = headers['transfer-encoding']
  // The coding is taken off here and does not go up: what is inside would be judged as something it is not.
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0')) {
    refuse('the transfer coding is not accepted; send `transfer-encoding: chunked` or a `content-length`')
  }
  const { expect } = headers
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    refuse('the expectation is not known; leave out `expect`, or send `expect: 100-continue`')
  }
}

/** Whether the client waits for leave to send its body. */
export function awaitsContinue({ httpVersion, headers }: IncomingMessage): boolean {
  return headers.expect !== undefined && httpVersion === '1.1'
}

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count
}

function refuse(sentence: string): never {
  throw new TollgateError('arrive.request_malformed', sentence)
}
