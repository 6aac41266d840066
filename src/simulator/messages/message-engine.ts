// Answers one Messages request: checks it, takes its prompt through the cache, composes the answer, and says what
// of it is to be booked. The same for plain answers, streams and batches.

import { hasFastMode, type PricedTokens } from '../billing/prices.ts'
import { invalidRequest } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import type { JsonObject } from '../json.ts'
import { hasInferenceGeo } from '../models/model-capabilities.ts'
import type { CatalogModel } from '../models/model-catalog.ts'
import type { World } from '../world.ts'
import { type Answer, composeAnswer } from './answer-blocks.ts'
import { checkMessage, findServingModel } from './message-checks.ts'
import type { MessageUse } from './message-ledger.ts'
import type { MessageParams } from './message-params.ts'
import { type MessageScript, readScript } from './message-script.ts'
import { createPromptCache, type PromptUsage } from './prompt-cache.ts'
import { promptPieces } from './token-count.ts'

/** Who asked, and by which product. */
export type MessageOrigin = Pick<MessageUse, 'product' | 'apiKeyId' | 'userProfileId'>

/** A finished answer: the message as the API shows it. `book` puts it on the ledger, once, at the time it is called. */
export type FinishedMessage = {
  readonly view: JsonObject & { readonly id: string; readonly usage: UsageView }
  readonly blocks: Answer['blocks']
  readonly script: MessageScript | null
  /** With fewer output tokens when the client left before the end. */
  readonly book: (outputTokens?: number) => void
}

type UsageView = ReturnType<typeof usageView>

/** The usage object (SDK 1.12.0 `BetaUsage`): all four kinds of input are disjoint. */
function usageView(
  tokens: PricedTokens,
  thinkingTokens: number,
  answer: Answer,
  served: { readonly tier: string; readonly speed: string; readonly geo: string | null },
) {
  return {
    input_tokens: tokens.inputTokens,
    cache_creation_input_tokens: tokens.cacheWrite5mTokens + tokens.cacheWrite1hTokens,
    cache_read_input_tokens: tokens.cacheReadTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: tokens.cacheWrite5mTokens,
      ephemeral_1h_input_tokens: tokens.cacheWrite1hTokens,
    },
    output_tokens: tokens.outputTokens,
    output_tokens_details: { thinking_tokens: thinkingTokens },
    server_tool_use:
      answer.webSearches === 0 ? null : { web_search_requests: answer.webSearches, web_fetch_requests: 0 },
    service_tier: served.tier,
    speed: served.speed,
    inference_geo: served.geo ?? 'not_available',
    iterations: null,
    fallback_credit: null,
  }
}

function countAnswer(prompt: PromptUsage, { blocks }: Answer, script: MessageScript | null) {
  const { usage = {} } = script ?? {}
  const sum = (only: (block: Answer['blocks'][number]) => boolean): number =>
    blocks.filter(only).reduce((total, { tokens }) => total + tokens, 0)
  const tokens: PricedTokens = {
    inputTokens: usage.input_tokens ?? prompt.inputTokens,
    cacheReadTokens: usage.cache_read_input_tokens ?? prompt.cacheReadTokens,
    cacheWrite5mTokens: usage.ephemeral_5m_input_tokens ?? prompt.cacheWrite5mTokens,
    cacheWrite1hTokens: usage.ephemeral_1h_input_tokens ?? prompt.cacheWrite1hTokens,
    outputTokens: usage.output_tokens ?? sum(() => true),
  }
  const thinkingTokens = usage.thinking_tokens ?? sum(({ isThinking }) => isThinking)
  return { tokens, thinkingTokens: Math.min(thinkingTokens, tokens.outputTokens) }
}

const refusal = {
  type: 'refusal',
  category: 'general_harms',
  explanation: 'The stand-in was told to refuse.',
  fallback_credit_token: null,
  fallback_has_prefill_claim: null,
  recommended_model: null,
} as const

function checkLength(model: CatalogModel, pieces: ReturnType<typeof promptPieces>): void {
  const total = pieces.reduce((sum, { tokens }) => sum + tokens, 0)
  if (total > model.inputTokensMax) {
    throw invalidRequest(`prompt is too long: ${total} tokens > ${model.inputTokensMax} maximum`)
  }
}

/** The engine of one simulator, with its prompt cache. */
export function createMessageEngine(world: World) {
  const cache = createPromptCache()

  return {
    /** Answers a request. Throws the upstream's error for one that cannot be; nothing is booked then. */
    answer: (params: MessageParams, origin: MessageOrigin): FinishedMessage => {
      const model = findServingModel(params.model)
      checkMessage(params, model)
      const script = readScript(params)
      const pieces = promptPieces(params)
      checkLength(model, pieces)
      const prompt = cache.use(model.id, pieces, world.clock.nowMs())
      const answer = composeAnswer(params, script)
      const { tokens, thinkingTokens } = countAnswer(prompt, answer, script)
      const isBatch = origin.product === 'message_batches_api'
      const speed = params.speed === 'fast' && hasFastMode(model.id) ? 'fast' : 'standard'
      const inferenceGeo = hasInferenceGeo(model) ? (params.inference_geo ?? 'global') : null
      const tier = isBatch ? 'batch' : 'standard'
      const id = newId('msg')
      return {
        view: {
          id,
          type: 'message',
          role: 'assistant',
          model: model.id,
          content: answer.blocks.map(({ view }) => view),
          container: null,
          context_management: null,
          diagnostics: null,
          stop_reason: answer.stopReason,
          stop_sequence: answer.stopSequence,
          stop_details: answer.stopReason === 'refusal' ? refusal : null,
          usage: usageView(tokens, thinkingTokens, answer, { tier, speed, geo: inferenceGeo }),
        },
        blocks: answer.blocks,
        script,
        book: (outputTokens = tokens.outputTokens) =>
          world.messageLedger.book({
            ...origin,
            messageId: id,
            serving: { model: model.id, speed, inferenceGeo, atMs: world.clock.nowMs() },
            tokens: { ...tokens, outputTokens },
            webSearches: answer.webSearches,
          }),
      }
    },
  }
}

/** See `createMessageEngine`. */
export type MessageEngine = ReturnType<typeof createMessageEngine>
