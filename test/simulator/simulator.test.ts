// The stand-in upstream as the unmodified SDK sees it.
import { readFileSync } from 'node:fs'
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { paginate } from '../../src/simulator/http/page.ts'
import { createManualClock, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts'

async function house(options: SimulatorOptions = {}) {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock, ...options })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const environment = await client.beta.environments.create({ name: 'test' })
  const agent = await client.beta.agents.create({ name: 'helper', model: 'claude-sonnet-5-5' })
  const startSession = (metadata: Record<string, string> = {}) =>
    client.beta.sessions.create({ agent: agent.id, environment_id: environment.id, metadata })
  return { simulator, clock, client, environment, agent, startSession }
}

const say = (text: string) => ({ type: 'user.message' as const, content: [{ type: 'text' as const, text }] })

/** Reads a stream until an event of the type arrives; answers all events read, that one included. */
async function readUntil<T extends { type: string }>(stream: AsyncIterable<T>, type: string): Promise<T[]> {
  const seen: T[] = []
  for await (const event of stream) {
    seen.push(event)
    if (event.type === type) break
  }
  return seen
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

const typesOf = (events: readonly { type: string }[]) => events.map(({ type }) => type)

/** The fields an SDK interface requires, read from its `.d.ts`. */
function requiredFields(file: string, name: string): readonly string[] {
  const root = new URL('../../node_modules/@anthropic-ai/sdk/resources/beta/', import.meta.url)
  const source = readFileSync(new URL(`${file}.d.ts`, root), 'utf8')
  const [, body = ''] =
    new RegExp(`export interface ${name} (?:extends \\w+ )?{([^]*?)\\n}`).exec(source) ?? []
  const fields = [...body.matchAll(/^ {4}(\w+): /gm)].map(([, field = '']) => field)
  expect(fields.length, name).toBeGreaterThan(1)
  return fields
}

const statusOf = async (call: Promise<unknown>): Promise<number | undefined> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof APIError ? error.status : undefined
}

test('every object carries every field that the SDK types require', async () => {
  const { client, clock, agent, environment, startSession } = await house()
  const session = await startSession({ simulator_scenario: 'child_thread' })
  await client.beta.sessions.events.send(session.id, { events: [say('go')] })
  clock.advance(60_000)

  const [thread] = (await client.beta.sessions.threads.list(session.id)).data
  const [model] = (await client.beta.models.list()).data
  const expected: readonly (readonly [unknown, string, string])[] = [
    [agent, 'agents/agents', 'BetaManagedAgentsAgent'],
    [environment, 'environments/environments', 'BetaEnvironment'],
    [await client.beta.sessions.retrieve(session.id), 'sessions/sessions', 'BetaManagedAgentsSession'],
    [session.agent, 'sessions/sessions', 'BetaManagedAgentsSessionAgent'],
    [thread, 'sessions/threads/threads', 'BetaManagedAgentsSessionThread'],
    [thread?.agent, 'agents/agents', 'BetaManagedAgentsSessionThreadAgent'],
    [model, 'models', 'BetaModelInfo'],
  ]
  for (const [object, file, name] of expected) {
    expect(Object.keys(object ?? {}), name).toEqual(expect.arrayContaining([...requiredFields(file, name)]))
  }

  const named: Readonly<Record<string, string>> = {
    'agent.message': 'AgentMessage',
    'agent.thread_message_sent': 'AgentThreadMessageSent',
    'agent.thread_message_received': 'AgentThreadMessageReceived',
    'session.status_running': 'SessionStatusRunning',
    'session.status_idle': 'SessionStatusIdle',
    'session.thread_created': 'SessionThreadCreated',
    'session.thread_status_running': 'SessionThreadStatusRunning',
    'session.thread_status_idle': 'SessionThreadStatusIdle',
    'span.model_request_start': 'SpanModelRequestStart',
    'span.model_request_end': 'SpanModelRequestEnd',
  }
  const events = (await client.beta.sessions.events.list(session.id, { limit: 1000 })).data
  for (const event of events) {
    const name = named[event.type]
    if (name === undefined) continue
    const fields = requiredFields('sessions/events', `BetaManagedAgents${name}Event`)
    expect(Object.keys(event), name).toEqual(expect.arrayContaining([...fields]))
  }
  expect(typesOf(events)).toEqual(expect.arrayContaining(Object.keys(named)))
})

