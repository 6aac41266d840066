// The bill before it is added up: one row for each model request and each span of running time, with its moment and
// its exact price, so that any bucket of time and any grouping adds up to the bill.

import type { SessionRecord, World } from '../world.ts'
import type { MeteredRequest } from './meter.ts'
import { priceSearches, priceTokensByKind, type TokenPrices } from './prices.ts'

/** Whose usage it is. */
type UsageOwner = {
  readonly sessionId: string
  readonly agentId: string
  readonly agentVersion: number
  readonly environmentId: string
  readonly deploymentId: string | null
}

/** One model request, at the moment it ended. */
export type RequestRow = UsageOwner &
  MeteredRequest & {
    readonly kind: 'model_request'
    /** Exact pico-dollars by kind of token; null when the model has no list price. */
    readonly tokenPicoUsd: TokenPrices | null
    readonly searchPicoUsd: bigint
  }

/** A span in which at least one thread ran. Price the sum of spans, not each: rounding is once. */
export type RuntimeRow = UsageOwner & {
  readonly kind: 'runtime'
  readonly fromMs: number
  readonly toMs: number
}

export type UsageRow = RequestRow | RuntimeRow

function rowsOf({ live }: SessionRecord, nowMs: number): readonly UsageRow[] {
  const owner: UsageOwner = {
    sessionId: live.id,
    agentId: live.agent.id,
    agentVersion: live.agent.version,
    environmentId: live.environmentId,
    deploymentId: live.deploymentId,
  }
  const requests = live.meter.requests().map(
    (request): RequestRow => ({
      ...owner,
      ...request,
      kind: 'model_request',
      tokenPicoUsd: priceTokensByKind(request, request),
      searchPicoUsd: priceSearches(request.webSearches),
    }),
  )
  const spans = live.meter.runningIntervals(nowMs)
  return [...requests, ...spans.map((span): RuntimeRow => ({ ...owner, ...span, kind: 'runtime' }))]
}

/**
 * The usage of every session until now, deleted ones too, session by session. Their sum is `makeBill`: add up
 * `tokenPicoUsd` and `searchPicoUsd`, and price the milliseconds of all runtime rows together with `priceRuntime`.
 */
export function usageRows(world: World): readonly UsageRow[] {
  const nowMs = world.clock.nowMs()
  return [...world.sessions.values()].flatMap((record) => rowsOf(record, nowMs))
}
