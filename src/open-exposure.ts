// What the root makes of the drift and exposure report: questions by account instead of by team, and the pin room's own
// comparison and hashes.
import { type ExposureReport, loadExposureReport } from './audit/exposure/report.ts'
import { createReadUpstream } from './forward/read-upstream.ts'
import type { RoutedUpstream } from './forward/route.ts'
import type { Clock } from './kernel/clock.ts'
import type { Ledger } from './ledger/port.ts'
import type { Writer } from './ledger/writer.ts'
import { hashEnvironment, resolveAgent } from './pin/config-hash.ts'
import { createPinFacts } from './pin/facts.ts'
import { type Pins, requirementNames } from './pin/pins.ts'
import { compareSnapshot } from './pin/verify.ts'

export type ExposureParts = {
  readonly upstreams: readonly RoutedUpstream[]
  readonly ledger: Ledger
  readonly writer: Pick<Writer, 'flush'>
  readonly pins: () => Pins
  readonly clock: Clock
}

/** A person waits for it. */
const flushTimeoutMs = 15_000

/** Makes the loader of the report. */
export function openExposure(
  parts: ExposureParts,
): (period: { readonly fromMs: number; readonly toMs: number }) => Promise<ExposureReport> {
  const { upstreams, ledger, writer, pins, clock } = parts
  const upstreamOf = (name: string): RoutedUpstream => {
    const found = upstreams.find((each) => each.name === name)
    if (found === undefined) throw new Error(`there is no upstream \`${name}\``)
    return found
  }
  const readAccount = createReadUpstream({
    route: (name) => {
      const { pools, credential } = upstreamOf(name)
      return { pools, authorization: `Bearer ${credential.reveal()}` }
    },
  })
  const factsOf = createPinFacts({
    readUpstream: readAccount,
    accountOf: upstreamOf,
    ownerTeam: async () => null,
  })
  return (period) =>
    loadExposureReport(
      {
        ...{ ledger, pins, readAccount, factsOf, hashEnvironment },
        flush: () => writer.flush(flushTimeoutMs),
        accounts: upstreams.map(({ name }) => name),
        comparePaths: async (agentVersion, { agent_id, agent_version, snapshot }) => {
          const found = await resolveAgent(agentVersion, agent_id, agent_version)
          return found === null ? null : compareSnapshot(found, null, snapshot).differences
        },
        requirementNames: new Set(requirementNames),
        nowMs: clock.nowMs,
      },
      period,
    )
}
