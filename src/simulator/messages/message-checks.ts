// The refusals of a Messages request that its shape alone does not show: what the model cannot do, and turns that
// do not fit together. The words are the upstream's where they are known.

import { hasFastMode } from '../billing/prices.ts'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { hasInferenceGeo, hasPrefill, thinkingTypes } from '../models/model-capabilities.ts'
import { type CatalogModel, findModel } from '../models/model-catalog.ts'
import { blocksOf, type MessageParams, type PromptMessage, type PromptParams } from './message-params.ts'

/** The model of a request. Throws a 404 for one that does not exist or is retired. */
export function findServingModel(id: string): CatalogModel {
  const model = findModel(id)
  if (model === undefined || model.lifecycle === 'retired') throw notFound(`model: ${id}`)
  return model
}

function checkThinking(params: PromptParams, model: CatalogModel, tokensMax: number): void {
  const { thinking } = params
  if (!thinking) return
  if (!thinkingTypes(model)[thinking.type]) {
    throw invalidRequest(`thinking.type: \`${thinking.type}\` is not supported by ${model.id}`)
  }
  if (thinking.type === 'enabled' && thinking.budget_tokens >= tokensMax) {
    throw invalidRequest('`max_tokens` must be greater than `thinking.budget_tokens`')
  }
}

function checkTools({ tools, tool_choice }: PromptParams): void {
  const names = (tools ?? []).flatMap(({ name }) => name ?? [])
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw invalidRequest(`tools: Tool names must be unique: \`${twice}\``)
  if (!tool_choice || tool_choice.type === 'auto' || tool_choice.type === 'none') return
  if (names.length === 0) throw invalidRequest('tool_choice may only be specified while providing tools')
  if (tool_choice.type === 'tool' && !names.includes(tool_choice.name)) {
    throw invalidRequest(`tool_choice: Tool \`${tool_choice.name}\` not found in provided tools`)
  }
}

const idsOf = (message: PromptMessage | undefined, type: string, field: string): readonly unknown[] =>
  blocksOf(message?.content).flatMap((block) => (block.type === type ? [block[field]] : []))

/** Every `tool_use` must be answered in the next turn, and every `tool_result` must answer one. */
function checkToolResults({ messages }: PromptParams): void {
  const turns = messages.filter(({ role }) => role !== 'system')
  for (const [at, turn] of turns.entries()) {
    const asked = idsOf(turns[at - 1], 'tool_use', 'id')
    const answered = idsOf(turn, 'tool_result', 'tool_use_id')
    const stray = answered.find((id) => !asked.includes(id))
    if (stray !== undefined) {
      throw invalidRequest(
        `messages.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(stray)}`,
      )
    }
    const open = asked.find((id) => !answered.includes(id))
    if (open !== undefined) {
      throw invalidRequest(
        `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${String(open)}`,
      )
    }
  }
  const dangling = idsOf(turns.at(-1), 'tool_use', 'id')[0]
  if (dangling !== undefined) {
    throw invalidRequest(`messages: \`tool_use\` without a \`tool_result\` after it: ${String(dangling)}`)
  }
}

/** Checks a prompt against its model. `tokensMax` bounds a thinking budget. Throws a 400. */
export function checkPrompt(
  params: PromptParams,
  model: CatalogModel,
  tokensMax = Number.POSITIVE_INFINITY,
): void {
  const turns = params.messages.filter(({ role }) => role !== 'system')
  const [first] = turns
  if (first === undefined) throw invalidRequest('messages: at least one message is required')
  if (first.role !== 'user') throw invalidRequest('messages: first message must use the "user" role')
  const last = turns.at(-1)
  const ending = last?.role === 'assistant' ? blocksOf(last.content) : []
  // An answer that paused within a server tool is sent back as it is, to go on.
  const isPrefill = ending.at(-1)?.type === 'text' && !ending.some(({ type }) => type === 'server_tool_use')
  if (isPrefill && !hasPrefill(model)) {
    throw invalidRequest(
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    )
  }
  checkThinking(params, model, tokensMax)
  checkTools(params)
  checkToolResults(params)
}

/** Checks a whole request against its model. Throws a 400. */
export function checkMessage(params: MessageParams, model: CatalogModel): void {
  if (params.max_tokens > model.outputTokensMax) {
    throw invalidRequest(
      `max_tokens: ${params.max_tokens} > ${model.outputTokensMax}, which is the maximum allowed number of output tokens for ${model.id}`,
    )
  }
  if (params.inference_geo && !hasInferenceGeo(model)) {
    throw invalidRequest(`inference_geo: not supported by ${model.id}`)
  }
  // Opus 4.6 takes the field and runs at standard speed.
  if (params.speed === 'fast' && !hasFastMode(model.id) && model.id !== 'claude-opus-4-6') {
    throw invalidRequest(`speed: \`fast\` is not supported by ${model.id}`)
  }
  checkPrompt(params, model, params.max_tokens)
}
