// How often the watcher may ask one upstream: never more than so many reads in any minute, the urgent ones first, and
// none at all while the upstream has asked for a pause. The upstream's own limit is shared with every caller.

/** In the order of service: a DELETE waits behind `urgent`; then what runs, what came to rest, what is only looked for. */
export const priorities = ['urgent', 'running', 'settle', 'sweep'] as const
export type Priority = (typeof priorities)[number]

/** Runs `run` once after `delayMs`; the returned function calls it off. */
export type After = (delayMs: number, run: () => void) => () => void

export type ReadBudget = {
  /** Resolves when the read may be sent. Rejects when the budget is closed. */
  readonly take: (priority: Priority) => Promise<void>
  /** Nothing is sent for so long, counted from now; the longest pause holds. */
  readonly pause: (forMs: number) => void
  readonly isPaused: () => boolean
  readonly close: () => void
}

const minuteMs = 60_000
/** What only urgent reads may take. */
const reservedShare = 0.1

type Waiter = { readonly go: () => void; readonly refuse: (error: Error) => void }

/** A budget that is full. `monotonicMs` and `after` are one clock. */
export function createReadBudget(deps: {
  readonly readsPerMinute: number
  readonly monotonicMs: () => number
  readonly after: After
}): ReadBudget {
  const { readsPerMinute, monotonicMs, after } = deps
  const unreserved = Math.max(1, readsPerMinute - Math.ceil(readsPerMinute * reservedShare))
  const waiting = new Map<Priority, Waiter[]>(priorities.map((priority) => [priority, []]))
  /** Times of the reads of the last minute, oldest first. */
  const sent: number[] = []
  let pausedUntilMs = Number.NEGATIVE_INFINITY
  let disarm: (() => void) | null = null
  let isClosed = false

  const first = (): Priority | undefined =>
    priorities.find((priority) => (waiting.get(priority)?.length ?? 0) > 0)
  const limitOf = (priority: Priority): number => (priority === 'urgent' ? readsPerMinute : unreserved)

  const pump = (): void => {
    disarm?.()
    disarm = null
    const nowMs = monotonicMs()
    while (sent[0] !== undefined && sent[0] <= nowMs - minuteMs) sent.shift()
    for (let next = first(); next !== undefined; next = first()) {
      const waitMs = waitOf(next, nowMs)
      if (waitMs > 0) {
        disarm = after(waitMs, pump)
        return
      }
      sent.push(nowMs)
      waiting.get(next)?.shift()?.go()
    }
  }
  const waitOf = (priority: Priority, nowMs: number): number => {
    if (pausedUntilMs > nowMs) return pausedUntilMs - nowMs
    const over = sent.length - limitOf(priority)
    if (over < 0) return 0
    return Math.max(1, (sent[over] ?? nowMs) + minuteMs - nowMs)
  }

  return {
    take: (priority) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Error('the watcher is closing'))
        waiting.get(priority)?.push({ go: resolve, refuse: reject })
        pump()
      }),
    pause: (forMs) => {
      pausedUntilMs = Math.max(pausedUntilMs, monotonicMs() + forMs)
    },
    isPaused: () => pausedUntilMs > monotonicMs(),
    close: () => {
      isClosed = true
      disarm?.()
      for (const waiters of waiting.values())
        for (const { refuse } of waiters.splice(0)) refuse(new Error('the watcher is closing'))
    },
  }
}
