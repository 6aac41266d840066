// What a fault makes of a body: JSON whole, events frame by frame, anything else as it comes; compressed at the end.

import type { ServerResponse } from 'node:http'
import { constants, createGzip, gzipSync } from 'node:zlib'
import { createEventRewriter, type TimedText } from './event-rewriter.ts'
import type { Fault } from './fault.ts'
import { addUnknownFieldsToText } from './unknown-fields.ts'

/** Bytes to write, after a wait. */
export type TimedBytes = { readonly bytes: Buffer; readonly delayMs: number }

export type BodyRewriter = {
  /** What can be written now that these bytes are there. */
  readonly take: (bytes: Buffer) => Promise<readonly TimedBytes[]>
  /** What is left to write. */
  readonly end: () => Promise<Buffer>
  /** Whether nothing is written before the end. */
  readonly isWhole: () => boolean
}

/** A rewriter of the response's body. The content type is read when the first bytes come. */
export function createBodyRewriter(fault: Fault, response: ServerResponse): BodyRewriter {
  const typeIs = (type: string): boolean => String(response.getHeader('content-type') ?? '').startsWith(type)
  const isWhole = (): boolean => typeIs('application/json')
  const whole: Buffer[] = []
  const events = createEventRewriter(fault)
  const squeezer = fault.gzip === true ? createSqueezer() : null
  const squeeze = async ({ bytes, delayMs }: TimedBytes): Promise<TimedBytes> =>
    squeezer === null ? { bytes, delayMs } : { bytes: await squeezer.take(bytes), delayMs }
  const timed = ({ text, delayMs }: TimedText): TimedBytes => ({ bytes: Buffer.from(text), delayMs })

  return {
    isWhole,
    take: async (bytes) => {
      if (isWhole()) {
        whole.push(bytes)
        return []
      }
      const isEvents = typeIs('text/event-stream')
      const out = isEvents ? events.take(bytes.toString()).map(timed) : [{ bytes, delayMs: 0 }]
      // One after the other: the compressor has a memory.
      const squeezed: TimedBytes[] = []
      for (const each of out) squeezed.push(await squeeze(each))
      return squeezed
    },
    end: async () => {
      if (isWhole()) {
        const body = Buffer.concat(whole)
        const text = fault.unknown_fields === true ? addUnknownFieldsToText(body.toString()) : body
        return fault.gzip === true ? gzipSync(text) : Buffer.from(text)
      }
      const rest = Buffer.from(events.rest())
      return squeezer === null ? rest : Buffer.concat([await squeezer.take(rest), await squeezer.end()])
    },
  }
}

/** A compressor that gives back each piece at once, so that a stream stays live. */
function createSqueezer() {
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
  let out: Buffer[] = []
  gzip.on('data', (bytes: Buffer) => out.push(bytes))
  const taken = (): Buffer => {
    const bytes = Buffer.concat(out)
    out = []
    return bytes
  }
  return {
    take: async (bytes: Buffer): Promise<Buffer> => {
      if (bytes.length === 0) return bytes
      // The compressor tells its readers one turn after its writer.
      await new Promise<void>((resolve) => gzip.write(bytes, () => setImmediate(resolve)))
      return taken()
    },
    end: async (): Promise<Buffer> => {
      await new Promise<void>((resolve) => {
        gzip.once('end', resolve)
        gzip.end()
      })
      return taken()
    },
  }
}
