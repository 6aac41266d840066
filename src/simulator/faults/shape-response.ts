// A response that goes out as a fault wants it. Routes write as ever; what they write is queued here, changed and paced by
// the outlet, and only then given to the real response.

import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { SimulatorClock } from '../clock.ts'
import type { Fault } from './fault.ts'
import { createOutlet } from './outlet.ts'

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[] | string | undefined

const queuedBytesMax = 1024 * 1024

/** Puts the fault between the routes and the response. Delays are on `clock`; everything stops when the client goes. */
export function shapeResponse(response: ServerResponse, fault: Fault, clock: SimulatorClock): void {
  const outlet = createOutlet(response, fault, clock)
  let tail = Promise.resolve()
  let queuedBytes = 0

  // In order, one at a time, and nothing any more once the client is gone.
  const enqueue = (step: () => Promise<void>): void => {
    tail = tail.then(() => (outlet.isClosed() ? undefined : step())).catch(outlet.cut)
  }
  const write = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    const bytes = Buffer.from(chunk)
    const done = rest.find((each) => typeof each === 'function')
    queuedBytes += bytes.length
    enqueue(async () => {
      await outlet.write(bytes)
      queuedBytes -= bytes.length
      if (done !== undefined) Reflect.apply(done, undefined, [])
      if (queuedBytes === 0) response.emit('drain')
    })
    return queuedBytes < queuedBytesMax
  }

  Object.assign(response, {
    writeHead: (status: number, ...rest: readonly Headers[]) => {
      response.statusCode = status
      for (const headers of rest) keepHeaders(response, headers)
      return response
    },
    flushHeaders: () => enqueue(outlet.flushHead),
    write,
    end: (...rest: readonly unknown[]) => {
      const [chunk] = rest
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) write(chunk)
      enqueue(outlet.end)
      return response
    },
  })
}

function keepHeaders(response: ServerResponse, headers: Headers): void {
  if (headers === undefined || typeof headers === 'string') return
  const pairs = Array.isArray(headers)
    ? headers.flatMap((name, at) => (at % 2 === 0 ? [[String(name), headers[at + 1]] as const] : []))
    : Object.entries(headers)
  for (const [name, value] of pairs) if (value !== undefined) response.setHeader(name, value)
}
