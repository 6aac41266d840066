// What a Messages request may say, as far as the stand-in reads it (SDK 1.12.0 resources/beta/messages
// `MessageCreateParams`). Fields it does not read pass: the family grows every week.

import { z } from 'zod'
import { jsonObject } from '../json.ts'

const cacheControl = z.looseObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() })

const block = z
  .looseObject({
    type: z.string().min(1),
    text: z.string().optional(),
    cache_control: cacheControl.nullish(),
  })
  .refine(({ type, text }) => type !== 'text' || (text ?? '') !== '', 'text content blocks must be non-empty')

const message = z.looseObject({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string().min(1, 'text content must be non-empty'), z.array(block)]),
})

const tool = z.looseObject({
  type: z.string().nullish(),
  name: z.string().min(1).max(128).optional(),
  input_schema: jsonObject.optional(),
  cache_control: cacheControl.nullish(),
})

const toolChoice = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('auto') }),
  z.looseObject({ type: z.literal('any') }),
  z.looseObject({ type: z.literal('none') }),
  z.looseObject({ type: z.literal('tool'), name: z.string() }),
])

const display = z.enum(['summarized', 'omitted']).nullish()
const thinking = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('enabled'), budget_tokens: z.int().min(1024), display }),
  z.looseObject({ type: z.literal('adaptive'), display }),
  z.looseObject({ type: z.literal('between_tools') }),
  z.looseObject({ type: z.literal('disabled') }),
])

/** The prompt of a request: all that `count_tokens` counts. */
export const promptParams = z.looseObject({
  model: z.string().min(1),
  messages: z.array(message).max(100_000),
  system: z.union([z.string(), z.array(block)]).nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: thinking.nullish(),
  cache_control: cacheControl.nullish(),
  speed: z.enum(['standard', 'fast']).nullish(),
})

/** A whole request for a message. */
export const messageParams = promptParams.extend({
  max_tokens: z.int().min(0),
  stream: z.boolean().nullish(),
  stop_sequences: z.array(z.string().min(1)).max(8191).nullish(),
  metadata: z.looseObject({ user_id: z.string().max(512).nullish() }).nullish(),
  service_tier: z.enum(['auto', 'standard_only']).nullish(),
  inference_geo: z.enum(['us', 'global']).nullish(),
  user_profile_id: z.string().nullish(),
  thread: z
    .discriminatedUnion('type', [
      z.looseObject({ type: z.literal('create') }),
      z.looseObject({ type: z.literal('continue'), previous_message_id: z.string() }),
    ])
    .nullish(),
})

/** A parsed prompt. */
export type PromptParams = z.infer<typeof promptParams>
/** A parsed request. */
export type MessageParams = z.infer<typeof messageParams>
/** One turn of a prompt. */
export type PromptMessage = PromptParams['messages'][number]
/** One block of a turn or of the system prompt. */
export type PromptBlock = z.infer<typeof block>

/** The blocks of a content, a plain string being one text block. */
export const blocksOf = (
  content: PromptMessage['content'] | PromptParams['system'],
): readonly PromptBlock[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? [])

/** The text that the user said last; empty when the last turn has none. */
export function latestUserText({ messages }: PromptParams): string {
  const latest = messages.findLast(({ role }) => role === 'user')
  return blocksOf(latest?.content)
    .flatMap(({ text }) => text ?? [])
    .join('\n')
}
