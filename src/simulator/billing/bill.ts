// The simulator's own bill: what the provider would charge for every session, exactly.
// It is the judge in metering tests, so it reads nothing but the simulator's meter, clock and price list.

import type { SessionRecord, World } from '../world.ts'
import type { Tally } from './meter.ts'
import { formatUsd, priceRuntime } from './prices.ts'

/** Tokens of one kind each, and their price. `cost_usd` is null when the model has no list price. */
export type ModelBill = {
  readonly model: string
  readonly requests: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_input_tokens: number
  readonly cache_creation_5m_input_tokens: number
  readonly cache_creation_1h_input_tokens: number
  readonly web_search_requests: number
  readonly cost_usd: string | null
}

/** One session's bill. Dollars are exact decimals; running time is whole milliseconds. */
export type SessionBill = {
  readonly session_id: string
  readonly agent_id: string
  readonly agent_version: number
  readonly environment_id: string
  readonly deployment_id: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly status: string
  readonly is_deleted: boolean
  readonly models: readonly ModelBill[]
  readonly running_ms: number
  readonly runtime_cost_usd: string
  /** What graders of outcomes used, as their spans say. Beside the session's usage, and not charged here. */
  readonly grading: {
    readonly evaluations: number
    readonly input_tokens: number
    readonly output_tokens: number
  }
  /** Tokens, searches and runtime together; null when any model of it has no list price. */
  readonly cost_usd: string | null
}

/** Every session since the simulator started, deleted ones too, in order of creation. */
export type Bill = { readonly sessions: readonly SessionBill[]; readonly total_cost_usd: string | null }

const costOf = (tally: Readonly<Tally>, extraPicoUsd: bigint): string | null =>
  tally.unpriced > 0 ? null : formatUsd(tally.picoUsd + extraPicoUsd)

const modelBill = ([model, tally]: [string, Readonly<Tally>]): ModelBill => ({
  model,
  requests: tally.requests,
  input_tokens: tally.inputTokens,
  output_tokens: tally.outputTokens,
  cache_read_input_tokens: tally.cacheReadTokens,
  cache_creation_5m_input_tokens: tally.cacheWrite5mTokens,
  cache_creation_1h_input_tokens: tally.cacheWrite1hTokens,
  web_search_requests: tally.webSearches,
  cost_usd: costOf(tally, 0n),
})

function sessionBill({ live, isDeleted }: SessionRecord, nowMs: number): SessionBill {
  const runningMs = live.meter.runningMs(nowMs)
  const { evaluations, inputTokens, outputTokens } = live.meter.grading()
  return {
    session_id: live.id,
    agent_id: live.agent.id,
    agent_version: live.agent.version,
    environment_id: live.environmentId,
    deployment_id: live.deploymentId,
    metadata: live.metadata,
    status: live.status,
    is_deleted: isDeleted,
    models: [...live.meter.models()].map(modelBill),
    running_ms: runningMs,
    runtime_cost_usd: formatUsd(priceRuntime(runningMs)),
    grading: { evaluations, input_tokens: inputTokens, output_tokens: outputTokens },
    cost_usd: costOf(live.meter.total(), priceRuntime(runningMs)),
  }
}

/** The bill at this moment; sessions still running are billed up to now. */
export function makeBill(world: World): Bill {
  const nowMs = world.clock.nowMs()
  const records = [...world.sessions.values()]
  // Runtime has no finite price per millisecond: the total prices the sum, so it is rounded once.
  const runningMs = records.reduce((sum, { live }) => sum + live.meter.runningMs(nowMs), 0)
  const totalPicoUsd = records.reduce(
    (sum, { live }) => sum + live.meter.total().picoUsd,
    priceRuntime(runningMs),
  )
  const isPriced = records.every(({ live }) => live.meter.total().unpriced === 0)
  return {
    sessions: records.map((record) => sessionBill(record, nowMs)),
    total_cost_usd: isPriced ? formatUsd(totalPicoUsd) : null,
  }
}
