// What the root makes of verification: the comparison after the fact, its way to the journal, the log and the metrics, and
// its place beside the tap.
import { setTimeout as wait } from 'node:timers/promises'
import { createStopSession, type StopSessionDeps } from './forward/stop-session.ts'
import type { Clock } from './kernel/clock.ts'
import type { Logger } from './kernel/logger.ts'
import type { Pins } from './pin/pins.ts'
import type { PinFacts } from './pin/rule.ts'
import { createVerification, type VerificationRecord } from './pin/verification.ts'
import { createTap, type Tap, type TapDeps, type Tapped } from './tap/tap.ts'
import type { Metrics } from './trace/metrics.ts'

export type VerificationParts = StopSessionDeps & {
  readonly pins: () => Pins
  readonly factsOf: (team: string) => Pick<PinFacts, 'agentVersion' | 'session'>
  /** Brings a record to the journal; must not throw. */
  readonly keep: (record: VerificationRecord) => void
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'sessionVerified'>
  readonly clock: Clock
}

export type OpenVerification = {
  /** The tap of an exchange, with the comparison of its answer beside it. */
  readonly tapWith: (deps: TapDeps, tapped: Tapped) => Tap | null
  /** Resolves when nothing begun so far asks the upstream any more, or after five seconds. */
  readonly settled: () => Promise<void>
}

/** A shutdown waits no longer for an upstream that does not answer. */
const settleTimeoutMs = 5_000

/** Makes it. */
export function openVerification(parts: VerificationParts): OpenVerification {
  const { keep, logger, metrics } = parts
  const verification = createVerification({
    pins: parts.pins,
    factsOf: parts.factsOf,
    stopSession: createStopSession(parts),
    nowMs: parts.clock.nowMs,
    onVerified: (record) => {
      keep(record)
      metrics.sessionVerified(record.outcome, record.action)
      alarm(logger, record)
    },
  })
  return {
    tapWith: (deps, tapped) => {
      const { permit, exchangeId, pin } = tapped
      const watch = verification.watch({
        operationId: permit.operation.id,
        exchangeId,
        team: permit.caller.team,
        caller: permit.caller.id,
        pin: pin ?? null,
        body: permit.body,
      })
      if (watch === null) return createTap(deps, tapped)
      const onFailure = (reason: string): void => {
        deps.onFailure(reason)
        watch.onUnread(reason)
      }
      return createTap({ ...deps, onBody: watch.onBody, onFailure }, tapped)
    },
    settled: async () => {
      const enough = new AbortController()
      const patience = wait(settleTimeoutMs, undefined, { signal: enough.signal }).catch(() => {})
      await Promise.race([verification.settled(), patience])
      enough.abort()
    },
  }
}

/** One line for everything but what is as it should be. */
function alarm(logger: Logger, record: VerificationRecord): void {
  const { exchange_id: request_id, outcome, action, kind: _, checked_at_ms: __, ...about } = record
  const fields = { request_id, outcome, action, ...about }
  if (action === 'stop_failed')
    logger.error(fields, 'a session runs what was not pinned and could not be stopped: stop it by hand')
  else if (outcome === 'different') logger.error(fields, 'a session runs something else than was pinned')
  else if (outcome === 'unverified')
    logger.warn(fields, 'what a session runs could not be held against what was pinned')
  else if (outcome === 'unknown') logger.warn(fields, 'a session says more of its agent than is known here')
}
