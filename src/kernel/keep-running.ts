// What happens after a process of ours ended by itself: it is started again, each time waiting longer, until told to stop.
import { setTimeout as delay } from 'node:timers/promises'

export type ProcessExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** A process that runs: how it ends by itself, and how it is ended. */
export type Running = {
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<ProcessExit>
  readonly stop: () => Promise<void>
}

export type Kept<R extends Running> = {
  /** The process that runs now; undefined between an end and the next start. */
  readonly current: () => R | undefined
  /** Stops it for good, or the start that is under way. Idempotent. */
  readonly close: () => Promise<void>
}

const backoffMsMax = 30_000
/** A process that lived this long starts its next backoff from the beginning. */
const healthyAfterMs = 60_000

/** Watches `first` and its successors, which `launch` makes. `backoffMs` is the first wait; it doubles up to 30 s. */
export function keepRunning<R extends Running>(
  first: R,
  deps: {
    readonly launch: () => Promise<R>
    readonly backoffMs: number
    readonly onExit: (exit: ProcessExit, waitMs: number) => void
    readonly onRestart: () => void
    readonly onFailedStart: (error: unknown) => void
  },
): Kept<R> {
  const closing = new AbortController()
  const { signal } = closing
  let running: R | undefined = first

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
