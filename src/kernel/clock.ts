// The only source of time. Rooms take a Clock so that tests own it.

export type Clock = {
  /** Wall time, milliseconds since the epoch. May jump; use it for timestamps only. */
  readonly nowMs: () => number
  /** Milliseconds from an arbitrary start, never going back; use it for durations. */
  readonly monotonicMs: () => number
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}
