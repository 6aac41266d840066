// What the gateway is to reach on one core of a small server, and beside others in the same run. Judged is the gateway
// complete, with identity, permission, metering, journal and ledger; the first slice may need 1.5 times as much.
import type { Goal } from './figure.ts'

const atMost = (limit: number): Goal => ({ limit, better: 'less' })
const atLeast = (limit: number): Goal => ({ limit, better: 'more' })

/** Of one kind of short call; what is not named has no goal. */
export type CallGoals = {
  readonly cpuUs?: Goal
  readonly timesNginx?: Goal
  readonly timesHttpProxy?: Goal
  readonly perSecond?: Goal
  readonly timesPortkey?: Goal
}

const post = {
  cpuUs: atMost(110),
  timesHttpProxy: atMost(1),
  perSecond: atLeast(9_000),
  timesPortkey: atLeast(10),
} satisfies CallGoals

const get = {
  cpuUs: atMost(90),
  timesNginx: atMost(4.5),
  perSecond: atLeast(11_000),
  timesPortkey: atLeast(12),
} satisfies CallGoals

const post50 = {
  cpuUs: atMost(200),
  perSecond: atLeast(5_000),
  timesPortkey: atLeast(14),
} satisfies CallGoals

export const goals = {
  calls: { get, post, post50 },
  latency: {
    overNginxP50Ms: atMost(0.2),
    overNginxP99Ms: atMost(1.5),
    shareOfPortkeyP50: atMost(0.15),
  },
  stream: {
    firstEventMs: atMost(5),
    eventOverNginxMs: atMost(0.06),
    eventTimesNginx: atMost(1.6),
  },
  single: { perSecond: atLeast(35_000), timesNginx: atMost(1.6) },
  burst: { perSecond: atLeast(2_000_000), timesPortkey: atLeast(20) },
  held: {
    idleStreamKb: atMost(24),
    /** With 10,000 of them. */
    idleTotalMb: atMost(320),
    stalledStreamKb: atMost(64),
    /** Flat: what a garbage collection moves, not what a queue grows by. */
    stalledGrowthMb: atMost(8),
  },
  rssIdleMb: atMost(120),
  rssLoadedMb: atMost(200),
} as const
