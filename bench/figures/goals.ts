// What the gateway is to reach on one core of a small server. The first slice may need 1.5 times as much.
import type { Goal } from './figure.ts'

const atMost = (limit: number): Goal => ({ limit, better: 'less' })
const atLeast = (limit: number): Goal => ({ limit, better: 'more' })

export const goals = {
  get: { cpuUs: atMost(90), timesNginx: atMost(4.5), timesHttpProxy: null, perSecond: atLeast(11_000) },
  post: { cpuUs: atMost(110), timesNginx: null, timesHttpProxy: atMost(1), perSecond: atLeast(9_000) },
  overNginxP50Ms: atMost(0.2),
  overNginxP99Ms: atMost(1.5),
  firstEventMs: atMost(5),
  eventOverNginxMs: atMost(0.06),
  eventTimesNginx: atMost(1.6),
  idleStreamKb: atMost(24),
  rssIdleMb: atMost(120),
  rssLoadedMb: atMost(200),
} as const
