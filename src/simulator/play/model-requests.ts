// The model requests of a session: each a span of two events on its own thread, and one line on the meter.

import { hasFastMode } from '../billing/prices.ts'
import type { SimulatorClock } from '../clock.ts'
import type { LiveSession, LiveThread } from '../sessions/live-session.ts'
import { modelUsageSchema, type Step } from './scenario.ts'

const noUsage = { input_tokens: 0, output_tokens: 0 }

/** Starts and ends the model requests of one session; a thread has at most one open. */
export function createModelRequests(session: LiveSession, clock: SimulatorClock) {
  const openIds = new Map<LiveThread, string>()

  /** Ends the open request with what the step says it used; without a step, as an error that used nothing. */
  const end = (thread: LiveThread, step: Step | undefined): void => {
    const startId = openIds.get(thread) ?? ''
    openIds.delete(thread)
    const counts = modelUsageSchema.parse(step?.fields['model_usage'] ?? noUsage)
    const { model } = thread.agent
    const speed = model.speed === 'fast' && hasFastMode(model.id) ? 'fast' : 'standard'
    const oneHour = Math.min(step?.hidden.ephemeral_1h_input_tokens ?? 0, counts.cache_creation_input_tokens)
    // Counted before it is told, so that whoever hears of it finds it in the session's usage.
    session.meter.countRequest(thread.id, {
      model: model.id,
      speed,
      inferenceGeo: model.inference_geo ?? null,
      atMs: clock.nowMs(),
      inputTokens: counts.input_tokens,
      outputTokens: counts.output_tokens,
      cacheReadTokens: counts.cache_read_input_tokens,
      cacheWrite5mTokens: counts.cache_creation_input_tokens - oneHour,
      cacheWrite1hTokens: oneHour,
      webSearches: step?.hidden.web_search_requests ?? 0,
    })
    session.emit(thread, 'span.model_request_end', {
      is_error: step === undefined,
      ...step?.fields,
      model_request_start_id: startId,
      model_usage: { ...counts, speed },
    })
  }

  return {
    start: (thread: LiveThread, step: Step): void => {
      openIds.set(thread, session.emit(thread, step.type, step.fields).own.id)
    },
    end,
    isOpen: (thread: LiveThread): boolean => openIds.has(thread),
    /** Ends the thread's request when one is open, as an interrupt or an error does. */
    endOpen: (thread: LiveThread): void => {
      if (openIds.has(thread)) end(thread, undefined)
    },
  }
}
