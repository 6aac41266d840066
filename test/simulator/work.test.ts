// The work queue of self-hosted environments, and the SDK's own worker run against it, unmodified.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic, { APIError, toFile } from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createManualClock, type ScenarioInput, startSimulator } from '../../src/simulator/simulator.ts'
import { until } from '../support/until.ts'

const usage = { input_tokens: 10, output_tokens: 5 }
const says = (text: string) => [
  { type: 'span.model_request_start' },
  { type: 'agent.message', fields: { content: [{ type: 'text', text }] } },
  { type: 'span.model_request_end', fields: { model_usage: usage } },
]
const uses = (name: string, input: object, permission: 'allow' | 'ask' = 'allow') => ({
  type: 'agent.tool_use',
  fields: { name, input, evaluated_permission: permission },
})
const waits = { type: 'session.status_idle', fields: { stop_reason: { type: 'requires_action' } } }

/** An agent that writes a file and reads it back, in a sandbox that is not ours. */
const writesAndReads = {
  name: 'writes_and_reads',
  turns: [
    [
      ...says('I will write the file.'),
      uses('write', { file_path: 'note.txt', content: 'from the worker' }),
      waits,
      ...says('Now I will read it.'),
      uses('bash', { command: 'cat note.txt' }),
      waits,
      ...says('Done.'),
    ],
  ],
} satisfies ScenarioInput

/** The same with a question in between. */
const asksFirst = {
  name: 'asks_first',
  turns: [[uses('bash', { command: 'echo confirmed > note.txt' }, 'ask'), waits, ...says('Done.')]],
} satisfies ScenarioInput

async function house() {
  const clock = createManualClock()
  const simulator = await startSimulator({
    clock,
    scenario: writesAndReads,
    scenarios: [asksFirst],
    selfHosted: [{ environmentId: 'env_seat', environmentKey: 'key-of-the-seat' }],
  })
  onTestFinished(simulator.close)
  const baseURL = simulator.url
  const client = new Anthropic({ baseURL, apiKey: simulator.apiKey, maxRetries: 0 })
  const keyed = (authToken: string) => new Anthropic({ baseURL, authToken, maxRetries: 0 })
  const agent = await client.beta.agents.create({
    name: 'helper',
    model: 'claude-sonnet-5-5',
    tools: [{ type: 'agent_toolset_20260401' }],
  })
  const startSession = (environmentId = 'env_seat', metadata: Record<string, string> = {}) =>
    client.beta.sessions.create({ agent: agent.id, environment_id: environmentId, metadata })
  const worker = keyed('key-of-the-seat').beta.environments.work
  return {
    simulator,
    clock,
    client,
    keyed,
    agent,
    startSession,
    worker,
    operator: client.beta.environments.work,
  }
}

const seat = { environment_id: 'env_seat' }
const say = (text: string) => ({ type: 'user.message' as const, content: [{ type: 'text' as const, text }] })

const secretSchema = z.strictObject({ sessions_token: z.string(), api_base_url: z.string() })
const openSecret = (secret: string | null | undefined) =>
  secretSchema.parse(JSON.parse(Buffer.from(secret ?? '', 'base64url').toString()))

/** What the upstream said when it refused. */
async function refusal(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof APIError)) throw new Error('it was not refused')
  return { status: error.status, code: error.errorCode ?? null, details: error.details }
}

/** Claims and acknowledges the next item. */
async function take({ worker }: Awaited<ReturnType<typeof house>>) {
  const item = await worker.poll('env_seat')
  if (item === null) throw new Error('there was no work')
  await worker.ack(item.id, seat)
  return item
}

