// Webhooks of the stand-in upstream: what arrives, how it is signed, and what becomes of what does not arrive.
import { createServer } from 'node:http'
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { createManualClock, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts'
import { backoffMs } from '../../src/simulator/webhooks/delivery.ts'
import { companionId, eventTypes, organizationEvents } from '../../src/simulator/webhooks/event-types.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'

const minuteMs = 60_000

type Arrival = { readonly body: string; readonly headers: Record<string, string>; readonly path: string }

/** A receiver that answers the statuses in turn, then 200. */
async function receiver(...statuses: readonly number[]) {
  const arrivals: Arrival[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([key, value]) => [key, String(value)]),
    )
    const status = statuses[arrivals.length] ?? 200
    arrivals.push({ body, headers, path: request.url ?? '' })
    response.writeHead(status, { location: '/elsewhere' }).end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return { url: `http://127.0.0.1:${port}/hook`, arrivals }
}

async function house(options: SimulatorOptions = {}) {
  // The SDK compares timestamps with the machine's clock, so the simulator's starts there.
  const clock = createManualClock(Date.now())
  const simulator = await startSimulator({ clock, ...options })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const admin = new Anthropic({ baseURL: simulator.url, apiKey: simulator.adminKey, maxRetries: 0 })
  return {
    simulator,
    clock,
    client,
    webhooks: simulator.webhooks,
    admin,
    hooks: admin.beta.organization.webhooks,
  }
}

const helper = { name: 'helper', model: 'claude-sonnet-5-5' }

const eventsOf = (arrivals: readonly Arrival[]): Anthropic.Beta.BetaWebhookEvent[] =>
  arrivals.map(({ body }) => JSON.parse(body))
const typesOf = (arrivals: readonly Arrival[]) => eventsOf(arrivals).map(({ data }) => data.type)

const statusOf = async (call: Promise<unknown>): Promise<number | undefined> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof APIError ? error.status : undefined
}

const disabled = (reason: string) => ({ state: 'disabled', disabled_reason: reason })
const isDisabledByRedirect = disabled('auto-disabled: endpoint URL returned a redirect (3xx)')
const isDisabledByAddress = disabled('auto-disabled: endpoint URL resolved to an invalid address')

test('the SDK accepts what arrives with the secret of the endpoint, and with no other', async () => {
  const { client, webhooks } = await house()
  const { url, arrivals } = await receiver()
  const { signing_secret: key } = webhooks.add({ url, events: ['agent.created'] })
  const agent = await client.beta.agents.create(helper)
  await webhooks.settled()
  const { body = '', headers = {} } = arrivals[0] ?? {}
  const event = client.beta.webhooks.unwrap(body, { headers, key })
  expectInterface(event, 'webhooks', 'BetaWebhookEvent')
  expect(event).toMatchObject({ id: headers['webhook-id'], data: { type: 'agent.created', id: agent.id } })
  const other = webhooks.add({ url }).signing_secret
  expect(() => client.beta.webhooks.unwrap(body, { headers, key: other })).toThrow()
  expect(() => client.beta.webhooks.unwrap(`${body} `, { headers, key })).toThrow()
  expect(client.beta.webhooks.parseUnverified(body)).toEqual(event)
})

test('every event type of the SDK has the shape the SDK declares', async () => {
  const { webhooks } = await house()
  const { url, arrivals } = await receiver()
  webhooks.add({ url })
  for (const type of eventTypes) {
    const companion = companionId(type)
    webhooks.emit({ type, data: { id: 'x_1', ...(companion === undefined ? {} : { [companion]: 'x_2' }) } })
  }
  await webhooks.settled()
  expect(typesOf(arrivals).toSorted()).toEqual([...eventTypes].toSorted())
  for (const { data } of eventsOf(arrivals)) {
    const name = data.type.replace(/(?:^|[._])(\w)/g, (_, letter: string) => letter.toUpperCase())
    expectInterface(data, 'webhooks', `BetaWebhook${name}EventData`)
  }
  expect(() => webhooks.emit({ type: 'session.thread_idled', data: { id: 'sesn_1' } })).toThrow(/second id/)
})

