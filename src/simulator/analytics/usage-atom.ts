// Usage before it is reported: one atom for each model request and each stretch of session running time within one
// time bucket, with everything it can be grouped by and its exact price. Atoms add up to the bill, however they
// are grouped.

import { type PricedTokens, priceRuntime } from '../billing/prices.ts'
import { type RequestRow, type RuntimeRow, usageRows } from '../billing/usage-rows.ts'
import { identityHeaders } from '../http/server.ts'
import type { JsonObject } from '../json.ts'
import type { MessageEntry } from '../messages/message-ledger.ts'
import type { World } from '../world.ts'

/** The values an atom can be grouped and filtered by (SDK 1.12.0 `BetaAnalyticsUsageGroup`). */
export type Dimensions = {
  readonly actor: JsonObject | null
  readonly actor_type: string | null
  readonly agent_id: string | null
  readonly api_key_id: string | null
  readonly claude_tag_category: null
  readonly claude_tag_user_id: null
  readonly context_window: string | null
  readonly deployment_id: string | null
  readonly environment_id: string | null
  readonly inference_geo: string | null
  readonly model: string | null
  readonly organization_id: null
  readonly product: string
  readonly rbac_group_id: null
  readonly service_tier: string | null
  readonly session_id: string | null
  readonly slack_channel_id: null
  readonly speed: string | null
  readonly user_profile_id: string | null
  readonly workspace_id: string
}

/** One component of an atom's price. */
export type CostPart = {
  readonly costType: 'tokens' | 'web_search' | 'session_usage'
  readonly tokenType: string | null
  readonly picoUsd: bigint
}

/** A piece of usage that no report cuts further. */
export type UsageAtom = {
  readonly atMs: number
  readonly dimensions: Dimensions
  readonly requests: number
  readonly tokens: PricedTokens
  readonly webSearches: number
  readonly costs: readonly CostPart[]
}

/** The name the analytics API has for each kind of token. */
const tokenTypes = {
  inputTokens: 'uncached_input_tokens',
  cacheWrite5mTokens: 'cache_creation.ephemeral_5m_input_tokens',
  cacheWrite1hTokens: 'cache_creation.ephemeral_1h_input_tokens',
  cacheReadTokens: 'cache_read_input_tokens',
  outputTokens: 'output_tokens',
} as const satisfies Readonly<Record<keyof PricedTokens, string>>

const tokenKinds = [
  'inputTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'cacheReadTokens',
  'outputTokens',
] as const satisfies readonly (keyof PricedTokens)[]

const noTokens: PricedTokens = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
}

const nowhere: Dimensions = {
  actor: null,
  actor_type: null,
  agent_id: null,
  api_key_id: null,
  claude_tag_category: null,
  claude_tag_user_id: null,
  context_window: null,
  deployment_id: null,
  environment_id: null,
  inference_geo: null,
  model: null,
  organization_id: null,
  product: 'messages_api',
  rbac_group_id: null,
  service_tier: null,
  session_id: null,
  slack_channel_id: null,
  speed: null,
  user_profile_id: null,
  workspace_id: identityHeaders['anthropic-workspace-id'],
}

function contextWindow(tokens: PricedTokens): string {
  const written = tokens.cacheWrite5mTokens + tokens.cacheWrite1hTokens
  return tokens.inputTokens + tokens.cacheReadTokens + written > 200_000 ? '200k-1M' : '0-200k'
}

const knownGeo = (geo: string | null): string | null => (geo === 'us' || geo === 'global' ? geo : null)

function requestCosts(prices: RequestRow['tokenPicoUsd'], searchPicoUsd: bigint): readonly CostPart[] {
  const tokens = tokenKinds.map(
    (kind): CostPart => ({
      costType: 'tokens',
      tokenType: tokenTypes[kind],
      picoUsd: prices?.[kind] ?? 0n,
    }),
  )
  const searches: CostPart = { costType: 'web_search', tokenType: null, picoUsd: searchPicoUsd }
  return [...tokens, searches].filter(({ picoUsd }) => picoUsd > 0n)
}

