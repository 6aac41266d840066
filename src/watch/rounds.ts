// The rounds of listing, one upstream beside the other: each again some time after its last one ended, whatever came of it.
import type { Clock } from '../kernel/clock.ts'
import type { After } from './read-budget.ts'
import type { Reads } from './reads.ts'
import { createSweep, type Sweep } from './sweep.ts'

export type RoundsDeps = {
  readonly clock: Clock
  readonly after: After
  readonly roundMs: number
  readonly upstreams: readonly { readonly name: string; readonly reads: Reads }[]
  readonly onListed: (upstream: string, raw: unknown) => Promise<void>
  /** Done before the first round, and before everything is listed again; what it rejects with is told to `onFailed`. */
  readonly begin: () => Promise<void>
  readonly onFailed: (upstream: string, error: unknown) => void
}

export type Rounds = {
  /** Which upstream has not been listed for long; null when all have. */
  readonly problem: () => string | null
  /** Lists everything again. */
  readonly relist: () => void
  readonly close: () => void
}

const unlistedMsMax = 600_000

/** Starts the first round at once. */
export function createRounds({ clock, after, roundMs, upstreams, ...deps }: RoundsDeps): Rounds {
  const { monotonicMs } = clock
  const listedAtMs = new Map(upstreams.map(({ name }) => [name, monotonicMs()]))
  const timers = new Map<string, () => void>()
  const sweeps: Sweep[] = []
  let isClosed = false

  const start = ({ name, reads }: RoundsDeps['upstreams'][number]): void => {
    const sweep = createSweep({
      nowMs: clock.nowMs,
      reads,
      roundMs,
      onListed: (raw) => deps.onListed(name, raw),
    })
    sweeps.push(sweep)
    const round = (): void => {
      void sweep
        .round()
        .then(
          () => void listedAtMs.set(name, monotonicMs()),
          (error: unknown) => {
            if (!isClosed) deps.onFailed(name, error)
          },
        )
        .then(() => {
          if (!isClosed) timers.set(name, after(roundMs, round))
        })
    }
    round()
  }
  const begin = (): Promise<void> => deps.begin().catch((error: unknown) => deps.onFailed('', error))
  void begin().then(() => {
    if (!isClosed) for (const upstream of upstreams) start(upstream)
  })

  return {
    problem: () => {
      for (const [name, atMs] of listedAtMs)
        if (monotonicMs() - atMs > unlistedMsMax + roundMs)
          return `could not list the sessions of upstream \`${name}\``
      return null
    },
    relist: () => {
      void begin().then(() => {
        for (const sweep of sweeps) sweep.relist()
      })
    },
    close: () => {
      isClosed = true
      for (const cancel of timers.values()) cancel()
    },
  }
}