test('a session on a self-hosted environment is work once, handed to one worker with a token of its own', async () => {
  const { simulator, clock, client, worker, operator, startSession } = await house()
  expect(await worker.poll('env_seat')).toBeNull()
  const cloud = await client.beta.environments.create({ name: 'cloud' })
  await startSession(cloud.id)
  const session = await startSession()
  expect(await operator.stats('env_seat')).toEqual({
    type: 'work_queue_stats',
    depth: 1,
    pending: 0,
    oldest_queued_at: '2026-12-01T00:00:00.000Z',
    workers_polling: null,
  })
  clock.advance(1000)
  const item = await worker.poll('env_seat', { 'Anthropic-Worker-ID': 'worker-1' })
  expect(item).toEqual({
    id: expect.stringMatching(/^work_/),
    type: 'work',
    environment_id: 'env_seat',
    data: { type: 'session', id: session.id },
    state: 'queued',
    secret: expect.any(String),
    metadata: {},
    created_at: '2026-12-01T00:00:00.000Z',
    acknowledged_at: null,
    started_at: null,
    latest_heartbeat_at: null,
    stop_requested_at: null,
    stopped_at: null,
  })
  const secret = openSecret(item?.secret)
  expect(secret).toEqual({
    sessions_token: expect.stringMatching(/^sk-ant-req-/),
    api_base_url: simulator.url,
  })
  expect(await worker.poll('env_seat', { 'Anthropic-Worker-ID': 'worker-2' })).toBeNull()
  expect(await operator.stats('env_seat')).toMatchObject({ depth: 0, pending: 1, workers_polling: 2 })

  const id = item?.id ?? ''
  expect(await worker.ack(id, seat)).toMatchObject({
    state: 'starting',
    acknowledged_at: '2026-12-01T00:00:01.000Z',
    secret: null,
  })
  clock.advance(30_001)
  expect(await operator.stats('env_seat')).toMatchObject({
    depth: 0,
    pending: 0,
    oldest_queued_at: null,
    workers_polling: 0,
  })
  await client.beta.sessions.events.send(session.id, { events: [say('go')] })
  expect(await worker.poll('env_seat')).toBeNull()
  expect(await operator.retrieve(id, seat)).toMatchObject({ id, secret: null, state: 'starting' })
})

test('work not acknowledged is handed out again, after five seconds or as soon as the poll says', async () => {
  const { clock, worker, startSession } = await house()
  await startSession()
  const first = await worker.poll('env_seat')
  clock.advance(4999)
  expect(await worker.poll('env_seat')).toBeNull()
  clock.advance(1)
  const second = await worker.poll('env_seat')
  expect(second?.id).toBe(first?.id)
  expect(openSecret(second?.secret)).not.toEqual(openSecret(first?.secret))
  clock.advance(100)
  expect(await worker.poll('env_seat', { reclaim_older_than_ms: 101 })).toBeNull()
  expect((await worker.poll('env_seat', { reclaim_older_than_ms: 100 }))?.id).toBe(first?.id)
})

test('a blocking poll gets work the moment there is some, and nothing when its time is over', async () => {
  const { simulator, clock, worker, startSession } = await house()
  const isWaiting = () => until(clock.pending, (timers) => timers > quiet)
  const quiet = clock.pending()
  const empty = worker.poll('env_seat', { block_ms: 999 })
  await isWaiting()
  clock.advance(999)
  expect(await empty).toBeNull()

  const served = worker.poll('env_seat', { block_ms: 999 })
  await isWaiting()
  const session = await startSession()
  expect((await served)?.data).toEqual({ type: 'session', id: session.id })
  expect(clock.pending()).toBe(quiet)

  // A worker that hung up takes nothing with it.
  const abort = new AbortController()
  const gone = worker.poll('env_seat', { block_ms: 999 }, { signal: abort.signal })
  await isWaiting()
  abort.abort()
  await expect(gone).rejects.toThrow()
  await until(clock.pending, (timers) => timers === quiet)
  const next = await startSession()
  expect((await worker.poll('env_seat'))?.data.id).toBe(next.id)

  for (const wrong of [0, 1000, 1.5]) {
    expect(await refusal(worker.poll('env_seat', { block_ms: wrong }))).toMatchObject({ status: 400 })
  }
  expect(simulator.requests().at(-1)?.status).toBe(400)
})

