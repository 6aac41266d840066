// The routes of /v1/organizations/webhooks: endpoints of the organization, which are told of external keys and user
// profiles only (SDK 1.12.0 resources/beta/organization/webhooks).

import { z } from 'zod'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { paginateById } from '../http/id-page.ts'
import { readOrder } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { parseBody } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import { createEndpoint, type Endpoint, plainManner } from './endpoint.ts'
import { organizationEvents } from './event-types.ts'
import { isReachable } from './post.ts'
import { newSigningSecret } from './signature.ts'

const endpointsMax = 32

const enabledEvents = z.array(z.enum(organizationEvents))
const shared = { description: z.string().optional(), name: z.string().optional() }
const createParams = z.object({ ...shared, enabled_events: enabledEvents.min(1), url: z.url() })
const updateParams = z.object({
  ...shared,
  enabled_events: enabledEvents.optional(),
  state: z.enum(['disabled', 'enabled']).optional(),
  url: z.url().optional(),
})

type Book = {
  readonly world: World
  readonly endpoints: Map<string, Endpoint>
  readonly origins: readonly string[]
}

const view = (endpoint: Endpoint) => ({
  id: endpoint.id,
  url: endpoint.url,
  name: endpoint.name,
  description: endpoint.description,
  enabled_events: endpoint.events ?? [],
  state: endpoint.state,
  disabled_reason: endpoint.disabledReason,
  created_at: timestamp(endpoint.createdAtMs),
  updated_at: timestamp(endpoint.updatedAtMs),
})

const own = ({ endpoints }: Book): readonly Endpoint[] =>
  [...endpoints.values()].filter(({ scope }) => scope === 'organization')

function find(book: Book, id: string): Endpoint {
  const found = own(book).find((each) => each.id === id)
  if (found === undefined) throw notFound(`webhook endpoint \`${id}\` not found`)
  return found
}

/** Upstream takes HTTPS alone; the receivers of tests are on this machine and may speak HTTP. */
function checkUrl({ origins }: Book, url: string): string {
  if (new URL(url).protocol !== 'https:' && !isReachable(url, origins)) {
    throw invalidRequest('url: must be an HTTPS URL')
  }
  return url
}

function create(book: Book, { body }: ApiRequest) {
  const { name = '', description = '', url, enabled_events } = parseBody(createParams, body)
  if (own(book).length >= endpointsMax) {
    throw invalidRequest(`an organization can have at most ${endpointsMax} webhook endpoints: delete one`)
  }
  const { world, endpoints } = book
  const endpoint = createEndpoint(
    {
      scope: 'organization',
      url: checkUrl(book, url),
      events: [...new Set(enabled_events)],
      name,
      description,
      manner: plainManner,
    },
    world.nextOrder(),
    world.clock.nowMs(),
  )
  endpoints.set(endpoint.id, endpoint)
  return { ...view(endpoint), signing_secret: endpoint.secret }
}

function update(book: Book, request: ApiRequest) {
  const endpoint = find(book, request.param('id'))
  const params = parseBody(updateParams, request.body)
  if (params.url !== undefined) endpoint.url = checkUrl(book, params.url)
  if (params.enabled_events?.length) endpoint.events = [...new Set(params.enabled_events)]
  endpoint.name = params.name ?? endpoint.name
  endpoint.description = params.description ?? endpoint.description
  if (params.state !== undefined) {
    endpoint.state = params.state
    endpoint.disabledReason = ''
    endpoint.failingSinceMs = null
  }
  endpoint.updatedAtMs = book.world.clock.nowMs()
  return view(endpoint)
}

function remove(book: Book, id: string) {
  const endpoint = find(book, id)
  // What is still on its way looks at the state.
  endpoint.state = 'disabled'
  book.endpoints.delete(id)
  return { id, type: 'webhook_endpoint_deleted' }
}

function regenerate(book: Book, id: string) {
  const endpoint = find(book, id)
  endpoint.secret = newSigningSecret()
  endpoint.updatedAtMs = book.world.clock.nowMs()
  return { signing_secret: endpoint.secret }
}

function list(book: Book, { query }: ApiRequest) {
  const items = own(book).map(view)
  return paginateById(readOrder(query, 'desc') === 'asc' ? items : items.toReversed(), query)
}

/** The routes over the endpoints of the organization; those of the workspace are not theirs. */
export function organizationWebhookRoutes(book: Book): readonly Route[] {
  const access = 'organization-webhooks'
  const pattern = '/v1/organizations/webhooks'
  const one = `${pattern}/:id`
  return [
    { method: 'POST', pattern, access, run: (r) => json(create(book, r)) },
    { method: 'GET', pattern, access, run: (r) => json(list(book, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(view(find(book, r.param('id')))) },
    { method: 'POST', pattern: one, access, run: (r) => json(update(book, r)) },
    { method: 'DELETE', pattern: one, access, run: (r) => json(remove(book, r.param('id'))) },
    {
      method: 'POST',
      pattern: `${one}/regenerate_signing_secret`,
      access,
      run: (r) => json(regenerate(book, r.param('id'))),
    },
  ]
}