test('agents, deployments and their scheduled runs tell what happens to them, once, and no-ops tell nothing', async () => {
  const { clock, client, webhooks } = await house()
  const { url, arrivals } = await receiver()
  const isOurs = (type: string) => /^(agent|deployment|deployment_run)\./.test(type)
  webhooks.add({ url, events: eventTypes.filter(isOurs) })
  const { agents, deployments, environments } = client.beta
  const told: string[] = []
  /** Does something and answers the types told of it, sorted: the order in which they arrive means nothing. */
  const tells = async (act: () => unknown) => {
    await act()
    await webhooks.settled()
    const fresh = typesOf(arrivals).slice(told.length)
    told.push(...fresh)
    return fresh.toSorted().join(' ')
  }
  const environment = await environments.create({ name: 'e' })
  const agent = await agents.create(helper)
  expect(await tells(() => {})).toBe('agent.created')
  expect(await tells(() => agents.update(agent.id, { system: 'x' }))).toBe('agent.updated')
  expect(await tells(() => agents.update(agent.id, { system: 'x' }))).toBe('')
  const { id } = await deployments.create({
    name: 'd',
    agent: agent.id,
    environment_id: environment.id,
    initial_events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
    schedule: { type: 'cron', expression: '* * * * *', timezone: 'UTC' },
  })
  expect(await tells(() => {})).toBe('deployment.created')
  expect(await tells(() => deployments.update(id, { name: 'n' }))).toBe('deployment.updated')
  expect(await tells(() => deployments.update(id, { name: 'n' }))).toBe('')
  expect(await tells(() => deployments.run(id))).toBe('')
  const run = 'deployment_run.started deployment_run.succeeded'
  expect(await tells(() => clock.advance(minuteMs + 10_000))).toMatch(run)
  const [started, succeeded] = eventsOf(arrivals).slice(-2)
  expect(started?.data.id).toBe(succeeded?.data.id)
  expect(await tells(() => deployments.pause(id))).toBe('deployment.paused')
  expect(await tells(() => deployments.pause(id))).toBe('')
  expect(await tells(() => deployments.unpause(id))).toBe('deployment.unpaused')
  await environments.archive(environment.id)
  const failed = 'deployment.paused deployment_run.failed deployment_run.started'
  expect(await tells(() => clock.advance(minuteMs + 10_000))).toBe(failed)
  expect(await tells(() => agents.archive(agent.id))).toBe('agent.archived deployment.archived')
  expect(await tells(() => agents.archive(agent.id))).toBe('')
})

