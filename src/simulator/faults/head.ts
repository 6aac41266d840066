// The head of an answer as a fault wants it: interim answers before it, headers on it, and the length it claims.

import type { ServerResponse } from 'node:http'
import type { Fault } from './fault.ts'

/** Sends the interim answers, each whole. */
export function sendInformational(response: ServerResponse, fault: Fault): void {
  for (const status of fault.informational ?? []) {
    if (status === 100) response.writeContinue()
    else if (status === 102) response.writeProcessing()
    else response.writeEarlyHints({ link: '</v1/models>; rel=preload; as=fetch' })
  }
}

/** Sets the headers. `bodyBytes` is the length of the whole body, null when more of it may follow. */
export function prepareHead(response: ServerResponse, fault: Fault, bodyBytes: number | null): void {
  for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value)
  if (fault.close === true) response.setHeader('connection', 'close')
  if (fault.gzip === true) response.setHeader('content-encoding', 'gzip')
  const declared = bodyBytes ?? (fault.gzip === true ? null : lengthOf(response))
  if (fault.trailers !== undefined) {
    // Trailers exist only after chunks.
    response.removeHeader('content-length')
    response.setHeader('trailer', Object.keys(fault.trailers).join(', '))
  } else if (declared === null) response.removeHeader('content-length')
  else response.setHeader('content-length', Math.max(0, declared + (fault.content_length_off ?? 0)))
}

function lengthOf(response: ServerResponse): number | null {
  const length = response.getHeader('content-length')
  return length === undefined ? null : Number(length)
}
