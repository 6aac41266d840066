// What the stand-in says: the content blocks of an answer, from a script or from the request's own text, cut to the
// room that `max_tokens` and `stop_sequences` leave.

import { newId } from '../ids.ts'
import type { JsonObject } from '../json.ts'
import { latestUserText, type MessageParams } from './message-params.ts'
import type { MessageScript } from './message-script.ts'
import { countText, cutText } from './token-count.ts'

/** A content block of an answer. `isThinking` blocks count as thinking tokens. */
export type AnswerBlock = { readonly view: JsonObject; readonly tokens: number; readonly isThinking: boolean }

/** The blocks said, and why they end. */
export type Answer = {
  readonly blocks: readonly AnswerBlock[]
  readonly stopReason: string
  readonly stopSequence: string | null
  readonly webSearches: number
}

const caller = { type: 'direct' }
const spokenBlock = (view: JsonObject, text: string): AnswerBlock => ({
  view,
  tokens: countText(text),
  isThinking: false,
})

const textBlock = (text: string): AnswerBlock => spokenBlock({ type: 'text', text, citations: null }, text)

function thinkingBlock(thinking: string, isShown: boolean): AnswerBlock {
  const signature = Buffer.from(`simulated ${thinking.length}`).toString('base64')
  const view = { type: 'thinking', thinking: isShown ? thinking : '', signature }
  return { view, tokens: countText(thinking), isThinking: true }
}

const toolBlock = (name: string, input: JsonObject): AnswerBlock =>
  spokenBlock({ type: 'tool_use', id: newId('toolu'), name, input, caller }, name + JSON.stringify(input))

/** A search and what it found. The result is the search engine's, so it is no output of the model. */
function searchBlocks(query: string): readonly AnswerBlock[] {
  const id = newId('srvtoolu')
  const found = {
    type: 'web_search_result',
    url: 'https://example.com/',
    title: `About ${query}`,
    encrypted_content: Buffer.from(query).toString('base64'),
    page_age: null,
  }
  const result = { type: 'web_search_tool_result', tool_use_id: id, content: [found], caller }
  return [
    spokenBlock({ type: 'server_tool_use', id, name: 'web_search', input: { query }, caller }, query),
    { view: result, tokens: 0, isThinking: false },
  ]
}

/** The shortest input that a schema's required fields allow, field by field. */
function sampleInput(schema: JsonObject | undefined): JsonObject {
  const required = Array.isArray(schema?.['required']) ? schema['required'] : []
  return Object.fromEntries(required.map((field) => [String(field), 'simulated']))
}

/** What an unscripted request makes the stand-in do: call the tool it must call, or one that the text names. */
function planOf(params: MessageParams): Pick<MessageScript, 'text' | 'tool_use' | 'web_searches'> {
  const said = latestUserText(params)
  const choice = params.tool_choice
  const isForced = choice?.type === 'any' || choice?.type === 'tool'
  const wanted = (params.tools ?? []).find(({ name }) => {
    if (name === undefined || choice?.type === 'none') return false
    if (choice?.type === 'tool') return choice.name === name
    return isForced || said.includes(name)
  })
  const isSearch = wanted?.type?.startsWith('web_search_') === true
  const calls =
    wanted?.name === undefined || isSearch
      ? []
      : [{ name: wanted.name, input: sampleInput(wanted.input_schema) }]
  return {
    tool_use: calls,
    web_searches: isSearch ? [cutText(said, 16)] : [],
    ...(calls.length === 0 ? { text: `Simulated answer to: ${cutText(said, 50)}` } : {}),
  }
}

/** Keeps what fits into `tokensMax`; text is cut, a call that does not fit is not made. */
function cutBlocks(blocks: readonly AnswerBlock[], tokensMax: number): readonly AnswerBlock[] {
  const kept: AnswerBlock[] = []
  let left = tokensMax
  for (const block of blocks) {
    if (block.tokens > left) {
      const { text } = block.view
      if (typeof text === 'string' && left > 0) kept.push(textBlock(cutText(text, left)))
      return kept
    }
    kept.push(block)
    left -= block.tokens
  }
  return kept
}

/** Ends the first text that holds a stop sequence before it, and all that follows. */
function stopAt(blocks: readonly AnswerBlock[], sequences: readonly string[]) {
  for (const [at, { view }] of blocks.entries()) {
    const text = view['type'] === 'text' ? String(view['text']) : ''
    const found = sequences
      .map((sequence) => ({ sequence, place: text.indexOf(sequence) }))
      .filter(({ place }) => place !== -1)
      .toSorted((a, b) => a.place - b.place)[0]
    if (found === undefined) continue
    const before = text.slice(0, found.place)
    return {
      blocks: [...blocks.slice(0, at), ...(before ? [textBlock(before)] : [])],
      sequence: found.sequence,
    }
  }
  return { blocks, sequence: null }
}

/** The block without what says that there are no citations. */
function withoutCitations(block: AnswerBlock): AnswerBlock {
  const { citations, ...view } = block.view
  return citations === null ? { ...block, view } : block
}

/** The answer to a request. */
export function composeAnswer(params: MessageParams, script: MessageScript | null): Answer {
  const plan = script ?? planOf(params)
  const mode = params.thinking?.type
  const isThinking = mode === 'enabled' || mode === 'adaptive'
  const isShown = params.thinking?.['display'] !== 'omitted'
  const thought = script === null ? `Thinking about: ${cutText(latestUserText(params), 50)}` : script.thinking
  const wanted = [
    ...(isThinking && thought ? [thinkingBlock(thought, isShown)] : []),
    ...plan.web_searches.flatMap(searchBlocks),
    ...(plan.text ? [textBlock(plan.text)] : []),
    ...plan.tool_use.map(({ name, input }) => toolBlock(name, input)),
  ]
  const stopped = stopAt(wanted, params.stop_sequences ?? [])
  const isExact = script?.usage.output_tokens !== undefined
  const blocks = isExact ? stopped.blocks : cutBlocks(stopped.blocks, params.max_tokens)
  const isCut =
    blocks.length < stopped.blocks.length || blocks.at(-1)?.tokens !== stopped.blocks.at(-1)?.tokens
  const last = blocks.at(-1)?.view['type']
  const natural =
    isCut || params.max_tokens === 0 ? 'max_tokens' : last === 'tool_use' ? 'tool_use' : 'end_turn'
  const reason = natural === 'end_turn' && stopped.sequence !== null ? 'stop_sequence' : natural
  return {
    blocks: script?.omit_citations === true ? blocks.map(withoutCitations) : blocks,
    stopReason: script?.stop_reason ?? reason,
    stopSequence: (script?.stop_reason ?? reason) === 'stop_sequence' ? stopped.sequence : null,
    webSearches: script?.usage.web_search_requests ?? plan.web_searches.length,
  }
}