test('a failed delivery is tried three times, signed anew each time under one id, and then lost', async () => {
  const { clock, client, webhooks } = await house()
  const { url, arrivals } = await receiver(500, 404, 429)
  const { signing_secret: key } = webhooks.add({ url, events: ['agent.created'] })
  await client.beta.agents.create(helper)
  for (let seconds = 0; seconds < 280; seconds += 1) {
    await webhooks.settled()
    clock.advance(1000)
  }
  for (const { body, headers } of arrivals) client.beta.webhooks.unwrap(body, { headers, key })
  const attempts = webhooks.attempts()
  expect(attempts.map(({ attempt, status }) => [attempt, status])).toEqual([
    [1, 500],
    [2, 404],
    [3, 429],
  ])
  const times = attempts.map(({ attempted_at }) => Date.parse(attempted_at))
  for (const at of [0, 1]) {
    const waitMs = (times[at + 1] ?? 0) - (times[at] ?? 0)
    expect(waitMs).toBeGreaterThanOrEqual(5000)
    expect(waitMs).toBeLessThanOrEqual(121_000)
  }
  expect(new Set(arrivals.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(new Set(arrivals.map(({ body }) => body)).size).toBe(1)
  expect(new Set(arrivals.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3)
  expect(webhooks.endpoints()).toMatchObject([{ state: 'enabled' }])
})

test('waits between attempts stay within their bounds whatever the event', () => {
  const waits = Array.from({ length: 1000 }, (_, at) => [
    backoffMs(`whe_${at}`, 1),
    backoffMs(`whe_${at}`, 2),
  ])
  expect(Math.min(...waits.flat())).toBeGreaterThanOrEqual(5000)
  expect(Math.max(...waits.flat())).toBeLessThanOrEqual(120_000)
  expect(new Set(waits.flat()).size).toBeGreaterThan(1000)
})

test('an endpoint that nobody listens on keeps failing, and is disabled after a day of it', async () => {
  const { clock, webhooks } = await house()
  webhooks.add({ url: 'http://127.0.0.1:1/' })
  webhooks.emit({ type: 'agent.created', data: { id: 'agent_1' } })
  await webhooks.settled()
  expect(webhooks.attempts()).toMatchObject([{ status: null }])
  clock.advance(25 * 60 * minuteMs)
  await webhooks.settled()
  expect(webhooks.endpoints()).toMatchObject([disabled('auto-disabled after sustained delivery failures')])
})

test('a redirect is not followed and disables the endpoint, as a URL off this machine does', async () => {
  const { clock, webhooks } = await house()
  const { url, arrivals } = await receiver(302)
  webhooks.add({ url })
  webhooks.add({ url: 'https://hooks.example.com/' })
  webhooks.add({ url: 'http://127.0.0.1.example.com/' })
  for (let turn = 0; turn < 3; turn += 1) {
    webhooks.emit({ type: 'agent.created', data: { id: 'agent_1' } })
    await webhooks.settled()
    clock.advance(120_000)
  }
  expect(arrivals.map(({ path }) => path)).toEqual(['/hook'])
  expect(webhooks.attempts()).toHaveLength(1)
  expect(webhooks.endpoints()).toMatchObject([isDisabledByRedirect, isDisabledByAddress, isDisabledByAddress])
})

test('duplicates and another order come on demand, and unknown event types pass', async () => {
  const { url, arrivals } = await receiver()
  const machine = createManualClock(0)
  const { simulator, webhooks, client } = await house({
    clock: machine,
    webhooks: [{ url, duplicates: 1, delays_ms: [1000, 0], signed_by_clock: 'machine' }],
  })
  webhooks.emit({ type: 'agent.created', data: { id: 'agent_1' } })
  webhooks.emit({ type: 'agent.dreamt_of_sheep', data: { id: 'agent_2' } })
  await webhooks.settled()
  machine.advance(1000)
  await webhooks.settled()
  const ids = eventsOf(arrivals).map(({ data }) => data.id)
  expect(ids).toEqual(['agent_2', 'agent_2', 'agent_1', 'agent_1'])
  const { headers = {}, body = '' } = arrivals[0] ?? {}
  const key = webhooks.endpoints()[0]?.signing_secret ?? ''
  expect(client.beta.webhooks.unwrap(body, { headers, key })).toBeTruthy()
  expect(simulator.requests()).toEqual([])
})

test('everything can be done over HTTP, for programs that did not start the simulator', async () => {
  const { simulator, webhooks } = await house()
  const { url, arrivals } = await receiver()
  const ask = async (method: string, path: string, body?: object) => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await fetch(`${simulator.url}/simulator/webhooks${path}`, init)
    return { status: response.status, body: await response.json() }
  }
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const made = await ask('POST', '', { url, secret })
  expect(made.body).toMatchObject({ signing_secret: secret, events: null, state: 'enabled' })
  expect((await ask('GET', '')).body).toEqual({ data: [made.body] })
  expect((await ask('POST', '', { url: 'ftp://x' })).status).toBe(400)
  expect((await ask('POST', '', { url, secret: 'whsec_short' })).status).toBe(400)
  await ask('POST', '/events', { type: 'external_key.failed', data: { id: 'ekey_1' } })
  await webhooks.settled()
  expect(typesOf(arrivals)).toEqual(['external_key.failed'])
  expect((await ask('GET', '/attempts')).body).toMatchObject({ data: [{ status: 200, attempt: 1 }] })
  const { id } = webhooks.endpoints()[0] ?? { id: '' }
  expect((await ask('DELETE', `/${id}`)).status).toBe(200)
  expect((await ask('DELETE', `/${id}`)).status).toBe(404)
})

test('endpoints of the organization go through their whole life in the SDK, and a secret is shown once', async () => {
  const { admin, hooks, webhooks } = await house()
  const { url, arrivals } = await receiver()
  const made = await hooks.create({ url, enabled_events: ['external_key.failed'] })
  const file = 'organization/webhooks'
  expectInterface(made, file, 'BetaNewOrganizationWebhookEndpoint')
  const { signing_secret: first, ...shown } = made
  expect(await hooks.retrieve(made.id)).toEqual(shown)
  expectInterface(shown, file, 'BetaOrganizationWebhookEndpoint')
  const updated = await hooks.update(made.id, { name: 'keys', enabled_events: [], description: 'x' })
  expect(updated).toMatchObject({ name: 'keys', description: 'x', enabled_events: ['external_key.failed'] })
  const { signing_secret: second } = await hooks.regenerateSigningSecret(made.id)
  expect(second).not.toBe(first)

  const happen = async () => {
    webhooks.emit({ type: 'agent.created', data: { id: 'agent_1' } })
    webhooks.emit({ type: 'external_key.failed', data: { id: 'ekey_1' } })
    await webhooks.settled()
  }
  await happen()
  expect(typesOf(arrivals)).toEqual(['external_key.failed'])
  const { body = '', headers = {} } = arrivals[0] ?? {}
  expect(() => admin.beta.webhooks.unwrap(body, { headers, key: first })).toThrow()
  expect(admin.beta.webhooks.unwrap(body, { headers, key: second })).toBeTruthy()

  await hooks.update(made.id, { state: 'disabled' })
  await happen()
  expect(await hooks.update(made.id, { state: 'enabled' })).toMatchObject({ disabled_reason: '' })
  expect(await hooks.delete(made.id)).toEqual({ id: made.id, type: 'webhook_endpoint_deleted' })
  await happen()
  expect(arrivals).toHaveLength(1)
  expect(await statusOf(hooks.retrieve(made.id))).toBe(404)
})

test('endpoints of the organization are listed page by page, at most 32, and only for its admins', async () => {
  const { client, hooks, webhooks } = await house()
  webhooks.add({ url: 'http://127.0.0.1:1/' })
  const ids: string[] = []
  const create = (url: string) => hooks.create({ url, enabled_events: [...organizationEvents] })
  for (let at = 0; at < 32; at += 1) ids.push((await create(`https://hooks.example.com/${at}`)).id)
  expect(await statusOf(create('https://hooks.example.com/32'))).toBe(400)
  expect(await statusOf(create('http://hooks.example.com/'))).toBe(400)
  const walk = async (order: 'asc' | 'desc') => {
    const seen: string[] = []
    for await (const { id } of hooks.list({ limit: 5, order })) seen.push(id)
    return seen
  }
  expect(await walk('asc')).toEqual(ids)
  expect(await walk('desc')).toEqual(ids.toReversed())
  const before = await hooks.list({ before_id: ids[3] ?? '', order: 'asc', limit: 2 })
  expect(before).toMatchObject({ has_more: true, first_id: ids[1], last_id: ids[2] })
  expect(await statusOf(Promise.resolve(client.beta.organization.webhooks.list()))).toBe(401)
})
