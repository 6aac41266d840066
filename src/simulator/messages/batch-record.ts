// One message batch: its requests are answered one after another on the simulator's clock, and it ends when every
// one has succeeded, failed, been canceled, or expired (SDK 1.12.0 resources/beta/messages/batches).

import type { SimulatorClock } from '../clock.ts'
import { ApiError, errorEnvelope, invalidRequest } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import { type JsonObject, parseBody } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { FinishedMessage } from './message-engine.ts'
import { type MessageParams, messageParams } from './message-params.ts'
import { scriptedError } from './message-stream.ts'

/** One request of a batch, as it was sent. */
export type BatchRequest = { readonly custom_id: string; readonly params: JsonObject }

type Result = { readonly type: 'succeeded' | 'errored' | 'canceled' | 'expired' } & JsonObject

/** A batch as its routes see it. */
export type BatchRecord = {
  readonly id: string
  readonly view: (resultsUrl: string) => JsonObject & { readonly id: string }
  readonly hasEnded: () => boolean
  readonly isArchived: () => boolean
  /** One line of JSON for each request; empty until the end. */
  readonly resultLines: () => readonly string[]
  /** Lets the request in work finish and none after it. */
  readonly cancel: () => void
}

const requestMs = 1000
const expiryMs = 24 * 3_600_000
const archiveMs = 29 * 24 * 3_600_000

/** A request's own parameters, checked only when its turn comes, as upstream. */
function readParams(request: BatchRequest): MessageParams {
  const params = parseBody(messageParams, request.params)
  if (params.stream) throw invalidRequest('stream: not supported in a batch')
  if (params.speed === 'fast') throw invalidRequest('speed: `fast` is not supported in a batch')
  return params
}

const erroredResult = (error: unknown): Result => {
  const known = error instanceof ApiError ? error : new ApiError(500, 'api_error', String(error))
  return { type: 'errored', error: errorEnvelope(known, newId('req')) }
}

/** A batch that starts at once. `answer` answers one request, or throws what the upstream would. */
export function createBatch(
  requests: readonly BatchRequest[],
  clock: SimulatorClock,
  answer: (params: MessageParams) => FinishedMessage,
): BatchRecord {
  const id = newId('msgbatch')
  const createdAtMs = clock.nowMs()
  const results: Result[] = []
  let cancelAtMs: number | null = null
  let endedAtMs: number | null = null

  const end = (type: 'canceled' | 'expired'): void => {
    while (results.length < requests.length) results.push({ type })
    endedAtMs = clock.nowMs()
    callOffExpiry()
  }
  const runRequest = (request: BatchRequest): { readonly afterMs: number; readonly finish: () => Result } => {
    try {
      const message = answer(readParams(request))
      const error = message.script?.error
      if (error !== undefined) throw scriptedError(error)
      const finish = (): Result => {
        message.book()
        return { type: 'succeeded', message: message.view }
      }
      return { afterMs: message.script?.delay_ms || requestMs, finish }
    } catch (error) {
      return { afterMs: requestMs, finish: () => erroredResult(error) }
    }
  }
  const runNext = (): void => {
    const request = requests[results.length]
    if (request === undefined || cancelAtMs !== null) {
      end('canceled')
      return
    }
    const { afterMs, finish } = runRequest(request)
    clock.after(afterMs, () => {
      if (endedAtMs !== null) return
      results.push(finish())
      runNext()
    })
  }
  const callOffExpiry = clock.after(expiryMs, () => {
    if (endedAtMs === null) end('expired')
  })
  runNext()

  const counts = () => {
    const count = (type: Result['type']): number =>
      endedAtMs === null ? 0 : results.filter((result) => result.type === type).length
    return {
      processing: endedAtMs === null ? requests.length : 0,
      succeeded: count('succeeded'),
      errored: count('errored'),
      canceled: count('canceled'),
      expired: count('expired'),
    }
  }
  const isArchived = (): boolean => endedAtMs !== null && clock.nowMs() >= createdAtMs + archiveMs
  const optionalTime = (atMs: number | null): string | null => (atMs === null ? null : timestamp(atMs))

  return {
    id,
    view: (resultsUrl) => ({
      id,
      type: 'message_batch',
      processing_status: endedAtMs !== null ? 'ended' : cancelAtMs === null ? 'in_progress' : 'canceling',
      request_counts: counts(),
      created_at: timestamp(createdAtMs),
      expires_at: timestamp(createdAtMs + expiryMs),
      ended_at: optionalTime(endedAtMs),
      cancel_initiated_at: optionalTime(cancelAtMs),
      archived_at: isArchived() ? timestamp(createdAtMs + archiveMs) : null,
      results_url: endedAtMs === null ? null : resultsUrl,
    }),
    hasEnded: () => endedAtMs !== null,
    isArchived,
    resultLines: () =>
      endedAtMs === null
        ? []
        : results.map((result, at) => JSON.stringify({ custom_id: requests[at]?.custom_id, result })),
    cancel: () => {
      cancelAtMs ??= clock.nowMs()
    },
  }
}
