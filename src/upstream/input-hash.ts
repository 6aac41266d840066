// A digest of what an agent gave to a tool: two equal inputs can be shown to be equal, and nobody without the key can try
// what the input was.
import { createHmac } from 'node:crypto'
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { HashInput } from './event-detail-values.ts'

/** A hash under this key: 32 hexadecimal digits of HMAC-SHA256 over the canonical JSON; '' for what has none. Never throws. */
export function createInputHash(key: Buffer): HashInput {
  return (input) => {
    try {
      return createHmac('sha256', key).update(canonicalJson(input)).digest('hex').slice(0, 32)
    } catch {
      return ''
    }
  }
}
