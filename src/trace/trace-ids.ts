// Trace and span ids of our own, for when no tracing SDK is loaded: random, never all zero, about 0.2 us each.
import { randomFillSync } from 'node:crypto'

export type TraceIds = {
  /** 32 hex digits. */
  readonly newTraceId: () => string
  /** 16 hex digits. */
  readonly newSpanId: () => string
}

const poolBytes = 4096

/** One call to the system's generator serves many ids; no byte is used twice. */
export function createTraceIds(): TraceIds {
  const pool = Buffer.alloc(poolBytes)
  let used = poolBytes
  const take = (bytes: number): string => {
    if (used + bytes > poolBytes) {
      randomFillSync(pool)
      used = 0
    }
    used += bytes
    const id = pool.toString('hex', used - bytes, used)
    // W3C Trace Context: an all-zero id is invalid.
    return /^0+$/.test(id) ? take(bytes) : id
  }
  return { newTraceId: () => take(16), newSpanId: () => take(8) }
}
