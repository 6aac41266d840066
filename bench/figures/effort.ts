// How long and how often everything is measured. Seconds of saturation are whole: wrk takes no others.

export type Effort = {
  /** Also measure a gateway that exports its spans. */
  readonly withOtlp: boolean
  readonly startRounds: number
  readonly saturation: { readonly rounds: number; readonly seconds: number; readonly warmSeconds: number }
  /** Portkey's gateway is twice as fast once its code is compiled, which takes it this long. */
  readonly portkeyWarmSeconds: number
  readonly latency: { readonly rounds: number; readonly seconds: number }
  readonly streams: { readonly rounds: number; readonly seconds: number; readonly warmSeconds: number }
  /** Ascending. */
  readonly idleStreams: readonly number[]
  readonly stalled: { readonly streams: number; readonly holdSeconds: number }
}

/** About a quarter of an hour. */
export const fullEffort: Effort = {
  withOtlp: true,
  startRounds: 3,
  saturation: { rounds: 5, seconds: 1, warmSeconds: 2 },
  portkeyWarmSeconds: 15,
  latency: { rounds: 3, seconds: 1.5 },
  streams: { rounds: 3, seconds: 3, warmSeconds: 1 },
  idleStreams: [1_000, 5_000, 10_000],
  stalled: { streams: 100, holdSeconds: 20 },
}

/** About two minutes, to see whether something broke. The figures are rough. */
export const quickEffort: Effort = {
  withOtlp: false,
  startRounds: 1,
  saturation: { rounds: 1, seconds: 1, warmSeconds: 1 },
  portkeyWarmSeconds: 3,
  latency: { rounds: 1, seconds: 1 },
  streams: { rounds: 1, seconds: 1, warmSeconds: 1 },
  idleStreams: [500],
  stalled: { streams: 20, holdSeconds: 3 },
}
