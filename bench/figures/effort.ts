// How long and how often everything is measured. Seconds of saturation are whole: wrk takes no others.

export type Effort = {
  /** Also measure http-proxy, and a gateway that exports its spans. */
  readonly withAllArms: boolean
  readonly startRounds: number
  readonly saturation: { readonly rounds: number; readonly seconds: number; readonly warmSeconds: number }
  readonly latency: { readonly rounds: number; readonly seconds: number }
  readonly streams: { readonly rounds: number; readonly seconds: number }
  readonly idleStreams: number
}

/** About four minutes. */
export const fullEffort: Effort = {
  withAllArms: true,
  startRounds: 3,
  saturation: { rounds: 4, seconds: 1, warmSeconds: 2 },
  latency: { rounds: 3, seconds: 1.5 },
  streams: { rounds: 2, seconds: 2 },
  idleStreams: 1_000,
}

/** Under a minute, to see whether something broke. The figures are rough, and two arms are left out. */
export const quickEffort: Effort = {
  withAllArms: false,
  startRounds: 1,
  saturation: { rounds: 1, seconds: 1, warmSeconds: 1 },
  latency: { rounds: 1, seconds: 1 },
  streams: { rounds: 1, seconds: 2 },
  idleStreams: 500,
}