test('a heartbeat keeps the lease only for the worker that sent the last one', async () => {
  const room = await house()
  const { clock, worker } = room
  const session = await room.startSession()
  const item = await take(room)
  const beat = (expected: string | null, ttl?: number) =>
    worker.heartbeat(item.id, {
      ...seat,
      ...(expected === null ? {} : { expected_last_heartbeat: expected }),
      ...(ttl === undefined ? {} : { desired_ttl_seconds: ttl }),
    })
  const first = await beat('NO_HEARTBEAT', 60)
  expect(first).toEqual({
    type: 'work_heartbeat',
    last_heartbeat: '2026-12-01T00:00:00.000Z',
    lease_extended: true,
    state: 'active',
    ttl_seconds: 60,
  })
  expect(await refusal(beat('NO_HEARTBEAT'))).toEqual({
    status: 412,
    code: 'heartbeat_precondition_failed',
    details: {
      error_code: 'heartbeat_precondition_failed',
      current_state: {
        last_heartbeat: first.last_heartbeat,
        lease_extended: false,
        state: 'active',
        ttl_seconds: 60,
      },
    },
  })
  clock.advance(59_999)
  expect(await worker.poll('env_seat', { reclaim_older_than_ms: 0 })).toBeNull()
  const second = await beat(first.last_heartbeat)
  clock.advance(60_000)
  const reclaimed = await worker.poll('env_seat')
  expect([reclaimed?.id, reclaimed?.data.id]).toEqual([item.id, session.id])
  expect(await refusal(beat(second.last_heartbeat))).toMatchObject({ status: 412 })
  await worker.ack(item.id, seat)
  expect(await beat('NO_HEARTBEAT')).toMatchObject({ lease_extended: true, state: 'active' })
})

test('a stop reaches the worker by its heartbeat, force ends the work at once, and a second end is a conflict', async () => {
  const room = await house()
  const { worker, operator, client } = room
  const session = await room.startSession()
  const item = await take(room)
  await worker.heartbeat(item.id, { ...seat, expected_last_heartbeat: 'NO_HEARTBEAT' })
  const stopping = await operator.stop(item.id, seat)
  expect([stopping.state, stopping.stopped_at]).toEqual(['stopping', null])
  expect(await worker.heartbeat(item.id, { ...seat, expected_last_heartbeat: 'anything' })).toMatchObject({
    state: 'stopping',
  })
  const stopped = await worker.stop(item.id, { ...seat, force: true })
  expect(stopped).toMatchObject({ state: 'stopped', stopped_at: '2026-12-01T00:00:00.000Z' })
  expect(await refusal(worker.stop(item.id, { ...seat, force: true }))).toMatchObject({ status: 409 })
  expect(await refusal(worker.ack(item.id, seat))).toMatchObject({ status: 409 })
  expect(await worker.heartbeat(item.id, seat)).toMatchObject({ state: 'stopped', lease_extended: false })

  await client.beta.sessions.events.send(session.id, { events: [say('once more')] })
  const again = await worker.poll('env_seat')
  expect(again?.data.id).toBe(session.id)
  expect(again?.id).not.toBe(item.id)
})

test('the operator lists every item over several pages and keeps notes on one', async () => {
  const { worker, operator, startSession } = await house()
  for (let at = 0; at < 5; at += 1) await startSession()
  const ids: string[] = []
  for await (const { id, secret } of worker.list('env_seat', { limit: 2 })) {
    expect(secret).toBeNull()
    ids.push(id)
  }
  expect(new Set(ids).size).toBe(5)
  const id = ids[0] ?? ''
  await operator.update(id, { ...seat, metadata: { rack: '7', note: 'slow' } })
  const noted = await operator.update(id, { ...seat, metadata: { note: null } })
  expect(noted.metadata).toEqual({ rack: '7' })
  const long = operator.update(id, { ...seat, metadata: { note: 'x'.repeat(513) } })
  expect(await refusal(long)).toMatchObject({ status: 400, code: 'invalid_metadata' })
})

