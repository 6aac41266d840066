// What the root makes for the pin room: its facts of the upstream, the watch over canaries with its minute, and what the
// admin listener shows of both.
import type { Clock } from './kernel/clock.ts'
import type { Logger } from './kernel/logger.ts'
import type { Ledger } from './ledger/port.ts'
import { readRunningVersions, readVersionMaker } from './ledger/queries/agent-versions-now.ts'
import { createCanaryWatch } from './pin/canary-watch.ts'
import { createPinFacts, type FactsDeps } from './pin/facts.ts'
import type { Pins } from './pin/pins.ts'
import type { PinFacts } from './pin/rule.ts'
import type { PinsRoutesDeps } from './show/pins-routes.ts'
import type { Metrics } from './trace/metrics.ts'

export type PinningDeps = FactsDeps & {
  readonly pins: () => Pins
  readonly ledger: Ledger
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'canariesHeld'>
}

export type Pinning = {
  readonly factsOf: (team: string) => PinFacts
  /** As `CanaryWatch.isHeld`. */
  readonly isHeld: (agentId: string) => boolean
  /** What the admin listener asks. */
  readonly shown: PinsRoutesDeps['pinning']
  /** Looks at all canaries now instead of at the next minute; never rejects. */
  readonly look: () => Promise<void>
  /** Resolves when nothing of it asks the ledger any more. */
  readonly close: () => Promise<void>
}

/** How often canaries are compared, and what other gateways held is read. */
const lookIntervalMs = 60_000

/** Makes the facts and starts the watch. */
export function openPinning(deps: PinningDeps): Pinning {
  const { pins, ledger, clock, logger, metrics } = deps
  const factsOf = createPinFacts(deps)
  const canaries = createCanaryWatch({
    pins,
    ledger,
    clock,
    onHeld: (agent_id, { canary, reasons }) => {
      metrics.canariesHeld({ isNew: true, now: canaries.countHeld() })
      logger.error(
        { agent_id, canary, reasons },
        'canary held: everybody gets stable until a person releases it',
      )
    },
    onProblem: (err) => logger.warn({ err }, 'canaries not compared with stable now; holds stay in force'),
  })
  const look = (): Promise<void> =>
    canaries.look().then(() => metrics.canariesHeld({ isNew: false, now: canaries.countHeld() }))
  let latest = look()
  const timer = setInterval(() => {
    latest = look()
  }, lookIntervalMs)
  timer.unref()
  return {
    factsOf,
    isHeld: canaries.isHeld,
    shown: {
      pins,
      factsOf,
      canaries,
      loadVersionMaker: (agentId, version) => readVersionMaker(ledger, agentId, version),
      loadRunningVersions: (fromMs) => readRunningVersions(ledger, fromMs),
    },
    look,
    close: async () => {
      clearInterval(timer)
      await latest
    },
  }
}
