// Bytes of a body on their way to the socket: in pieces, at a rate, and only so many of them.

import type { SimulatorClock } from '../clock.ts'
import type { Fault } from './fault.ts'

/** The response as the writer needs it; promises settle at once when the connection is gone. */
export type Wire = {
  /** Resolves when the bytes have been handed to the operating system. */
  readonly write: (bytes: Uint8Array) => Promise<void>
  readonly isClosed: () => boolean
  /** Waits on the simulator's clock, or until the connection is gone. */
  readonly wait: (delayMs: number) => Promise<void>
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>
  /** Closes the connection as the fault wants it closed. */
  readonly cut: () => void
}

export type BodyWriter = {
  /** Writes as much as the fault lets pass. Call it again only after it has resolved. */
  readonly write: (bytes: Uint8Array) => Promise<void>
}

/** A wire over callbacks: `write` hands bytes on and calls back, `onClose` tells of the end. */
export function createWire(deps: {
  readonly clock: SimulatorClock
  readonly write: (bytes: Uint8Array, done: () => void) => void
  readonly onClose: (listener: () => void) => void
  readonly cut: () => void
}): Wire {
  let isClosed = false
  const closed = new Promise<void>((resolve) => {
    deps.onClose(() => {
      isClosed = true
      resolve()
    })
  })
  return {
    write: (bytes) => Promise.race([closed, new Promise<void>((done) => deps.write(bytes, done))]),
    isClosed: () => isClosed,
    wait: async (delayMs) => {
      let cancel = (): void => {}
      const due = new Promise<void>((resolve) => {
        cancel = deps.clock.after(delayMs, resolve)
      })
      await Promise.race([closed, due])
      cancel()
    },
    closed,
    cut: deps.cut,
  }
}

/** A writer of one body. */
export function createBodyWriter(fault: Fault, wire: Wire): BodyWriter {
  const rate = fault.bytes_per_second
  // A tenth of a second at a time keeps a slow body flowing instead of coming in one piece a second.
  const pieceBytes =
    fault.write_bytes ?? (rate === undefined ? undefined : Math.max(1, Math.floor(rate / 10)))
  const limit = fault.cut_after_bytes ?? fault.stall_after_bytes ?? Number.POSITIVE_INFINITY
  let written = 0

  const writePiece = async (piece: Uint8Array): Promise<void> => {
    if (rate !== undefined) await wire.wait((piece.length * 1000) / rate)
    if (wire.isClosed()) return
    await wire.write(piece)
    // A turn of the loop between two pieces, or they would leave in one segment.
    if (fault.write_bytes !== undefined) await new Promise((resolve) => setImmediate(resolve))
  }

  return {
    write: async (bytes) => {
      const allowed = bytes.subarray(0, Math.max(0, limit - written))
      for (let at = 0; at < allowed.length && !wire.isClosed(); at += pieceBytes ?? allowed.length) {
        await writePiece(allowed.subarray(at, at + (pieceBytes ?? allowed.length)))
      }
      written += allowed.length
      if (written < limit) return
      if (fault.cut_after_bytes !== undefined) wire.cut()
      await wire.closed
    },
  }
}
