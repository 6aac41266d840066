// A timer that can be brought forward but not put off, and does not keep the process alive.

export type Alarm = {
  /** Rings after the delay, or when it would have rung anyway if that is sooner. */
  readonly ringIn: (delayMs: number) => void
  /** Forgets what was set. */
  readonly reset: () => void
  /** Never rings again. */
  readonly close: () => void
}

/** Makes an alarm that is not set. */
export function createAlarm(ring: () => void): Alarm {
  let timer: NodeJS.Timeout | null = null
  let dueAtMs = Number.POSITIVE_INFINITY
  let closed = false

  const reset = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    dueAtMs = Number.POSITIVE_INFINITY
  }
  return {
    ringIn: (delayMs) => {
      const atMs = performance.now() + delayMs
      if (closed || atMs >= dueAtMs) return
      reset()
      dueAtMs = atMs
      timer = setTimeout(() => {
        reset()
        ring()
      }, delayMs)
      timer.unref()
    },
    reset,
    close: () => {
      closed = true
      reset()
    },
  }
}