test('every credential opens what is its own and nothing else', async () => {
  const room = await house()
  const { simulator, client, keyed, worker, operator, startSession } = room
  const other = await client.beta.environments.create({ name: 'other', config: { type: 'self_hosted' } })
  const answer = await fetch(`${simulator.url}/simulator/environments/${other.id}/keys`, { method: 'POST' })
  const { environment_key } = z.looseObject({ environment_key: z.string() }).parse(await answer.json())
  const [mine, foreign] = [await startSession(), await startSession(other.id)]
  const stranger = keyed(environment_key).beta
  expect((await stranger.environments.work.poll(other.id))?.data.id).toBe(foreign.id)

  const item = await take(room)
  const token = keyed(openSecret(item.secret).sessions_token).beta
  expect((await token.sessions.retrieve(mine.id)).id).toBe(mine.id)
  expect((await token.sessions.events.list(mine.id)).data).toEqual([])
  await token.environments.work.heartbeat(item.id, seat)

  const statuses = async (calls: readonly Promise<unknown>[]) =>
    Promise.all(calls.map(async (call) => (await refusal(call)).status))
  expect(
    await statuses([
      operator.poll('env_seat'),
      operator.ack(item.id, seat),
      operator.heartbeat(item.id, seat),
      (async () => await operator.list('env_seat'))(),
      worker.retrieve(item.id, seat),
      worker.update(item.id, { ...seat, metadata: {} }),
      token.environments.work.poll('env_seat'),
      token.agents.create({ name: 'x', model: 'claude-sonnet-5-5' }),
      token.sessions.delete(mine.id),
      worker.poll('env_seat', null, { headers: { authorization: null, 'x-api-key': 'key-of-the-seat' } }),
    ]),
  ).toEqual(Array.from({ length: 10 }, () => 401))
  expect(
    await statuses([
      worker.poll(other.id),
      stranger.environments.work.ack(item.id, seat),
      token.sessions.retrieve(foreign.id),
      token.sessions.events.send(foreign.id, { events: [say('hello')] }),
      stranger.sessions.retrieve(mine.id),
    ]),
  ).toEqual([403, 403, 403, 403, 403])
  const cloud = await client.beta.environments.create({ name: 'cloud' })
  expect(await refusal(operator.stats(cloud.id))).toMatchObject({ status: 400 })
  expect(await refusal(operator.retrieve('work_none', seat))).toMatchObject({ status: 404 })
})

test('a session token reads the skills and the memories of its session, and writes only where it may', async () => {
  const room = await house()
  const { client, keyed, agent } = room
  const { memoryStores, skills } = client.beta
  const [open, closed, foreign] = await Promise.all(
    ['open', 'closed', 'foreign'].map((name) => memoryStores.create({ name })),
  )
  const resource = (id = '', access: 'read_write' | 'read_only') => ({
    type: 'memory_store' as const,
    memory_store_id: id,
    access,
  })
  await client.beta.sessions.create({
    agent: agent.id,
    environment_id: 'env_seat',
    resources: [resource(open?.id, 'read_write'), resource(closed?.id, 'read_only')],
  })
  const text = '---\nname: greet\ndescription: greets\n---\nSay hello.'
  const skill = await skills.create({ files: [await toFile(Buffer.from(text), 'greet/SKILL.md')] })
  const item = await take(room)
  const token = keyed(openSecret(item.secret).sessions_token).beta
  const write = (id = '') => token.memoryStores.memories.create(id, { path: '/note.md', content: 'x' })

  expect((await write(open?.id)).path).toBe('/note.md')
  expect((await token.memoryStores.memories.list(open?.id ?? '')).data).toHaveLength(1)
  expect((await token.memoryStores.memories.list(closed?.id ?? '')).data).toEqual([])
  expect(await refusal(write(closed?.id))).toMatchObject({ status: 403 })
  expect(await refusal(write(foreign?.id))).toMatchObject({ status: 403 })
  const key = keyed('key-of-the-seat').beta
  expect(
    await refusal(key.memoryStores.memories.create(open?.id ?? '', { path: '/a', content: '' })),
  ).toMatchObject({
    status: 401,
  })
  const version = await token.skills.versions.retrieve('latest', { skill_id: skill.id })
  const archive = await token.skills.versions.download(version.id, { skill_id: skill.id })
  expect((await archive.arrayBuffer()).byteLength).toBeGreaterThan(text.length)
})

/** A worker of the SDK in an empty folder; `finish` ends it and answers when it has ended. */
async function runWorker({ client, simulator }: Awaited<ReturnType<typeof house>>) {
  const workdir = await mkdtemp(join(tmpdir(), 'worker-'))
  onTestFinished(() => rm(workdir, { recursive: true, force: true }))
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const options = { environmentId: 'env_seat', environmentKey: 'key-of-the-seat', workdir, maxIdleMs: 20 }
  const run = client.beta.environments.work.worker(options).run(abort.signal)
  const finish = async () => {
    abort.abort()
    await run
  }
  const sent = (path: string) => simulator.requests().filter((each) => each.path.endsWith(path))
  return { workdir, finish, sent }
}

