// Bringing an event to an endpoint: up to three attempts, each signed anew, with growing waits between them; then the
// event is lost, as the API loses it. Some answers disable the endpoint.

import { createHash } from 'node:crypto'
import type { SimulatorClock } from '../clock.ts'
import type { JsonObject } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { Endpoint } from './endpoint.ts'
import { isReachable, post } from './post.ts'
import { signatureHeaders } from './signature.ts'

const attemptsMax = 3
const backoffMinMs = 5000
const backoffMaxMs = 120_000
/** The documentation says `a sustained period`; nothing says how long that is. */
const sustainedMs = 24 * 3_600_000
const recordsMax = 10_000

const reasons = {
  redirect: 'auto-disabled: endpoint URL returned a redirect (3xx)',
  address: 'auto-disabled: endpoint URL resolved to an invalid address',
  failures: 'auto-disabled after sustained delivery failures',
} as const

/** An event as it is sent. */
export type WebhookEvent = {
  readonly id: string
  readonly type: 'event'
  readonly created_at: string
  readonly data: JsonObject
}

/** One attempt to deliver an event. */
export type DeliveryAttempt = {
  readonly endpoint_id: string
  readonly event_id: string
  readonly event_type: string
  /** Counted from 1; a duplicate has attempts of its own. */
  readonly attempt: number
  readonly attempted_at: string
  /** Null when no answer came. */
  readonly status: number | null
}

/** The wait after a failed attempt: jittered, growing, within 5 and 120 seconds. */
export function backoffMs(eventId: string, attempt: number): number {
  const place = createHash('sha256').update(`${eventId} ${attempt}`).digest().readUInt32BE() / 2 ** 32
  const widestMs = Math.min(backoffMaxMs, 30_000 * 4 ** (attempt - 1))
  return Math.round(backoffMinMs + place * (widestMs - backoffMinMs))
}

function disable(endpoint: Endpoint, reason: string, nowMs: number): void {
  endpoint.state = 'disabled'
  endpoint.disabledReason = reason
  endpoint.updatedAtMs = nowMs
}

type DeliveryDeps = { readonly clock: SimulatorClock; readonly origins: readonly string[] }

/** Delivers events to endpoints of this machine, and of `origins`. */
export function createDelivery({ clock, origins }: DeliveryDeps) {
  const attempts: DeliveryAttempt[] = []
  const underway = new Set<Promise<void>>()
  const stopping = new AbortController()
  const timers = new Set<() => void>()

  const later = (delayMs: number, run: () => void): void => {
    const cancel = clock.after(delayMs, () => {
      timers.delete(cancel)
      run()
    })
    timers.add(cancel)
  }

  const judge = (endpoint: Endpoint, status: number | null): 'done' | 'again' => {
    const nowMs = clock.nowMs()
    if (status !== null && status >= 200 && status < 300) {
      endpoint.failingSinceMs = null
      return 'done'
    }
    endpoint.failingSinceMs ??= nowMs
    if (status !== null && status >= 300 && status < 400) disable(endpoint, reasons.redirect, nowMs)
    else if (nowMs - endpoint.failingSinceMs >= sustainedMs) disable(endpoint, reasons.failures, nowMs)
    return endpoint.state === 'enabled' ? 'again' : 'done'
  }

  const send = async (endpoint: Endpoint, event: WebhookEvent, attempt: number): Promise<void> => {
    const body = JSON.stringify(event)
    const signedAtMs = endpoint.manner.signed_by_clock === 'machine' ? Date.now() : clock.nowMs()
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'tollgate-simulator',
      ...signatureHeaders(endpoint.secret, event.id, signedAtMs, body),
    }
    const attempted_at = timestamp(clock.nowMs())
    const status = await post(endpoint.url, headers, body, stopping.signal)
    if (stopping.signal.aborted) return
    const event_type = String(event.data['type'])
    attempts.push({ endpoint_id: endpoint.id, event_id: event.id, event_type, attempt, attempted_at, status })
    if (attempts.length > recordsMax) attempts.shift()
    if (judge(endpoint, status) === 'again' && attempt < attemptsMax) {
      later(backoffMs(event.id, attempt), () => start(endpoint, event, attempt + 1))
    }
  }

  const start = (endpoint: Endpoint, event: WebhookEvent, attempt: number): void => {
    if (endpoint.state !== 'enabled' || stopping.signal.aborted) return
    if (!isReachable(endpoint.url, origins)) {
      disable(endpoint, reasons.address, clock.nowMs())
      return
    }
    const sending = send(endpoint, event, attempt).finally(() => underway.delete(sending))
    underway.add(sending)
  }

  return {
    /** Sets an event on its way, as the endpoint wants it sent. */
    deliver: (endpoint: Endpoint, event: WebhookEvent): void => {
      const { delays_ms, duplicates } = endpoint.manner
      const delayMs = delays_ms[endpoint.eventCount % delays_ms.length] ?? 0
      endpoint.eventCount += 1
      for (let copy = 0; copy <= duplicates; copy += 1) {
        if (delayMs === 0) start(endpoint, event, 1)
        else later(delayMs, () => start(endpoint, event, 1))
      }
    },
    /** Every attempt that has been answered or given up, oldest first, up to the latest 10,000. */
    attempts: (): readonly DeliveryAttempt[] => [...attempts],
    /** Resolves when no attempt is underway. Retries and delays that wait for the clock do not count. */
    settled: async (): Promise<void> => {
      while (underway.size > 0) await Promise.all(underway)
    },
    /** Cuts what is underway and forgets what waits. */
    stop: async (): Promise<void> => {
      stopping.abort()
      for (const cancel of timers) cancel()
      await Promise.all(underway)
    },
  }
}
