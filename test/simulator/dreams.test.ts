// Dreams of the stand-in upstream, as the SDK sees them.
import { expect, test } from 'vitest'
import { agentRoutes } from '../../src/simulator/agents/agents.ts'
import { dreamCharges } from '../../src/simulator/dreams/dream-record.ts'
import { dreamPace } from '../../src/simulator/dreams/dream-run.ts'
import { dreamRoutes } from '../../src/simulator/dreams/dreams.ts'
import { environmentRoutes } from '../../src/simulator/environments/environments.ts'
import { createEventStreams } from '../../src/simulator/http/event-stream.ts'
import { memoryStoreRoutes } from '../../src/simulator/memory/memory-stores.ts'
import { sessionEventRoutes } from '../../src/simulator/sessions/session-events.ts'
import { sessionRoutes } from '../../src/simulator/sessions/sessions.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'
import { collect, refusalOf, startWorld } from '../support/simulated-world.ts'

const model = 'claude-opus-4-8'
const untilWorkMs = dreamPace.queueMs + dreamPace.copyMs
/** A dream over two sessions, from creation to its end. */
const wholeMs = untilWorkMs + 2 * dreamPace.readMs + dreamPace.writeMs

async function house() {
  const started = await startWorld((world) => [
    ...agentRoutes(world),
    ...environmentRoutes(world),
    ...sessionRoutes(world),
    ...sessionEventRoutes(world, createEventStreams(world.clock, 15_000)),
    ...memoryStoreRoutes(world),
    ...dreamRoutes(world),
  ])
  const { dreams, memoryStores, sessions, agents, environments } = started.client.beta
  const environment_id = (await environments.create({ name: 'test' })).id
  const agent = (await agents.create({ name: 'helper', model })).id
  const inputs = [
    await sessions.create({ agent, environment_id }),
    await sessions.create({ agent, environment_id }),
  ].map(({ id }) => id)
  const store = await memoryStores.create({ name: 'Notes', description: 'what we know' })
  await memoryStores.memories.create(store.id, { path: '/a/b.md', content: 'known' })
  const params = (session_ids = inputs) => ({
    model,
    inputs: [
      { type: 'memory_store' as const, memory_store_id: store.id },
      { type: 'sessions' as const, session_ids },
    ],
  })
  const start = (more: object = {}) => dreams.create({ ...params(), ...more })
  const inPlace = { output_behavior: { type: 'update_existing', memory_store_id: store.id } }
  return { ...started, dreams, memoryStores, sessions, inputs, store, params, start, inPlace }
}

const noTokens = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
}

test('a dream goes from pending over running to completed, its tokens growing with every session read', async () => {
  const { dreams, start, clock, inputs } = await house()
  const pending = await start({ model: { id: model }, instructions: 'be brief' })
  expectInterface(pending, 'dreams', 'BetaDream')
  expect(pending).toMatchObject({
    status: 'pending',
    outputs: [],
    session_id: null,
    ended_at: null,
    error: null,
    instructions: 'be brief',
    model: { id: model, speed: 'standard' },
    output_behavior: { type: 'create_new' },
    usage: noTokens,
  })
  expect(pending.inputs[1]).toMatchObject({ session_ids: inputs.toSorted() })
  clock.advance(dreamPace.queueMs)
  expect(await dreams.retrieve(pending.id)).toMatchObject({
    status: 'running',
    outputs: [],
    session_id: expect.stringMatching(/^sesn_/),
  })
  clock.advance(dreamPace.copyMs)
  expect((await dreams.retrieve(pending.id)).outputs).toHaveLength(1)
  const seen: number[] = []
  for (const ms of [dreamPace.readMs, dreamPace.readMs, dreamPace.writeMs]) {
    clock.advance(ms)
    seen.push((await dreams.retrieve(pending.id)).usage.output_tokens)
  }
  expect(seen).toEqual([600, 1200, 1800])
  const completed = await dreams.retrieve(pending.id)
  expectInterface(completed, 'dreams', 'BetaDream')
  expect(completed).toMatchObject({ status: 'completed', ended_at: new Date(clock.nowMs()).toISOString() })
})

test('by default the result is a new store that began as a copy, and the input stays as it was', async () => {
  const { dreams, memoryStores, start, store, clock } = await house()
  const { id } = await start()
  clock.advance(wholeMs)
  const dream = await dreams.retrieve(id)
  const output = dream.outputs[0]?.memory_store_id ?? ''
  expect(output).not.toBe(store.id)
  expect(await memoryStores.retrieve(output)).toMatchObject({
    description: 'what we know',
    archived_at: null,
  })
  const written = await collect(memoryStores.memories.list(output, { view: 'full' }))
  expect(written).toMatchObject([{ path: '/a/b.md', content: 'known' }, { path: `/${id}.md` }])
  expect(await collect(memoryStores.memories.list(store.id))).toHaveLength(1)
  const versions = await collect(memoryStores.memoryVersions.list(output))
  for (const { created_by } of versions) {
    expect(created_by).toEqual({ type: 'session_actor', session_id: dream.session_id })
  }
})

