// What happens after an engine process ended by itself: it is started again, each time waiting longer, until told to stop.
import { setTimeout as delay } from 'node:timers/promises'
import type { EngineExit, RunningEngine } from './launch-engine.ts'

export type KeptEngine = {
  /** The engine that runs now; undefined between an end and the next start. */
  readonly current: () => RunningEngine | undefined
  /** Stops it for good, or the start that is under way. Idempotent. */
  readonly close: () => Promise<void>
}

const backoffMsMax = 30_000
/** An engine that lived this long starts its next backoff from the beginning. */
const healthyAfterMs = 60_000

/** Watches `first` and its successors, which `launch` makes. `backoffMs` is the first wait; it doubles up to 30 s. */
export function keepRunning(
  first: RunningEngine,
  deps: {
    readonly launch: () => Promise<RunningEngine>
    readonly backoffMs: number
    readonly onExit: (exit: EngineExit, waitMs: number) => void
    readonly onRestart: () => void
    readonly onFailedStart: (error: unknown) => void
  },
): KeptEngine {
  const closing = new AbortController()
  const { signal } = closing
  let running: RunningEngine | undefined = first

  const supervise = async (): Promise<void> => {
    let waitMs = deps.backoffMs
    let startedAtMs = performance.now()
    while (!signal.aborted) {
      if (running !== undefined) {
        const exit = await running.exited
        running = undefined
        if (signal.aborted) return
        if (performance.now() - startedAtMs > healthyAfterMs) waitMs = deps.backoffMs
        deps.onExit(exit, waitMs)
      }
      // Rejects when closing, which ends the wait and, above, the loop.
      await delay(waitMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      waitMs = Math.min(waitMs * 2, backoffMsMax)
      startedAtMs = performance.now()
      try {
        running = await deps.launch()
        deps.onRestart()
      } catch (error) {
        deps.onFailedStart(error)
      }
    }
  }
  const supervision = supervise()

  return {
    current: () => running,
    close: async () => {
      closing.abort()
      await running?.stop()
      await supervision
      // A start that was under way when `close` was called.
      await running?.stop()
    },
  }
}
