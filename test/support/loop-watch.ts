// How long the event loop is kept from turning while something is under way, seen from two sides.
import { monitorEventLoopDelay } from 'node:perf_hooks'

export type LoopBlocks = {
  /** The longest time between two turns of a loop that turns as fast as it can. */
  readonly longestMs: number
  /** The same, as far as this process had a core meanwhile. */
  readonly longestOwnMs: number
  /** The longest that a timer of one millisecond was late, by Node's own histogram. */
  readonly timerMs: number
  readonly totalMs: number
}

/** Turns the event loop until `underWay` is settled, and calls `atEachTurn` meanwhile. Rejects with what `underWay` rejects with. */
export async function watchLoop(
  underWay: Promise<unknown>,
  atEachTurn: () => void = () => {},
): Promise<LoopBlocks> {
  let isOver = false
  const over = underWay.finally(() => {
    isOver = true
  })
  // Waited for below; until then a rejection is not an unhandled one.
  over.catch(() => undefined)
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  const firstMs = performance.now()
  let longestMs = 0
  let longestOwnMs = 0
  while (!isOver) {
    const startMs = performance.now()
    const own = process.cpuUsage()
    await new Promise((resolve) => setImmediate(resolve))
    const { user, system } = process.cpuUsage(own)
    longestMs = Math.max(longestMs, performance.now() - startMs)
    longestOwnMs = Math.max(longestOwnMs, (user + system) / 1000)
    atEachTurn()
  }
  delays.disable()
  await over
  return { longestMs, longestOwnMs, timerMs: delays.max / 1e6, totalMs: performance.now() - firstMs }
}