test('an agent update makes a version, a no-op makes none, a stale one is a conflict', async () => {
  const { client, agent } = await house()
  const second = await client.beta.agents.update(agent.id, { version: 1, system: 'be brief' })
  const same = await client.beta.agents.update(agent.id, { system: 'be brief' })
  expect([agent.version, second.version, same.version]).toEqual([1, 2, 2])
  expect(await statusOf(client.beta.agents.update(agent.id, { version: 1, system: 'x' }))).toBe(409)
  expect((await client.beta.agents.retrieve(agent.id, { version: 1 })).system).toBeNull()
  const versions = await collect(client.beta.agents.versions.list(agent.id, { limit: 1 }))
  expect(versions.map(({ version }) => version)).toEqual([2, 1])
})

test('a session runs the version it was made with, and overrides keep that version number', async () => {
  const { client, agent, environment } = await house()
  await client.beta.agents.update(agent.id, { system: 'second' })
  const create = (reference: Parameters<typeof client.beta.sessions.create>[0]['agent']) =>
    client.beta.sessions.create({ agent: reference, environment_id: environment.id })
  const latest = await create(agent.id)
  const pinned = await create({ type: 'agent', id: agent.id, version: 1 })
  const bent = await create({ type: 'agent_with_overrides', id: agent.id, version: 1, system: 'mine' })
  expect([latest, pinned, bent].map((each) => each.agent.version)).toEqual([2, 1, 1])
  expect([latest, pinned, bent].map((each) => each.agent.system)).toEqual(['second', null, 'mine'])
  expect(await statusOf(create({ type: 'agent', id: agent.id, version: 9 }))).toBe(404)
})

test('the default scenario answers a message with one metered turn, in order', async () => {
  const { client, clock, startSession } = await house()
  const session = await startSession()
  expect(session.status).toBe('idle')
  const stream = await client.beta.sessions.events.stream(session.id)
  const sent = await client.beta.sessions.events.send(session.id, { events: [say('hi')] })
  expect(sent.data?.[0]).toMatchObject({ type: 'user.message', processed_at: null })
  expect((await client.beta.sessions.retrieve(session.id)).status).toBe('running')
  clock.advance(1000)
  const events = await readUntil(stream, 'session.status_idle')
  expect(typesOf(events)).toEqual([
    'user.message',
    'user.message',
    'session.status_running',
    'session.thread_status_running',
    'span.model_request_start',
    'agent.message',
    'span.model_request_end',
    'session.thread_status_idle',
    'session.usage',
    'session.status_idle',
  ])
  const listed = (await client.beta.sessions.events.list(session.id)).data
  expect(typesOf(listed)).toEqual(typesOf(events).slice(1))
  expect(await client.beta.sessions.retrieve(session.id)).toMatchObject({
    status: 'idle',
    usage: {
      input_tokens: 1200,
      output_tokens: 240,
      cache_creation: { ephemeral_5m_input_tokens: 800 },
      active_seconds: 0.04,
    },
  })
})

test('a message sent while a turn runs waits for its end and is seen twice under one id', async () => {
  const { client, clock, startSession } = await house()
  const session = await startSession()
  await client.beta.sessions.events.send(session.id, { events: [say('one')] })
  const stream = await client.beta.sessions.events.stream(session.id)
  const queued = await client.beta.sessions.events.send(session.id, { events: [say('two')] })
  clock.advance(1000)
  const events = [...(await readUntil(stream, 'session.status_idle'))]
  expect(events[0]).toMatchObject({ id: queued.data?.[0]?.id, processed_at: null })
  const listed = (await client.beta.sessions.events.list(session.id)).data
  const at = listed.findIndex(({ id }) => id === queued.data?.[0]?.id)
  expect(typesOf(listed.slice(at - 1, at + 2))).toEqual([
    'session.status_idle',
    'user.message',
    'session.status_running',
  ])
})

test.each(['allow', 'deny'] as const)('a tool that asks waits for the answer: %s', async (result) => {
  const { client, clock, startSession } = await house({ scenario: 'tool_confirmation' })
  const session = await startSession()
  await client.beta.sessions.events.send(session.id, { events: [say('list files')] })
  clock.advance(3_600_000)
  const [waiting] = (await client.beta.sessions.events.list(session.id, { order: 'desc', limit: 1 })).data
  const [use] = (await client.beta.sessions.events.list(session.id, { types: ['agent.tool_use'] })).data
  expect(waiting).toMatchObject({ stop_reason: { type: 'requires_action', event_ids: [use?.id] } })
  const confirm = (id: string) =>
    client.beta.sessions.events.send(session.id, {
      events: [{ type: 'user.tool_confirmation', tool_use_id: id, result }],
    })
  expect(await statusOf(confirm('sevt_unknown'))).toBe(400)
  await confirm(use?.id ?? '')
  clock.advance(1000)
  const [done] = (await client.beta.sessions.events.list(session.id, { types: ['agent.tool_result'] })).data
  expect(done).toMatchObject({ tool_use_id: use?.id, is_error: result === 'deny' })
  expect((await client.beta.sessions.retrieve(session.id)).status).toBe('idle')
})