test('the worker of the SDK runs a session to its end with the real tools, and gives the work back', async () => {
  const room = await house()
  const { client, operator, worker } = room
  const session = await room.startSession()
  await client.beta.sessions.events.send(session.id, { events: [say('write a note')] })
  const { workdir, finish, sent } = await runWorker(room)

  const [item] = (await worker.list('env_seat')).data
  const stopped = await until(
    () => operator.retrieve(item?.id ?? '', seat),
    ({ state }) => state === 'stopped',
  )
  expect(stopped.started_at).not.toBeNull()
  expect(await readFile(join(workdir, 'note.txt'), 'utf8')).toBe('from the worker')
  const events = (await client.beta.sessions.events.list(session.id, { limit: 1000 })).data
  const results = events.filter((event) => event.type === 'user.tool_result')
  const used = events.filter((event) => event.type === 'agent.tool_use')
  expect(results.map((event) => event.tool_use_id)).toEqual(used.map(({ id }) => id))
  expect(JSON.stringify(results.at(-1)?.content)).toContain('from the worker')
  expect(events.at(-1)).toMatchObject({ type: 'session.status_idle', stop_reason: { type: 'end_turn' } })
  // The environment key polls and acknowledges; everything about the session goes by the item's own token.
  for (const { headers } of sent('/events')) {
    if (headers['x-stainless-helper']?.includes('runner')) {
      expect(headers['authorization']).toBe('[session_token]')
    }
  }
  await finish()
})

test('a tool that asks waits for the person first and for the worker then', async () => {
  const room = await house()
  const { client, operator, worker } = room
  const session = await room.startSession('env_seat', { simulator_scenario: 'asks_first' })
  await client.beta.sessions.events.send(session.id, { events: [say('go')] })
  const { workdir, finish, sent } = await runWorker(room)
  await until(
    () => sent('/events?limit=1000').length,
    (reads) => reads > 0,
  )
  const [use] = (await client.beta.sessions.events.list(session.id, { types: ['agent.tool_use'] })).data
  await client.beta.sessions.events.send(session.id, {
    events: [{ type: 'user.tool_confirmation', tool_use_id: use?.id ?? '', result: 'allow' }],
  })
  const [item] = (await worker.list('env_seat')).data
  await until(
    () => operator.retrieve(item?.id ?? '', seat),
    ({ state }) => state === 'stopped',
  )
  expect(await readFile(join(workdir, 'note.txt'), 'utf8')).toBe('confirmed\n')
  const types = ['user.tool_confirmation', 'user.tool_result', 'session.status_idle'] as const
  const { data } = await client.beta.sessions.events.list(session.id, { types: [...types] })
  expect(
    data.map((event) => (event.type === 'session.status_idle' ? event.stop_reason.type : event.type)),
  ).toEqual(['requires_action', 'user.tool_confirmation', 'requires_action', 'user.tool_result', 'end_turn'])
  await finish()
})

test('a poller of one own, with a runner for each session, drains the queue and stops what it took', async () => {
  const { client, keyed, operator, worker, startSession } = await house()
  for (let at = 0; at < 3; at += 1) {
    const session = await startSession()
    await client.beta.sessions.events.send(session.id, { events: [say('go')] })
  }
  const texts: string[] = []
  const note = {
    name: 'write',
    description: 'writes nothing',
    input_schema: { type: 'object' as const },
    parse: (input: unknown) => input,
    run: () => 'written',
  }
  const tools = [note, { ...note, name: 'bash', run: () => 'read' }]
  const options = { environmentId: 'env_seat', environmentKey: 'key-of-the-seat', drain: true, blockMs: null }
  for await (const work of client.beta.environments.work.poller(options)) {
    const own = keyed(openSecret(work.secret).sessions_token).beta.sessions.events
    for await (const call of own.toolRunner(work.data.id, { tools, maxIdleMs: 20 })) {
      texts.push(`${call.name} ${call.posted}`)
    }
  }
  expect(texts).toEqual(Array.from({ length: 3 }, () => ['write true', 'bash true']).flat())
  for (const { id } of (await worker.list('env_seat')).data) {
    expect((await operator.retrieve(id, seat)).state).toBe('stopped')
  }
})
