// How much memory all request bodies together may take. One body is bounded by Fastify; a hundred that are sent at
// once, or that stop just before their end, are bounded here.
import type { IncomingHttpHeaders } from 'node:http'

export type BodyBudget = {
  /** Keeps room for what these headers announce, a chunked body as the largest allowed. False when there is none. */
  readonly reserve: (holder: object, headers: IncomingHttpHeaders) => boolean
  /** The body is here: only its own bytes are held from now on. */
  readonly settle: (holder: object, bytes: number) => void
  /** Gives back what the holder had; harmless when it had nothing. */
  readonly release: (holder: object) => void
}

/** Bodies of the largest allowed size that fit at once. */
const largestAtOnce = 16

export function createBodyBudget(bodyLimitBytes: number): BodyBudget {
  const totalBytes = bodyLimitBytes * largestAtOnce
  const heldBy = new Map<object, number>()
  let heldBytes = 0
  const hold = (holder: object, bytes: number): void => {
    heldBytes += bytes - (heldBy.get(holder) ?? 0)
    if (bytes > 0) heldBy.set(holder, bytes)
    else heldBy.delete(holder)
  }
  return {
    reserve: (holder, headers) => {
      const announced =
        headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : bodyLimitBytes
      // A larger one is refused before it is read.
      const bytes = Math.min(announced, bodyLimitBytes)
      if (heldBytes + bytes > totalBytes) return false
      hold(holder, bytes)
      return true
    },
    settle: hold,
    release: (holder) => hold(holder, 0),
  }
}
