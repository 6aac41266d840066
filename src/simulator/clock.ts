// Time as the simulator sees it: the machine's, or one that a test moves by hand.
// Every timestamp, running interval and scripted delay comes from here.

/** What the simulator needs of time. */
export type SimulatorClock = {
  /** Milliseconds since the epoch, whole. */
  readonly nowMs: () => number
  /** Runs `run` once after `delayMs`; the returned function calls it off. */
  readonly after: (delayMs: number, run: () => void) => () => void
}

/** A clock that stands still until it is told to move. */
export type ManualClock = SimulatorClock & {
  /**
   * Moves time forward by `ms`, running every timer that falls due in the order of its due time, each
   * seeing its own due time as now. Timers set on the way run too when they fall inside the span.
   */
  readonly advance: (ms: number) => void
  /** Timers still waiting. */
  readonly pending: () => number
}

/** The machine's clock. Its timers do not keep the process alive. */
export const realClock: SimulatorClock = {
  nowMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** A clock owned by a test, standing at `startMs` (default 2026-12-01T00:00:00Z). */
export function createManualClock(startMs: number = Date.UTC(2026, 11, 1)): ManualClock {
  type Timer = { readonly dueMs: number; readonly run: () => void }
  const timers = new Set<Timer>()
  let nowMs = startMs

  // A Set keeps insertion order, so of two timers due together the older one wins.
  const earliest = (limitMs: number): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) {
      if (timer.dueMs <= limitMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer
    }
    return first
  }

  return {
    nowMs: () => nowMs,
    after: (delayMs, run) => {
      const timer = { dueMs: nowMs + delayMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: (ms) => {
      const targetMs = nowMs + ms
      for (let timer = earliest(targetMs); timer; timer = earliest(targetMs)) {
        timers.delete(timer)
        nowMs = timer.dueMs
        timer.run()
      }
      nowMs = targetMs
    },
    pending: () => timers.size,
  }
}
