// The way out of a faulty response: rewritten bytes, a head that is sent when the first of them are there, then the end.

import { ServerResponse } from 'node:http'
import type { SimulatorClock } from '../clock.ts'
import { createBodyRewriter } from './body-rewriter.ts'
import { createBodyWriter, createWire } from './body-writer.ts'
import type { Fault } from './fault.ts'
import { prepareHead, sendInformational } from './head.ts'
import { closeAbruptly } from './interrupt.ts'

/** Its steps are to be taken one after the other. */
export type Outlet = {
  readonly isClosed: () => boolean
  /** Sends the head now, unless the body must be known first. */
  readonly flushHead: () => Promise<void>
  readonly write: (bytes: Buffer) => Promise<void>
  readonly end: () => Promise<void>
  /** Closes the connection as the fault wants it closed. */
  readonly cut: () => void
}

// The response's own methods are the ones the routes see; these are the real ones below them.
const real = ServerResponse.prototype

/** The outlet of one response. */
export function createOutlet(response: ServerResponse, fault: Fault, clock: SimulatorClock): Outlet {
  const wire = createWire({
    clock,
    write: (bytes, done) => Reflect.apply(real.write, response, [bytes, done]),
    onClose: (listener) => response.once('close', listener),
    cut: () => closeAbruptly(response.req.socket, fault),
  })
  const writer = createBodyWriter(fault, wire)
  const rewriter = createBodyRewriter(fault, response)
  let isHeadSent = false

  const sendHead = async (bodyBytes: number | null): Promise<void> => {
    if (isHeadSent) return
    isHeadSent = true
    sendInformational(response, fault)
    if (fault.head_delay_ms !== undefined) await wire.wait(fault.head_delay_ms)
    if (wire.isClosed()) return
    prepareHead(response, fault, bodyBytes)
    Reflect.apply(real.writeHead, response, [response.statusCode])
    Reflect.apply(real.flushHeaders, response, [])
    // A cut after no byte at all has nothing to wait for.
    if (fault.cut_after_bytes === 0 || fault.stall_after_bytes === 0) await writer.write(Buffer.alloc(0))
  }

  return {
    isClosed: wire.isClosed,
    flushHead: async () => {
      if (!rewriter.isWhole()) await sendHead(null)
    },
    write: async (chunk) => {
      for (const { bytes, delayMs } of await rewriter.take(chunk)) {
        await sendHead(null)
        if (delayMs > 0) await wire.wait(delayMs)
        await writer.write(bytes)
      }
    },
    end: async () => {
      const last = await rewriter.end()
      await sendHead(last.length)
      await writer.write(last)
      if (fault.trailers !== undefined) response.addTrailers(fault.trailers)
      Reflect.apply(real.end, response, [])
      if (fault.content_length_off !== undefined) response.once('finish', wire.cut)
    },
    cut: wire.cut,
  }
}
