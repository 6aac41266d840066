// What a session has used, counted by the simulator itself: tokens by thread and model, and running time.
// Both `session.usage` and the bill are read from here, so they cannot disagree with each other.

import {
  formatCents,
  type PricedTokens,
  priceRuntime,
  priceSearches,
  priceTokens,
  type Serving,
} from './prices.ts'
import { createStopwatch, type Stopwatch } from './stopwatch.ts'

/** One model request, as the upstream knows it (a span event tells less). */
export type ModelRequest = Serving & PricedTokens & { readonly webSearches: number }

/** A model request with the thread that made it. */
export type MeteredRequest = ModelRequest & { readonly threadId: string }

/** What the graders of outcomes used; no part of the session's own usage. */
export type Grading = {
  readonly evaluations: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** Sums of model requests. `picoUsd` holds what could be priced; `unpriced` counts what could not. */
export type Tally = {
  requests: number
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWrite5mTokens: number
  cacheWrite1hTokens: number
  webSearches: number
  picoUsd: bigint
  unpriced: number
}

const emptyTally = (): Tally => ({
  requests: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  webSearches: 0,
  picoUsd: 0n,
  unpriced: 0,
})

function addTo(tally: Tally, request: ModelRequest): void {
  tally.requests += 1
  tally.inputTokens += request.inputTokens
  tally.outputTokens += request.outputTokens
  tally.cacheReadTokens += request.cacheReadTokens
  tally.cacheWrite5mTokens += request.cacheWrite5mTokens
  tally.cacheWrite1hTokens += request.cacheWrite1hTokens
  tally.webSearches += request.webSearches
  const tokenPico = priceTokens(request, request)
  tally.picoUsd += (tokenPico ?? 0n) + priceSearches(request.webSearches)
  if (tokenPico === null) tally.unpriced += 1
}

/** The usage object of a session or thread (SDK 1.12.0 `BetaManagedAgentsSessionUsage`). */
function usageView(tally: Tally, activeMs: number, extraPicoUsd: bigint) {
  return {
    input_tokens: tally.inputTokens,
    output_tokens: tally.outputTokens,
    cache_read_input_tokens: tally.cacheReadTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: tally.cacheWrite5mTokens,
      ephemeral_1h_input_tokens: tally.cacheWrite1hTokens,
    },
    server_tool_use: { web_search_requests: tally.webSearches, web_fetch_requests: 0 },
    active_seconds: activeMs / 1000,
    // A model without a list price leaves the cost out, as the upstream does while it cannot tell.
    ...(tally.unpriced > 0
      ? {}
      : { list_cost: { amount: formatCents(tally.picoUsd + extraPicoUsd), currency: 'USD' } }),
  }
}

export type Meter = ReturnType<typeof createMeter>

/** The meter of one session. */
export function createMeter() {
  const total = emptyTally()
  const requests: MeteredRequest[] = []
  const byModel = new Map<string, Tally>()
  const byThread = new Map<string, { readonly tally: Tally; readonly stopwatch: Stopwatch }>()
  const anyThread = createStopwatch()
  const session = createStopwatch()
  let grading: Grading = { evaluations: 0, inputTokens: 0, outputTokens: 0 }

  const threadMeter = (threadId: string) => {
    const known = byThread.get(threadId) ?? { tally: emptyTally(), stopwatch: createStopwatch() }
    byThread.set(threadId, known)
    return known
  }

  return {
    /** Books one model request of a thread. */
    countRequest: (threadId: string, request: ModelRequest) => {
      const model = byModel.get(request.model) ?? emptyTally()
      byModel.set(request.model, model)
      requests.push({ ...request, threadId })
      for (const tally of [total, model, threadMeter(threadId).tally]) addTo(tally, request)
    },
    /** Books what one outcome evaluation used. */
    countGrading: (inputTokens: number, outputTokens: number) => {
      grading = {
        evaluations: grading.evaluations + 1,
        inputTokens: grading.inputTokens + inputTokens,
        outputTokens: grading.outputTokens + outputTokens,
      }
    },
    /** Tells that a thread entered (or left) the status `running`. */
    setThreadRunning: (threadId: string, isRunning: boolean, atMs: number) => {
      const { stopwatch } = threadMeter(threadId)
      for (const watch of [stopwatch, anyThread]) {
        if (isRunning) watch.start(threadId, atMs)
        else watch.stop(threadId, atMs)
      }
    },
    /** Tells that the session entered (or left) the status `running`. */
    setSessionRunning: (isRunning: boolean, atMs: number) => {
      if (isRunning) session.start('session', atMs)
      else session.stop('session', atMs)
    },
    /**
     * Milliseconds with at least one thread running, overlaps counted once: what runtime is charged for
     * (SDK 1.12.0, `BetaManagedAgentsSessionUsage.active_seconds`).
     */
    runningMs: anyThread.elapsedMs,
    /** The spans that `runningMs` adds up. */
    runningIntervals: anyThread.intervals,
    /** Milliseconds in the session's own status `running`. */
    statusMs: session.elapsedMs,
    /**
     * Every thread's own running time added up, overlaps counted as often as they overlap: `stats.active_seconds`
     * of a session as `BetaManagedAgentsSessionUsage` explains it. Nothing is charged by it.
     */
    threadSumMs: (nowMs: number) =>
      [...byThread.values()].reduce((sum, { stopwatch }) => sum + stopwatch.elapsedMs(nowMs), 0),
    threadActiveMs: (threadId: string, nowMs: number) => threadMeter(threadId).stopwatch.elapsedMs(nowMs),
    usage: (nowMs: number) =>
      usageView(total, anyThread.elapsedMs(nowMs), priceRuntime(anyThread.elapsedMs(nowMs))),
    /** A thread's own usage; its cost has no runtime in it. */
    threadUsage: (threadId: string, nowMs: number) => {
      const { tally, stopwatch } = threadMeter(threadId)
      return usageView(tally, stopwatch.elapsedMs(nowMs), 0n)
    },
    /** The exact list cost until now, in pico-dollars; null once a model without a list price was used. */
    costPicoUsd: (nowMs: number): bigint | null =>
      total.unpriced > 0 ? null : total.picoUsd + priceRuntime(anyThread.elapsedMs(nowMs)),
    total: (): Readonly<Tally> => total,
    models: (): ReadonlyMap<string, Readonly<Tally>> => byModel,
    /** Every model request, oldest first. */
    requests: (): readonly MeteredRequest[] => requests,
    grading: () => grading,
  }
}
