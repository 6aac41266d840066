// Ids that Tollgate makes. Time-ordered (UUIDv7 layout), so a list sorted by id is a list sorted by time.
import { randomBytes } from 'node:crypto'

const randomBytesEach = 10
// One call to the random source serves many ids: it costs as much for 4,000 bytes as for ten.
const pool = { bytes: Buffer.alloc(0), used: 0 }

/** A new time-ordered id: `prefix_` and 32 hex digits (48 bits of milliseconds, 80 random bits). */
export function newId(prefix: string, nowMs: number): string {
  if (pool.used === pool.bytes.length) {
    pool.bytes = randomBytes(randomBytesEach * 400)
    pool.used = 0
  }
  const start = pool.used
  pool.used += randomBytesEach
  return `${prefix}_${nowMs.toString(16).padStart(12, '0')}${pool.bytes.toString('hex', start, pool.used)}`
}
