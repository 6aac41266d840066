// How far sessions at rest were read, in memory: of the latest ones, as many as fit.
import type { Known } from './schedule.ts'

/** About 200 bytes each. What was forgotten is read again. */
export const rememberedMax = 100_000

/** An empty memory; the oldest entries go first. */
export function createKnown(max: number = rememberedMax): Known {
  const left = new Map<string, { readonly stateKey: string; readonly listedUntil: string }>()
  return {
    get: (id) => left.get(id),
    set: (id, { stateKey, listedUntil }) => {
      left.delete(id)
      left.set(id, { stateKey, listedUntil })
      const [oldest] = left.keys()
      if (left.size > max && oldest !== undefined) left.delete(oldest)
    },
    delete: (id) => void left.delete(id),
  }
}