test('the session of a dream tells what it does, shows the same tokens, and is archived at the end', async () => {
  const { dreams, sessions, start, clock } = await house()
  const { id } = await start()
  clock.advance(untilWorkMs)
  const sessionId = (await dreams.retrieve(id)).session_id ?? ''
  expect((await sessions.retrieve(sessionId)).status).toBe('running')
  clock.advance(wholeMs)
  const session = await sessions.retrieve(sessionId)
  const { usage } = await dreams.retrieve(id)
  expect(session.status).toBe('terminated')
  expect(session.archived_at).not.toBeNull()
  expect(session.usage).toMatchObject({
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_read_input_tokens: usage.cache_read_input_tokens,
  })
  const events = await collect(sessions.events.list(sessionId))
  const count = (type: string) => events.filter((event) => event.type === type).length
  expect([count('span.model_request_end'), count('agent.tool_use'), count('session.status_idle')]).toEqual([
    3, 3, 1,
  ])
})

test('what a dream is billed for is what it shows, and its session is named so that nobody counts it twice', async () => {
  const { world, dreams, start, clock } = await house()
  const { id } = await start()
  expect(dreamCharges(world)).toEqual([{ dreamId: id, sessionId: null, model, requests: [] }])
  clock.advance(wholeMs)
  const { usage, session_id } = await dreams.retrieve(id)
  const [charge] = dreamCharges(world)
  const sum = (read: (request: NonNullable<typeof charge>['requests'][number]) => number) =>
    charge?.requests.reduce((total, request) => total + read(request), 0)
  expect(charge).toMatchObject({ dreamId: id, sessionId: session_id, model })
  expect({
    input_tokens: sum(({ inputTokens }) => inputTokens),
    output_tokens: sum(({ outputTokens }) => outputTokens),
    cache_read_input_tokens: sum(({ cacheReadTokens }) => cacheReadTokens),
    cache_creation_input_tokens: sum((each) => each.cacheWrite5mTokens + each.cacheWrite1hTokens),
  }).toEqual(usage)
})

test('a dream in place holds its store until its last request is over, even when it is cancelled', async () => {
  const { dreams, memoryStores, start, inPlace, store, clock } = await house()
  const dream = await start(inPlace)
  const held = await refusalOf(start(inPlace))
  expect(held).toMatchObject({ status: 409, type: 'conflict_error' })
  expect(held.message).toContain(dream.id)
  expect(held.headers.get('x-should-retry')).toBe('false')
  clock.advance(untilWorkMs)
  expect((await dreams.retrieve(dream.id)).outputs).toMatchObject([{ memory_store_id: store.id }])
  expect(await refusalOf(memoryStores.archive(store.id))).toMatchObject({ status: 400 })

  const canceled = await dreams.cancel(dream.id)
  expect(canceled).toMatchObject({ status: 'canceled', usage: noTokens })
  expect(await dreams.cancel(dream.id)).toEqual(canceled)
  expect(await refusalOf(start(inPlace))).toMatchObject({ status: 409 })
  expect(await refusalOf(memoryStores.delete(store.id))).toMatchObject({ status: 400 })
  clock.advance(dreamPace.readMs)
  const after = await dreams.retrieve(dream.id)
  expect(after).toMatchObject({ ...canceled, usage: { output_tokens: 600 } })
  clock.advance(wholeMs)
  expect(await dreams.retrieve(dream.id)).toEqual(after)

  const { id } = await start(inPlace)
  clock.advance(wholeMs)
  expect(await dreams.retrieve(id)).toMatchObject({
    status: 'completed',
    outputs: [{ memory_store_id: store.id }],
  })
  const written = await collect(memoryStores.memories.list(store.id))
  expect(written.map(({ path }) => path)).toEqual(['/a/b.md', `/${id}.md`])
})

test('a dream cancelled before it starts never runs and costs nothing', async () => {
  const { dreams, start, inPlace, clock } = await house()
  const { id } = await start(inPlace)
  const canceled = await dreams.cancel(id)
  await dreams.cancel((await start(inPlace)).id)
  clock.advance(wholeMs)
  expect(await dreams.retrieve(id)).toEqual({ ...canceled, session_id: null, outputs: [], usage: noTokens })
})

