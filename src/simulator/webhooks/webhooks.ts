// Webhooks: whatever the world announces is sent to every endpoint that wants it. Endpoints of the organization come
// from the API; those of the workspace, which the API leaves to its console, from an option or /simulator/webhooks.

import { z } from 'zod'
import { notFound } from '../http/api-error.ts'
import { json, type Route } from '../http/router.ts'
import { newId } from '../ids.ts'
import { jsonObject, parseBody } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { Announcement, World } from '../world.ts'
import { createDelivery, type DeliveryAttempt } from './delivery.ts'
import { createEndpoint, type Endpoint, type WebhookInput, webhookParams } from './endpoint.ts'
import { companionId, eventData } from './event-types.ts'
import { organizationWebhookRoutes } from './organization-endpoints.ts'

/** An endpoint of the workspace, shown with its secret: whoever runs the simulator is its console. */
export type WebhookEndpoint = {
  readonly id: string
  readonly url: string
  readonly signing_secret: string
  readonly events: readonly string[] | null
  readonly state: 'enabled' | 'disabled'
  readonly disabled_reason: string
}

/** What a test may do with webhooks. */
export type WebhookControls = {
  /** Registers an endpoint of the workspace. Throws when it is not valid. */
  readonly add: (input: WebhookInput) => WebhookEndpoint
  /** Registered endpoints of the workspace, as they are now. */
  readonly endpoints: () => readonly WebhookEndpoint[]
  /** Makes an event happen that nothing in the simulator brings about. */
  readonly emit: (announcement: Announcement) => void
  /** Every attempt so far, oldest first. */
  readonly attempts: () => readonly DeliveryAttempt[]
  /** Resolves when no attempt is underway; what waits for the clock does not count. */
  readonly settled: () => Promise<void>
}

const view = (endpoint: Endpoint): WebhookEndpoint => ({
  id: endpoint.id,
  url: endpoint.url,
  signing_secret: endpoint.secret,
  events: endpoint.events,
  state: endpoint.state,
  disabled_reason: endpoint.disabledReason,
})

const emitParams = z
  .strictObject({ type: z.string().min(1), data: jsonObject.and(z.object({ id: z.string() })) })
  .refine(({ type, data }) => {
    const companion = companionId(type)
    return companion === undefined || typeof data[companion] === 'string'
  }, 'data: needs the second id that events of this type carry')

/** Sends what `world` announces. `origins` are where it may send besides this machine. */
export function createWebhooks(world: World, inputs: readonly WebhookInput[], origins: readonly string[]) {
  const endpoints = new Map<string, Endpoint>()
  const delivery = createDelivery({ clock: world.clock, origins })

  world.onAnnounced((announcement) => {
    const event = {
      id: newId('whe'),
      type: 'event',
      created_at: timestamp(world.clock.nowMs()),
      data: eventData(announcement),
    } as const
    for (const endpoint of endpoints.values()) {
      const isWanted = endpoint.events === null || endpoint.events.includes(announcement.type)
      if (endpoint.state === 'enabled' && isWanted) delivery.deliver(endpoint, event)
    }
  })

  const add = (input: unknown): WebhookEndpoint => {
    const { url, events = null, secret, ...manner } = parseBody(webhookParams, input)
    const setup = { scope: 'workspace', name: '', description: '', url, events, secret, manner } as const
    const endpoint = createEndpoint(setup, world.nextOrder(), world.clock.nowMs())
    endpoints.set(endpoint.id, endpoint)
    return view(endpoint)
  }
  const ofWorkspace = () => [...endpoints.values()].filter(({ scope }) => scope === 'workspace').map(view)
  const remove = (id: string) => {
    const endpoint = endpoints.get(id)
    if (endpoint?.scope !== 'workspace') throw notFound(`webhook endpoint \`${id}\` not found`)
    endpoint.state = 'disabled'
    endpoints.delete(id)
    return view(endpoint)
  }
  const emit = (announcement: unknown): Announcement => {
    const { type, data } = parseBody(emitParams, announcement)
    world.announce(type, data)
    return { type, data }
  }
  for (const input of inputs) add(input)

  const pattern = '/simulator/webhooks'
  const access = 'open'
  const routes: readonly Route[] = [
    ...organizationWebhookRoutes({ world, endpoints, origins }),
    { method: 'POST', pattern, access, run: ({ body }) => json(add(body)) },
    { method: 'GET', pattern, access, run: () => json({ data: ofWorkspace() }) },
    { method: 'DELETE', pattern: `${pattern}/:id`, access, run: (r) => json(remove(r.param('id'))) },
    { method: 'POST', pattern: `${pattern}/events`, access, run: ({ body }) => json(emit(body)) },
    { method: 'GET', pattern: `${pattern}/attempts`, access, run: () => json({ data: delivery.attempts() }) },
  ]
  const controls: WebhookControls = {
    add,
    endpoints: ofWorkspace,
    emit: (announcement) => void emit(announcement),
    attempts: delivery.attempts,
    settled: delivery.settled,
  }
  return { routes, controls, stop: delivery.stop }
}
