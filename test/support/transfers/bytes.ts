// Many bytes without holding them: the same block over and over, and the hash of what that makes.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Writable } from 'node:stream'

export const noise = randomBytes(256 * 1024)
const frame = `event: agent.message\ndata: ${JSON.stringify({ type: 'agent.message', text: 'x'.repeat(4_000) })}\n\n`
/** Server-sent events, as an agent sends them. */
export const events = Buffer.from(frame.repeat(64))

/** Writes `total` bytes of `block` into `sink`, no faster than it takes them, and returns their SHA-256. Does not end it. */
export async function writeBytes(
  sink: Writable,
  block: Buffer,
  total: number,
  onWritten: (bytes: number) => void,
): Promise<string> {
  const hash = createHash('sha256')
  for (let sent = 0; sent < total; ) {
    const chunk = block.subarray(0, Math.min(block.length, total - sent))
    hash.update(chunk)
    sent += chunk.length
    onWritten(chunk.length)
    if (!sink.write(chunk)) await once(sink, 'drain')
  }
  return hash.digest('hex')
}