test('a dream fails when its store or one of its sessions goes away, and keeps what it wrote', async () => {
  const { dreams, memoryStores, sessions, start, inputs, store, clock } = await house()
  const first = await start()
  clock.advance(untilWorkMs)
  await sessions.delete(inputs[0] ?? '')
  clock.advance(wholeMs)
  const failed = await dreams.retrieve(first.id)
  expect(failed).toMatchObject({
    status: 'failed',
    error: { type: 'input_session_unavailable' },
    usage: { output_tokens: 600 },
  })
  expectInterface(failed.error, 'dreams', 'BetaDreamErrorObject')
  await memoryStores.retrieve(failed.outputs[0]?.memory_store_id ?? '')

  const second = await dreams.create({
    model,
    inputs: [
      { type: 'memory_store', memory_store_id: store.id },
      { type: 'sessions', session_ids: [inputs[1] ?? ''] },
    ],
  })
  await memoryStores.archive(store.id)
  clock.advance(wholeMs)
  expect(await dreams.retrieve(second.id)).toMatchObject({
    status: 'failed',
    error: { type: 'input_memory_store_unavailable' },
    outputs: [],
  })
  expect(await refusalOf(dreams.cancel(second.id))).toMatchObject({ status: 400 })
})

test('only a dream that is over can be archived, and lists leave archived ones out', async () => {
  const { dreams, start, clock } = await house()
  const ids: string[] = []
  for (let at = 0; at < 5; at++) {
    ids.unshift((await start()).id)
    clock.advance(1000)
  }
  const last = ids[4] ?? ''
  expect(await refusalOf(dreams.archive(last))).toMatchObject({ status: 400 })
  clock.advance(wholeMs - 4000)
  const archived = await dreams.archive(last)
  expect(archived).toMatchObject({ status: 'completed', archived_at: expect.any(String) })
  expect(await dreams.archive(last)).toEqual(archived)
  const list = async (query: object = {}) => (await collect(dreams.list(query))).map(({ id }) => id)
  expect(await list({ limit: 2 })).toEqual(ids.slice(0, 4))
  expect(await list({ include_archived: true, limit: 2 })).toEqual(ids)
  expect(await list({ statuses: ['completed', 'failed'], include_archived: true })).toEqual(ids.slice(3))
  const middle = (await dreams.retrieve(ids[2] ?? '')).created_at
  expect(await list({ 'created_at[gt]': middle })).toEqual(ids.slice(0, 2))
  expect(await list({ 'created_at[lt]': middle })).toEqual([ids[3]])
  expect(await refusalOf(list({ statuses: ['asleep'] }))).toMatchObject({ status: 400 })
  expect(await refusalOf(list({ limit: 101 }))).toMatchObject({ status: 400 })
  expect(await refusalOf(dreams.retrieve('drm_none'))).toMatchObject({ status: 404 })
})

test('a dream needs one store and one list of sessions that are there, and a model that can run it', async () => {
  const { dreams, memoryStores, store, inputs, params } = await house()
  const archived = await memoryStores.create({ name: 'old' })
  await memoryStores.archive(archived.id)
  const [storeInput, sessionsInput] = params().inputs
  const of = (...entries: unknown[]) => ({ inputs: entries })
  const sessionsOf = (...session_ids: string[]) => of(storeInput, { type: 'sessions', session_ids })
  const [one = ''] = inputs
  const cases: readonly (readonly [object, number, RegExp])[] = [
    [of(storeInput), 400, /^inputs: .*sessions/],
    [of(sessionsInput), 400, /^inputs: .*memory_store/],
    [of(storeInput, storeInput, sessionsInput), 400, /^inputs: /],
    [sessionsOf(), 400, /^inputs.1.session_ids: /],
    [sessionsOf(...Array.from({ length: 101 }, (_, at) => `sesn_${at}`)), 400, /^inputs.1.session_ids: /],
    [sessionsOf(one, one), 400, /^inputs.1.session_ids: /],
    [sessionsOf('sesn_none'), 404, /sesn_none/],
    [of({ type: 'memory_store', memory_store_id: archived.id }, sessionsInput), 400, /archived/],
    [{ model: 'gpt' }, 400, /^model: /],
    [{ model: { id: model, speed: 'fast' } }, 400, /^model/],
    [{ instructions: 'x'.repeat(4097) }, 400, /^instructions: /],
    [{ output_behavior: { type: 'update_existing', memory_store_id: archived.id } }, 400, /^output_behavior/],
  ]
  for (const [change, status, message] of cases) {
    const refusal = await refusalOf(dreams.create(Object({ ...params(), ...change })))
    expect(refusal, JSON.stringify(change).slice(0, 80)).toMatchObject({ status })
    expect(refusal.message).toMatch(message)
  }
  expect(
    await dreams.create({
      ...params(),
      output_behavior: { type: 'update_existing', memory_store_id: store.id },
    }),
  ).toMatchObject({ status: 'pending' })
})
