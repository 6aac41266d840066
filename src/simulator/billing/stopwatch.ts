// Measures how long something ran, and when: the union over holders that may overlap.

/** A span of time; `toMs` is not in it. */
export type Interval = { readonly fromMs: number; readonly toMs: number }

/** Measures the time during which at least one holder keeps it running. */
export type Stopwatch = {
  readonly start: (holder: string, atMs: number) => void
  readonly stop: (holder: string, atMs: number) => void
  readonly elapsedMs: (nowMs: number) => number
  /** The spans measured, oldest first, none empty; one still going ends at `nowMs`. */
  readonly intervals: (nowMs: number) => readonly Interval[]
}

/** A stopwatch at zero. Starting twice or stopping what does not run changes nothing. */
export function createStopwatch(): Stopwatch {
  const holders = new Set<string>()
  const done: Interval[] = []
  let doneMs = 0
  let sinceMs = 0
  return {
    start: (holder, atMs) => {
      if (holders.size === 0) sinceMs = atMs
      holders.add(holder)
    },
    stop: (holder, atMs) => {
      if (!holders.delete(holder) || holders.size > 0 || atMs === sinceMs) return
      doneMs += atMs - sinceMs
      done.push({ fromMs: sinceMs, toMs: atMs })
    },
    elapsedMs: (nowMs) => (holders.size === 0 ? doneMs : doneMs + nowMs - sinceMs),
    intervals: (nowMs) =>
      holders.size === 0 || nowMs === sinceMs ? [...done] : [...done, { fromMs: sinceMs, toMs: nowMs }],
  }
}
