// An endpoint that webhooks are sent to, and how tests may ask for them to be sent.

import { z } from 'zod'
import { newId } from '../ids.ts'
import { isSigningSecret, newSigningSecret } from './signature.ts'

const target = z.url({ protocol: /^https?$/ })

/** What tests and developers may ask for: an endpoint of the workspace, which in the API only its console can make. */
export const webhookParams = z.strictObject({
  url: target,
  /** The event types it gets. Default all, unknown ones too. */
  events: z.array(z.string()).min(1).optional(),
  secret: z.string().refine(isSigningSecret, 'must be `whsec_` and 24 to 64 bytes in base64').optional(),
  /** How many more times each event arrives. Default 0. */
  duplicates: z.int().min(0).max(10).default(0),
  /** How long the first event waits, the second, and so on, starting over at the end: unequal ones change the order. */
  delays_ms: z.array(z.int().min(0)).default([]),
  /** The clock that stamps the signatures; `machine` for receivers whose time the simulator does not move. */
  signed_by_clock: z.enum(['simulator', 'machine']).default('simulator'),
})

/** An endpoint of the workspace. Everything but `url` has a default. */
export type WebhookInput = z.input<typeof webhookParams>

type Manner = Pick<z.output<typeof webhookParams>, 'duplicates' | 'delays_ms' | 'signed_by_clock'>

/** What an endpoint is made with. */
export type EndpointSetup = {
  readonly scope: 'organization' | 'workspace'
  readonly url: string
  readonly events: readonly string[] | null
  readonly name: string
  readonly description: string
  readonly secret?: string | undefined
  readonly manner: Manner
}

/** An endpoint. What changes while it lives is not readonly. */
export type Endpoint = {
  readonly order: number
  readonly id: string
  readonly createdAtMs: number
  readonly scope: 'organization' | 'workspace'
  readonly manner: Manner
  url: string
  /** Null gets everything. */
  events: readonly string[] | null
  name: string
  description: string
  secret: string
  state: 'enabled' | 'disabled'
  disabledReason: string
  updatedAtMs: number
  /** Since when every delivery has failed; null after a success. */
  failingSinceMs: number | null
  /** How many events it has been sent. */
  eventCount: number
}

/** A new endpoint, enabled. */
export function createEndpoint(setup: EndpointSetup, order: number, nowMs: number): Endpoint {
  return {
    ...setup,
    secret: setup.secret ?? newSigningSecret(),
    order,
    id: newId('whep'),
    createdAtMs: nowMs,
    state: 'enabled',
    disabledReason: '',
    updatedAtMs: nowMs,
    failingSinceMs: null,
    eventCount: 0,
  }
}

/** How the API sends: once, at once, by its own clock. */
export const plainManner: Manner = { duplicates: 0, delays_ms: [], signed_by_clock: 'simulator' }
