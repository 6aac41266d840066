// How the stand-in counts tokens: one for every four UTF-16 units begun, block by block, and a fixed number for
// what is not text. Far from a tokenizer, and easy to work out in a test.

import type { PromptBlock, PromptParams } from './message-params.ts'
import { blocksOf } from './message-params.ts'

const unitsPerToken = 4
const imageTokens = 1600
const documentTokens = 3000

/** The tokens of a text. */
export const countText = (text: string): number => Math.ceil(text.length / unitsPerToken)

/** The longest beginning of a text that takes at most `tokens`, never ending in half a character. */
export function cutText(text: string, tokens: number): string {
  const cut = text.slice(0, Math.max(0, tokens) * unitsPerToken)
  return cut.isWellFormed() || !text.isWellFormed() ? cut : cut.slice(0, -1)
}

/** One block of a prompt in the order that the prompt cache sees: tools, system, messages. */
export type PromptPiece = {
  readonly tokens: number
  /** What tells it from another block: its JSON without `cache_control`. */
  readonly identity: string
  /** Set when the block ends a stretch to be cached. */
  readonly cacheTtl: '5m' | '1h' | null
}

function tokensOf(block: PromptBlock): number {
  if (block.type === 'image') return imageTokens
  if (block.type === 'document') return documentTokens
  if (block.type === 'text') return countText(block.text ?? '')
  const { cache_control: _, ...rest } = block
  return countText(JSON.stringify(rest))
}

const ttlOf = (control: PromptBlock['cache_control']): '5m' | '1h' | null =>
  control ? (control.ttl ?? '5m') : null

/** The prompt, piece by piece. A `cache_control` of the request itself marks the last piece. */
export function promptPieces(params: PromptParams): readonly PromptPiece[] {
  const tools = (params.tools ?? []).map((tool): PromptPiece => {
    const { cache_control, ...rest } = tool
    const identity = JSON.stringify(rest)
    return { tokens: countText(identity), identity, cacheTtl: ttlOf(cache_control) }
  })
  const toPiece = (role: string, block: PromptBlock): PromptPiece => {
    const { cache_control, ...rest } = block
    return {
      tokens: tokensOf(block),
      identity: `${role} ${JSON.stringify(rest)}`,
      cacheTtl: ttlOf(cache_control),
    }
  }
  const pieces = [
    ...tools,
    ...blocksOf(params.system).map((block) => toPiece('top', block)),
    ...params.messages.flatMap(({ role, content }) => blocksOf(content).map((block) => toPiece(role, block))),
  ]
  const last = pieces.at(-1)
  if (last === undefined || !params.cache_control) return pieces
  return [...pieces.slice(0, -1), { ...last, cacheTtl: ttlOf(params.cache_control) }]
}

/** All the input tokens of a prompt, cached or not. */
export const countPrompt = (params: PromptParams): number =>
  promptPieces(params).reduce((sum, { tokens }) => sum + tokens, 0)