test('spans of a child thread are on its own stream only, and its status has another id on the primary', async () => {
  const { client, clock, startSession } = await house({ scenario: 'child_thread' })
  const session = await startSession()
  await client.beta.sessions.events.send(session.id, { events: [say('research')] })
  clock.advance(60_000)
  const threads = (await client.beta.sessions.threads.list(session.id)).data
  const child = threads.find(({ parent_thread_id }) => parent_thread_id !== null)
  expect(child?.agent).toMatchObject({ name: 'researcher', model: { id: 'claude-haiku-4-5' } })
  const own = (await client.beta.sessions.threads.events.list(child?.id ?? '', { session_id: session.id }))
    .data
  const primary = (await client.beta.sessions.events.list(session.id, { limit: 1000 })).data
  const spans = (events: readonly { type: string }[]) =>
    events.filter(({ type }) => type === 'span.model_request_end').length
  expect([spans(own), spans(primary)]).toEqual([1, 2])
  const ids = new Set(primary.map(({ id }) => id))
  expect(own.some(({ id }) => ids.has(id))).toBe(false)
  const copies = primary.filter(
    (event) => 'session_thread_id' in event && event.session_thread_id === child?.id,
  )
  expect(typesOf(copies)).toEqual([
    'session.thread_created',
    'session.thread_status_running',
    'session.thread_status_idle',
  ])
})

test('an interrupt ends the turn at once and still closes the open model request', async () => {
  const { client, clock, startSession } = await house({ scenario: 'long' })
  const session = await startSession()
  await client.beta.sessions.events.send(session.id, { events: [say('work')] })
  clock.advance(7)
  await client.beta.sessions.events.send(session.id, { events: [{ type: 'user.interrupt' }] })
  const listed = (await client.beta.sessions.events.list(session.id, { limit: 1000 })).data
  const count = (type: string) => listed.filter((event) => event.type === type).length
  expect(count('span.model_request_end')).toBe(count('span.model_request_start'))
  expect(listed.at(-1)).toMatchObject({ type: 'session.status_idle', stop_reason: { type: 'end_turn' } })
  clock.advance(60_000)
  expect((await client.beta.sessions.events.list(session.id, { limit: 1000 })).data).toHaveLength(
    listed.length,
  )
})

test('a running session cannot be deleted; a deleted one ends its streams and stays on the bill', async () => {
  const { client, clock, simulator, startSession } = await house()
  const session = await startSession()
  await client.beta.sessions.events.send(session.id, { events: [say('hi')] })
  expect(await statusOf(client.beta.sessions.delete(session.id))).toBe(400)
  clock.advance(1000)
  const stream = await client.beta.sessions.events.stream(session.id)
  await client.beta.sessions.delete(session.id)
  expect(typesOf(await collect(stream))).toEqual(['session.deleted'])
  expect(await statusOf(client.beta.sessions.retrieve(session.id))).toBe(404)
  expect(simulator.bill().sessions).toMatchObject([
    { session_id: session.id, is_deleted: true, running_ms: 40 },
  ])
})

test('a scenario given as data is played, event types nobody knows included', async () => {
  const turns = [[{ type: 'agent.telepathy', delayMs: 5, fields: { clarity: 3 } }]]
  const { client, clock, startSession } = await house({ scenario: { name: 'custom', turns } })
  const session = await startSession()
  await client.beta.sessions.events.send(session.id, { events: [say('think')] })
  clock.advance(5)
  const listed = (await client.beta.sessions.events.list(session.id)).data
  expect(listed.map((event): unknown => event)).toContainEqual(
    expect.objectContaining({ type: 'agent.telepathy', clarity: 3 }),
  )
  expect(listed.at(-1)?.type).toBe('session.status_idle')
  expect(await statusOf(startSession({ simulator_scenario: 'nonsense' }))).toBe(400)
})

test('a scenario that cannot be played is refused at the start, with the reason', async () => {
  const start = (step: object) =>
    startSimulator({ scenario: { name: 'bad', turns: [[{ type: 'x', ...step }]] } })
  await expect(start({ type: 'span.model_request_end' })).rejects.toThrow(/needs `fields.model_usage`/)
  await expect(start({ thread: 'nobody' })).rejects.toThrow(/no thread `nobody`/)
  await expect(startSimulator({ scenario: 'nonsense' })).rejects.toThrow(/choose one of `default`/)
})