const sessionDimensions = (row: RequestRow | RuntimeRow): Dimensions => ({
  ...nowhere,
  product: 'managed_agents_api',
  session_id: row.sessionId,
  agent_id: row.agentId,
  environment_id: row.environmentId,
  deployment_id: row.deploymentId,
})

const fromSession = (row: RequestRow): UsageAtom => ({
  atMs: row.atMs,
  dimensions: {
    ...sessionDimensions(row),
    model: row.model,
    speed: row.speed,
    inference_geo: knownGeo(row.inferenceGeo),
    context_window: contextWindow(row),
    service_tier: 'standard',
  },
  requests: 1,
  tokens: row,
  webSearches: row.webSearches,
  costs: requestCosts(row.tokenPicoUsd, row.searchPicoUsd),
})

function fromMessage(entry: MessageEntry): UsageAtom {
  const { serving, product, apiKeyId } = entry
  return {
    atMs: serving.atMs,
    dimensions: {
      ...nowhere,
      product,
      model: serving.model,
      speed: serving.speed,
      inference_geo: knownGeo(serving.inferenceGeo),
      context_window: contextWindow(entry.tokens),
      service_tier: product === 'message_batches_api' ? 'batch' : 'standard',
      api_key_id: apiKeyId,
      user_profile_id: entry.userProfileId,
      actor: apiKeyId === null ? null : { type: 'api_actor', api_key_id: apiKeyId },
      actor_type: apiKeyId === null ? null : 'api_actor',
    },
    requests: 1,
    tokens: entry.tokens,
    webSearches: entry.webSearches,
    costs: requestCosts(entry.prices, entry.searchPicoUsd),
  }
}

/**
 * The running time of one session, cut at `edgesMs`. Each stretch is priced as the step of the session's cumulative
 * price, so that the stretches of a session add up to its bill without rounding apart.
 */
function runtimeAtoms(rows: readonly RuntimeRow[], edgesMs: readonly number[]): readonly UsageAtom[] {
  const [first] = rows
  if (first === undefined) return []
  const dimensions = sessionDimensions(first)
  const ranMsUntil = (atMs: number): number =>
    rows.reduce((sum, { fromMs, toMs }) => sum + Math.max(0, Math.min(toMs, atMs) - fromMs), 0)
  return edgesMs.slice(0, -1).flatMap((atMs, at) => {
    const before = ranMsUntil(atMs)
    const after = ranMsUntil(edgesMs[at + 1] ?? atMs)
    if (after === before) return []
    const picoUsd = priceRuntime(after) - priceRuntime(before)
    const costs: readonly CostPart[] = [{ costType: 'session_usage', tokenType: null, picoUsd }]
    return [{ atMs, dimensions, requests: 0, tokens: noTokens, webSearches: 0, costs }]
  })
}

/** All usage from the first of `edgesMs` until (and without) the last; no stretch of running time crosses an edge. */
export function gatherAtoms(world: World, edgesMs: readonly number[]): readonly UsageAtom[] {
  const fromMs = edgesMs.at(0) ?? 0
  const toMs = edgesMs.at(-1) ?? 0
  const rows = usageRows(world)
  const requests = rows.flatMap((row) => (row.kind === 'model_request' ? [fromSession(row)] : []))
  const running = new Map<string, RuntimeRow[]>()
  for (const row of rows) {
    if (row.kind === 'runtime') running.set(row.sessionId, [...(running.get(row.sessionId) ?? []), row])
  }
  const messages = world.messageLedger.entries().map(fromMessage)
  return [
    ...[...requests, ...messages].filter(({ atMs }) => atMs >= fromMs && atMs < toMs),
    ...[...running.values()].flatMap((each) => runtimeAtoms(each, edgesMs)),
  ]
}
