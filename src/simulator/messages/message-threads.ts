// Conversations that the server holds between turns: a `thread` of a request (SDK 1.12.0 `BetaMessageThreadParam`).
// A thread is known by the id of its latest answer, and can go on from there once.

import { ApiError, invalidRequest, notFound } from '../http/api-error.ts'
import { betasOf } from '../http/known-betas.ts'
import type { ApiRequest } from '../http/router.ts'
import type { JsonObject } from '../json.ts'
import { type MessageParams, messageParams } from './message-params.ts'

const threadsBeta = 'message-threads-2026-08-12'

type Held = Pick<MessageParams, 'messages' | 'system' | 'tools'> & { isContinued: boolean }

/** The request as if the client had sent the whole conversation, and how to keep its answer. */
type ThreadTurn = {
  readonly params: MessageParams
  readonly keep: (messageId: string, content: readonly JsonObject[]) => void
}

/** An empty set of threads. */
export function createMessageThreads() {
  const heldById = new Map<string, Held>()

  const findHeld = (params: MessageParams, previousId: string): Held => {
    for (const field of ['system', 'tools'] as const) {
      if (params[field]) throw invalidRequest(`${field}: cannot be sent when a thread continues`)
    }
    const held = heldById.get(previousId)
    if (held === undefined) throw notFound(`thread of \`${previousId}\` not found`, 'thread_not_found')
    if (held.isContinued) {
      const details = { error_code: 'thread_already_continued' }
      throw new ApiError(400, 'invalid_request_error', `\`${previousId}\` was already continued`, details)
    }
    return held
  }

  return {
    /** Completes a request from its thread. Throws a 404 for an unknown thread, a 400 for one that went on already. */
    open: (params: MessageParams, headers: ApiRequest['headers']): ThreadTurn => {
      const { thread } = params
      if (!thread) return { params, keep: () => {} }
      if (!betasOf(headers).includes(threadsBeta)) throw invalidRequest(`thread: needs beta ${threadsBeta}`)
      const held = thread.type === 'continue' ? findHeld(params, thread.previous_message_id) : undefined
      const whole: MessageParams =
        held === undefined
          ? params
          : {
              ...params,
              system: held.system,
              tools: held.tools,
              messages: [...held.messages, ...params.messages],
            }
      return {
        params: whole,
        keep: (messageId, content) => {
          if (held !== undefined) held.isContinued = true
          const answer = messageParams.shape.messages.element.parse({ role: 'assistant', content })
          const messages = content.length === 0 ? whole.messages : [...whole.messages, answer]
          heldById.set(messageId, { messages, system: whole.system, tools: whole.tools, isContinued: false })
        },
      }
    },
  }
}
