// Finding sessions that nobody here has told us of: made by deployments, in the console, by another gateway, or before
// we started. Every round lists what runs and what was made lately; now and then, a part at a time, everything.
import { dataOf, type Reads } from './reads.ts'

export type SweepDeps = {
  readonly nowMs: () => number
  readonly reads: Reads
  /** Told of each session as it was listed; keeps what is worth keeping. */
  readonly onListed: (raw: unknown) => Promise<void>
  readonly roundMs: number
}

export type Sweep = {
  /** One round. Rejects with what the upstream says; the next one goes on where this one stopped. */
  readonly round: () => Promise<void>
  /** Everything is to be listed again, from the next round on: what was passed over may count now. */
  readonly relist: () => void
}

/** Sandboxes live for thirty days: nothing older is likely to run again, and what does is listed as running. */
const horizonMs = 30 * 24 * 3_600_000
/** Everything is listed again after so many rounds' time, … */
const wholeRounds = 15
/** … so many pages a round. */
const pagesPerRound = 20

/** Makes the rounds of one upstream. */
export function createSweep({ nowMs, reads, onListed, roundMs }: SweepDeps): Sweep {
  let place: { readonly fromMs: number; page: string | null } | null = null
  let wholeDoneMs = Number.NEGATIVE_INFINITY
  let lastRoundMs = Number.NEGATIVE_INFINITY
  let isStale = false

  const list = (query: string, from: string | null = null): Promise<string | null> =>
    reads.pages(
      'sweep',
      `/v1/sessions?limit=100&${query}`,
      'sweep',
      async (body) => {
        for (const raw of dataOf(body)) await onListed(raw)
      },
      { from, pagesMax: pagesPerRound },
    )
  const since = (ms: number): string => `created_at%5Bgte%5D=${new Date(ms).toISOString()}`

  async function listWhole(startMs: number): Promise<void> {
    place ??= { fromMs: startMs - horizonMs, page: null }
    try {
      place.page = await list(`include_archived=true&${since(place.fromMs)}`, place.page)
    } catch (error) {
      // A place that the upstream does not know any more is no place.
      place = null
      throw error
    }
    if (place.page !== null) return
    place = null
    wholeDoneMs = startMs
  }

  const round = async (): Promise<void> => {
    const startMs = nowMs()
    if (isStale) {
      isStale = false
      place = null
      wholeDoneMs = Number.NEGATIVE_INFINITY
    }
    await list('statuses%5B%5D=running&statuses%5B%5D=rescheduling')
    if (place !== null || startMs - wholeDoneMs >= wholeRounds * roundMs) await listWhole(startMs)
    else await list(`include_archived=true&${since(Math.min(lastRoundMs, startMs) - roundMs)}`)
    lastRoundMs = startMs
  }
  return {
    round,
    relist: () => {
      isStale = true
    },
  }
}