test('a missing or unknown key is 401, a missing beta 404, each in the envelope with the request id', async () => {
  const { simulator } = await house()
  const ask = async (headers: Record<string, string>) => {
    const response = await fetch(`${simulator.url}/v1/agents`, { headers })
    const body: unknown = await response.json()
    expect(response.headers.get('anthropic-workspace-id')).toMatch(/^wrkspc_/)
    return { status: response.status, id: response.headers.get('request-id'), body }
  }
  const beta = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'managed-agents-2026-04-01' }
  const refused = await ask({ ...beta, 'x-api-key': 'wrong-secret' })
  expect(refused).toMatchObject({
    status: 401,
    body: { type: 'error', error: { type: 'authentication_error' }, request_id: refused.id },
  })
  expect((await ask(beta)).status).toBe(401)
  expect((await ask({ 'x-api-key': simulator.apiKey, 'anthropic-version': '2026-10-21' })).status).toBe(404)
  expect((await ask({ 'x-api-key': simulator.apiKey, ...beta })).status).toBe(200)
  const seen = simulator.requests().slice(-4)
  expect(seen.map(({ keyIndex }) => keyIndex)).toEqual([null, null, 0, 0])
  expect(seen[0]?.headers['x-api-key']).toBe('[unknown]')
  expect(JSON.stringify(seen)).not.toMatch(/wrong-secret|sk-ant-sim-local/)
})

test('a body that is no JSON is 400 and one over 32 MB is 413, on a connection that stays usable', async () => {
  const { simulator } = await house()
  const headers = {
    'x-api-key': simulator.apiKey,
    'anthropic-version': '2026-10-21',
    'anthropic-beta': 'managed-agents-2026-04-01',
  }
  const post = async (body: string | Buffer) => {
    const response = await fetch(`${simulator.url}/v1/agents`, { method: 'POST', headers, body })
    await response.text()
    return response.status
  }
  expect(await post('{"name":')).toBe(400)
  expect(await post(Buffer.alloc(33 * 1024 * 1024, ' '))).toBe(413)
  expect(await post('{"name":"a","model":"claude-opus-5","x_new":1}')).toBe(200)
  expect(simulator.requests().at(-1)).toMatchObject({ status: 200, path: '/v1/agents', bodyBytes: 46 })
})

test('a stream sends its head at once, pings while quiet, previews on request, and ends with the simulator', async () => {
  const { simulator, client, clock, startSession } = await house({ heartbeatMs: 1000 })
  const session = await startSession()
  const response = await fetch(
    `${simulator.url}/v1/sessions/${session.id}/events/stream?event_deltas%5B%5D=agent.message`,
    {
      headers: {
        'x-api-key': simulator.apiKey,
        'anthropic-version': '2026-10-21',
        'anthropic-beta': 'managed-agents-2026-04-01',
      },
    },
  )
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  expect(simulator.openStreams()).toBe(1)
  clock.advance(1000)
  await client.beta.sessions.events.send(session.id, { events: [say('hi')] })
  clock.advance(100)
  const text = response.text()
  await simulator.close()
  const names = [...(await text).matchAll(/^event: (.*)$/gm)].map(([, name]) => name)
  expect(names[0]).toBe('ping')
  expect(names.join(' ')).toContain(
    'span.model_request_start event_start event_delta event_delta agent.message',
  )
  expect(simulator.openStreams()).toBe(0)
})

test('a thousand streams at once each get every event', async () => {
  const { simulator, client, clock, startSession } = await house()
  const session = await startSession()
  const streams = await Promise.all(
    Array.from({ length: 1000 }, () => client.beta.sessions.events.stream(session.id)),
  )
  expect(simulator.openStreams()).toBe(1000)
  await client.beta.sessions.events.send(session.id, { events: [say('hi')] })
  clock.advance(1000)
  const counts = await Promise.all(
    streams.map(async (stream) => (await readUntil(stream, 'session.status_idle')).length),
  )
  expect(new Set(counts)).toEqual(new Set([10]))
})

test('walking pages in either order, while the list grows, shows everything that was there once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom('asc' as const, 'desc' as const),
      (length, limit, order) => {
        const items = Array.from({ length }, (_, at) => ({ order: at * 3, item: at }))
        const seen: number[] = []
        let cursor: string | null = ''
        while (cursor !== null) {
          const query = new URLSearchParams({ limit: String(limit), ...(cursor ? { page: cursor } : {}) })
          const page = paginate(items, query, order)
          seen.push(...page.data)
          cursor = page.next_page
          if (items.length < length + 5) items.push({ order: items.length * 3, item: items.length })
        }
        const known = seen.filter((item) => item < length)
        expect(known).toEqual(
          order === 'asc' ? [...known.keys()] : [...known.keys()].map((at) => length - 1 - at),
        )
        expect(known).toHaveLength(length)
      },
    ),
  )
})
