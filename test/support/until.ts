// Waiting for something that will happen, without knowing when.
import { vi } from 'vitest'

/** Resolves with the first value that satisfies `isIt`; fails after ten seconds. Works in hooks as in tests. */
export function until<Value>(
  read: () => Promise<Value> | Value,
  isIt: (value: Value) => boolean,
): Promise<Value> {
  return vi.waitFor(
    async () => {
      const value = await read()
      if (!isIt(value)) throw new Error(`it did not happen; last seen: ${JSON.stringify(value)}`)
      return value
    },
    { timeout: 10_000, interval: 20 },
  )
}
