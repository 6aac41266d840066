// A fault that takes the place of the answer: the connection goes, or an error comes, before or after the effect.

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { ApiError, errorEnvelope, errorTypeOf } from '../http/api-error.ts'
import type { Fault } from './fault.ts'

/** Whether the fault takes the place of the answer at this moment. */
export function interruptsAt(fault: Fault, moment: 'before' | 'after'): boolean {
  if (fault.drop !== undefined) return fault.drop === moment
  return fault.status !== undefined && (fault.when ?? 'before') === moment
}

/** Gives the fault instead of the answer; answers the status given, null when the connection was closed without one. */
export function interrupt(response: ServerResponse, fault: Fault, requestId: string): number | null {
  if (fault.drop !== undefined || fault.status === undefined) {
    closeAbruptly(response.req.socket, fault)
    return null
  }
  if (fault.retry_after !== undefined) response.setHeader('retry-after', String(fault.retry_after))
  if (fault.retry_after_ms !== undefined) response.setHeader('retry-after-ms', String(fault.retry_after_ms))
  if (fault.should_retry !== undefined) response.setHeader('x-should-retry', String(fault.should_retry))
  const { contentType, text } = errorBody(fault, fault.status, requestId)
  response.writeHead(fault.status, {
    ...(contentType === null ? {} : { 'content-type': contentType }),
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
  return fault.status
}

/** Closes the connection: by FIN, or by RST when the fault says so and no TLS is in between. */
export function closeAbruptly(socket: Socket, fault: Fault): void {
  if (fault.reset === true && !(socket instanceof TLSSocket)) socket.resetAndDestroy()
  else socket.destroy()
}

function errorBody(fault: Fault, status: number, requestId: string) {
  if (fault.error_body === 'empty') return { contentType: null, text: '' }
  if (fault.error_body === 'html') {
    const text = `<html><head><title>${status}</title></head><body><center>${status}</center></body></html>\n`
    return { contentType: 'text/html', text }
  }
  const details = fault.error_code === undefined ? undefined : { error_code: fault.error_code }
  const message = fault.error_message ?? `the simulator was asked to answer ${status}`
  const error = new ApiError(status, fault.error_type ?? errorTypeOf(status), message, details)
  const text = JSON.stringify(errorEnvelope(error, requestId))
  const half = text.slice(0, text.length / 2)
  return { contentType: 'application/json', text: fault.error_body === 'broken' ? half : text }
}
