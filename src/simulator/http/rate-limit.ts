// Rate limits as the API keeps them: a bucket of requests that refills without pause, told in every answer's headers.
// Off unless asked for. Buckets are kept per credential and per class of request.

import type { SimulatorClock } from '../clock.ts'
import { ApiError } from './api-error.ts'
import type { Identity } from './credentials.ts'

/** Requests a minute and key may send, by class. An absent class has no limit and no headers. */
export type RateLimits = {
  /** Every POST and DELETE. The documented limit of creates is 300. */
  readonly createPerMinute?: number
  /** Every GET, streams too. The documented limit is 1,200. */
  readonly readPerMinute?: number
  /** `/v1/messages` and what lies below it, which the two others do not count. */
  readonly messagesPerMinute?: number
}

/** The limits the documentation names for managed agents. */
export const documentedRateLimits = { createPerMinute: 300, readPerMinute: 1200 } satisfies RateLimits

type Verdict = {
  /** `anthropic-ratelimit-requests-*`, and `retry-after` with a refusal. Empty when the class has no limit. */
  readonly headers: Readonly<Record<string, string>>
  readonly refusal: ApiError | null
}

export type RateLimiter = {
  /** Takes one request out of the credential's bucket; a refused one takes nothing. */
  readonly take: (method: string, path: string, identity: Identity) => Verdict
}

const free: Verdict = { headers: {}, refusal: null }
const minuteMs = 60_000

function classOf(method: string, path: string): keyof RateLimits {
  if (path === '/v1/messages' || path.startsWith('/v1/messages/')) return 'messagesPerMinute'
  return method === 'GET' || method === 'HEAD' ? 'readPerMinute' : 'createPerMinute'
}

/** Buckets that are full at the start. */
export function createRateLimiter(limits: RateLimits, clock: SimulatorClock): RateLimiter {
  type Bucket = { level: number; atMs: number }
  const buckets = new Map<string, Bucket>()

  return {
    take: (method, path, identity) => {
      const kind = classOf(method, path)
      const limit = limits[kind]
      if (limit === undefined) return free
      const key = `${kind} ${JSON.stringify(identity)}`
      const nowMs = clock.nowMs()
      const bucket = buckets.get(key) ?? { level: limit, atMs: nowMs }
      buckets.set(key, bucket)
      const perMs = limit / minuteMs
      bucket.level = Math.min(limit, bucket.level + (nowMs - bucket.atMs) * perMs)
      bucket.atMs = nowMs
      // A refill of many small steps may end a hair below a whole request.
      const isRefused = bucket.level < 1 - 1e-9
      if (!isRefused) bucket.level = Math.max(0, bucket.level - 1)
      const fullAtMs = nowMs + Math.ceil((limit - bucket.level) / perMs)
      return {
        headers: {
          'anthropic-ratelimit-requests-limit': String(limit),
          'anthropic-ratelimit-requests-remaining': String(Math.floor(bucket.level + 1e-9)),
          'anthropic-ratelimit-requests-reset': `${new Date(fullAtMs).toISOString().slice(0, 19)}Z`,
          ...(isRefused ? { 'retry-after': String(Math.ceil((1 - bucket.level) / perMs / 1000)) } : {}),
        },
        refusal: isRefused
          ? new ApiError(
              429,
              'rate_limit_error',
              `This request would exceed your organization's rate limit of ${limit} requests per minute`,
            )
          : null,
      }
    },
  }
}
