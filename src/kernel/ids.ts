// Ids that Tollgate makes. Time-ordered (UUIDv7 layout), so a list sorted by id is a list sorted by time.
import { randomBytes } from 'node:crypto'

/** A new time-ordered id: `prefix_` and 32 hex digits (48 bits of milliseconds, 80 random bits). */
export function newId(prefix: string, nowMs: number): string {
  return `${prefix}_${nowMs.toString(16).padStart(12, '0')}${randomBytes(10).toString('hex')}`
}
