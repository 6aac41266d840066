// Is the canary worse than stable by more than its bounds allow? Pure: two sets of totals in, reasons out.
import type { AgentVersionFacts } from '../ledger/queries/agent-version-facts.ts'
import type { RolloutBounds } from './pins.ts'

/** `too_early`: one of the two has too few sessions to say anything; `within`: nothing to say against the canary. */
export type CanaryJudgement =
  | { readonly kind: 'too_early' | 'within' }
  | { readonly kind: 'worse'; readonly reasons: readonly string[] }

/** What a version did that nobody used. */
export const nothingYet: Omit<AgentVersionFacts, 'version'> = {
  sessions: 0,
  failed_sessions: 0,
  cost_usd: 0,
  median_running_ms: 0,
  exchanges: 0,
  denials: 0,
}

type Facts = Omit<AgentVersionFacts, 'version'>

/**
 * Compares what both did in the same time. Shares (errors, denials) may be higher by a difference, amounts (cost,
 * running time) by a factor; a bound that is null is not looked at. Each reason is a sentence for people.
 */
export function judgeCanary(bounds: RolloutBounds, stable: Facts, canary: Facts): CanaryJudgement {
  if (Math.min(stable.sessions, canary.sessions) < bounds.sessionsMin) return { kind: 'too_early' }
  const reasons = [
    byShare('error rate', bounds.errorRate, errorRate(stable), errorRate(canary)),
    byShare('denial rate', bounds.denialRate, denialRate(stable), denialRate(canary)),
    byFactor('cost per session', bounds.costPerSession, costPerSession(stable), costPerSession(canary), usd),
    byFactor(
      'median running time',
      bounds.medianRunningTime,
      stable.median_running_ms,
      canary.median_running_ms,
      seconds,
    ),
  ].filter((reason) => reason !== null)
  return reasons.length === 0 ? { kind: 'within' } : { kind: 'worse', reasons }
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
const errorRate = ({ failed_sessions, sessions }: Facts): number => share(failed_sessions, sessions)
const denialRate = ({ denials, exchanges }: Facts): number => share(denials, exchanges)
const costPerSession = ({ cost_usd, sessions }: Facts): number => share(cost_usd, sessions)

/** Sums of decimals differ in their last bits; what lies on a bound is within it. */
const slack = 1e-9

function byShare(name: string, bound: number | null, stable: number, canary: number): string | null {
  if (bound === null || canary - stable <= bound + slack) return null
  return `${name} ${percent(canary)} where stable has ${percent(stable)}; the bound is ${percent(bound)} more`
}

function byFactor(
  name: string,
  bound: number | null,
  stable: number,
  canary: number,
  show: (value: number) => string,
): string | null {
  if (bound === null || canary <= stable * bound + slack) return null
  return `${name} ${show(canary)} where stable has ${show(stable)}; the bound is ${bound} times that`
}

const percent = (value: number): string => `${Number((value * 100).toFixed(2))}%`
const usd = (value: number): string => `$${value.toFixed(4)}`
const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`
