// The routes of /v1/messages: an answer as JSON or as a stream, and the count of a prompt's tokens.
// What is answered is what the request says it should be: see message-script.ts and answer-blocks.ts.

import { type ApiReply, type ApiRequest, json, type Route } from '../http/router.ts'
import { parseBody } from '../json.ts'
import type { World } from '../world.ts'
import { batchRoutes } from './batches.ts'
import { checkPrompt, findServingModel } from './message-checks.ts'
import { createMessageEngine, type MessageEngine } from './message-engine.ts'
import { readOrigin } from './message-origin.ts'
import { messageParams, promptParams } from './message-params.ts'
import { scriptedError, streamMessage } from './message-stream.ts'
import { createMessageThreads } from './message-threads.ts'
import { countPrompt } from './token-count.ts'

type Deps = {
  readonly world: World
  readonly engine: MessageEngine
  readonly threads: ReturnType<typeof createMessageThreads>
}

async function createMessage({ world, engine, threads }: Deps, request: ApiRequest): Promise<ApiReply> {
  const given = parseBody(messageParams, request.body)
  const { params, keep } = threads.open(given, request.headers)
  const message = engine.answer(params, readOrigin('messages_api', request, params.user_profile_id))
  const keepAnswer = () =>
    keep(
      message.view.id,
      message.blocks.map(({ view }) => view),
    )
  const error = message.script?.error
  if (error !== undefined && (error.after_events === undefined || !params.stream)) throw scriptedError(error)
  if (params.stream) {
    return {
      kind: 'stream',
      attach: (response) => streamMessage(message, world.clock, response, keepAnswer),
    }
  }
  const delayMs = message.script?.delay_ms ?? 0
  if (delayMs > 0) await new Promise<void>((resolve) => void world.clock.after(delayMs, resolve))
  message.book()
  keepAnswer()
  return json(message.view)
}

function countTokens(request: ApiRequest) {
  const params = parseBody(promptParams, request.body)
  checkPrompt(params, findServingModel(params.model))
  return { input_tokens: countPrompt(params), context_management: null }
}

/** The routes of messages and of their batches. They need a key and no beta header. */
export function messageRoutes(world: World): readonly Route[] {
  const access = 'key-only'
  const engine = createMessageEngine(world)
  const deps = { world, engine, threads: createMessageThreads() }
  return [
    { method: 'POST', pattern: '/v1/messages', access, run: (request) => createMessage(deps, request) },
    {
      method: 'POST',
      pattern: '/v1/messages/count_tokens',
      access,
      run: (request) => json(countTokens(request)),
    },
    ...batchRoutes(world, engine),
  ]
}
