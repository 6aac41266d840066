// Sessions through the SDK: change, list, archive, delete, and every field of every object.
import { toFile } from '@anthropic-ai/sdk'
import { expect, test } from 'vitest'
import { expectInterface } from '../support/sdk-interfaces.ts'
import { collect, openSessionHouse, refusalOf, say } from '../support/session-house.ts'

const budgetOf = (amount: string) => ({
  type: 'limit' as const,
  max_list_cost: { amount, currency: 'USD' as const },
})

/** One model request of ten dollars and a cent. */
const dear = {
  name: 'dear',
  turns: [
    [
      { type: 'span.model_request_start' },
      {
        type: 'span.model_request_end',
        fields: { model_usage: { input_tokens: 5_005_000, output_tokens: 0 } },
      },
    ],
  ],
}

test('every object has every field that the SDK declares, and no other', async () => {
  const { clock, client, sessions, create } = await openSessionHouse({ scenario: 'child_thread' })
  const upload = await client.beta.files.upload({ file: await toFile(Buffer.from('a,b'), 'data.csv') })
  const store = await client.beta.memoryStores.create({ name: 'notes' })
  const session = await create({
    budget: budgetOf('100000'),
    resources: [
      { type: 'github_repository', url: 'https://github.com/acme/site', authorization_token: 'ghp_x' },
      { type: 'file', file_id: upload.id },
      { type: 'memory_store', memory_store_id: store.id },
    ],
    initial_events: [
      { type: 'user.define_outcome', description: 'a page', rubric: { type: 'text', content: 'is one' } },
      say('go'),
    ],
  })
  expect(session.status).toBe('running')
  clock.advance(600_000)
  const done = await sessions.retrieve(session.id)
  const threads = await collect(sessions.threads.list(session.id))
  const [repository, file, attached] = done.resources
  const deleted = await sessions.delete(session.id)
  const declared: readonly (readonly [unknown, string, string])[] = [
    [session, 'sessions', 'Session'],
    [done, 'sessions', 'Session'],
    [done.agent, 'sessions', 'SessionAgent'],
    [done.usage, 'sessions', 'SessionUsage'],
    [done.stats, 'sessions', 'SessionStats'],
    [done.budget, 'sessions', 'BudgetLimit'],
    [done.outcome_evaluations[0], 'sessions', 'OutcomeEvaluationResource'],
    [deleted, 'sessions', 'DeletedSession'],
    [repository, 'resources', 'GitHubRepositoryResource'],
    [file, 'resources', 'FileResource'],
    [attached, 'resources', 'MemoryStoreResource'],
    ...threads.flatMap((thread): (readonly [unknown, string, string])[] => [
      [thread, 'threads/threads', 'SessionThread'],
      [thread.usage, 'threads/threads', 'SessionThreadUsage'],
      [thread.stats, 'threads/threads', 'SessionThreadStats'],
    ]),
  ]
  for (const [object, file, name] of declared) {
    expectInterface(object, `sessions/${file}`, `BetaManagedAgents${name}`)
  }
  expect(threads).toHaveLength(2)
})

test('an update tells what it changed and nothing else, and one that changes nothing tells nothing', async () => {
  const { clock, sessions, create } = await openSessionHouse()
  const session = await create({ title: 'first', metadata: { a: '1', b: '2' } })
  const stream = await sessions.events.stream(session.id)
  clock.advance(1000)
  const patched = await sessions.update(session.id, { title: 'second', metadata: { a: null, c: '3' } })
  expect(patched).toMatchObject({ title: 'second', metadata: { b: '2', c: '3' } })
  expect(Date.parse(patched.updated_at) - Date.parse(session.updated_at)).toBe(1000)
  await sessions.update(session.id, { title: 'second', metadata: { b: '2' }, agent: {} })
  await sessions.update(session.id, { metadata: { b: null, c: null } })
  await sessions.update(session.id, { title: null })
  const tool = {
    type: 'custom' as const,
    name: 'look',
    description: 'looks',
    input_schema: { type: 'object' as const },
  }
  const changed = await sessions.update(session.id, { agent: { tools: [tool] } })
  expect(changed.agent).toMatchObject({ version: 1, system: 'be kind', tools: [{ name: 'look' }] })
  await sessions.delete(session.id)
  const told = (await collect(stream)).map(
    ({ id: _, processed_at: __, ...rest }: object & { id?: string; processed_at?: unknown }) => rest,
  )
  expect(told).toEqual([
    { type: 'session.updated', title: 'second', metadata: { b: '2', c: '3' } },
    { type: 'session.updated' },
    { type: 'session.updated', title: null },
    { type: 'session.updated', agent: changed.agent },
    { type: 'session.deleted' },
  ])
})

test('vault_ids are always refused, and tools while the session is running', async () => {
  const { clock, sessions, create, send } = await openSessionHouse()
  const session = await create()
  expect(await refusalOf(sessions.update(session.id, { vault_ids: [] }))).toMatch(/^400 .*vault_ids/)
  await send(session.id, say('go'))
  expect(await refusalOf(sessions.update(session.id, { title: 'x', agent: { tools: [] } }))).toMatch(
    /^400 .*idle/,
  )
  expect((await sessions.update(session.id, { title: 'y' })).title).toBe('y')
  clock.advance(60_000)
  const nulled: object = { tools: null }
  expect(await refusalOf(sessions.update(session.id, { agent: nulled }))).toMatch(/^400 .*agent\.tools/)
  expect((await sessions.update(session.id, { agent: { tools: [] } })).agent.tools).toEqual([])
})

test('a budget can be replaced above what is consumed and removed for good, but never added', async () => {
  const { clock, sessions, create, send } = await openSessionHouse({ scenario: dear })
  const free = await create()
  expect(await refusalOf(sessions.update(free.id, { budget: budgetOf('9') }))).toMatch(
    /^400 budget_create_only/,
  )
  const session = await create({ budget: budgetOf('100000') })
  await send(session.id, say('spend'))
  clock.advance(1000)
  const { usage } = await sessions.retrieve(session.id)
  expect(usage.list_cost).toEqual({ amount: '1001', currency: 'USD' })
  expect(await refusalOf(sessions.update(session.id, { budget: budgetOf('1001') }))).toMatch(
    /^400 budget_not_raised/,
  )
  const lowered = await sessions.update(session.id, { budget: budgetOf('1002') })
  expect(lowered.budget).toEqual(budgetOf('1002'))
  expect((await sessions.update(session.id, { budget: null })).budget).toBeNull()
  expect(await refusalOf(sessions.update(session.id, { budget: budgetOf('5000') }))).toMatch(
    /^400 budget_create_only/,
  )
})

test('a session over its budget takes interrupts and no messages', async () => {
  const { clock, sessions, create, send } = await openSessionHouse({ scenario: dear })
  const session = await create({ budget: budgetOf('1000') })
  await send(session.id, say('spend'))
  clock.advance(1000)
  expect(await refusalOf(send(session.id, say('more')))).toMatch(/^400 .*budget/)
  expect(await refusalOf(send(session.id, { type: 'user.interrupt' }, say('more')))).toMatch(/^400 .*budget/)
  expect((await send(session.id, { type: 'user.interrupt' })).data).toHaveLength(1)
  await sessions.update(session.id, { budget: null })
  expect((await send(session.id, say('more'))).data).toHaveLength(1)
})

test('the list walks its pages both ways, in either order, and by every filter', async () => {
  const { clock, client, sessions, create, send, agent } = await openSessionHouse({
    scenario: 'tool_confirmation',
  })
  const store = await client.beta.memoryStores.create({ name: 'notes' })
  const other = await client.beta.agents.create({ name: 'other', model: 'claude-opus-5' })
  const made: string[] = []
  for (let at = 0; at < 5; at += 1) {
    const resources = at === 1 ? [{ type: 'memory_store' as const, memory_store_id: store.id }] : []
    made.push((await create({ agent: at === 2 ? other.id : agent.id, resources })).id)
    clock.advance(60_000)
  }
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = made
  const list = async (query: Parameters<typeof sessions.list>[0]) =>
    (await collect(sessions.list({ limit: 2, ...query }))).map(({ id }) => made.indexOf(id) + 1)
  expect(await list({})).toEqual([5, 4, 3, 2, 1])
  expect(await list({ order: 'asc' })).toEqual([1, 2, 3, 4, 5])
  expect(await list({ agent_id: other.id })).toEqual([3])
  expect(await list({ agent_id: agent.id, agent_version: 2 })).toEqual([])
  expect(await list({ agent_version: 2 })).toHaveLength(5)
  expect(await list({ memory_store_id: store.id })).toEqual([2])
  expect(await list({ deployment_id: 'depl_none' })).toEqual([])
  const { created_at } = await sessions.retrieve(third)
  expect(await list({ 'created_at[gt]': created_at })).toEqual([5, 4])
  expect(
    await list({
      'created_at[gte]': created_at,
      'created_at[lt]': (await sessions.retrieve(fifth)).created_at,
    }),
  ).toEqual([4, 3])
  await sessions.archive(first)
  await sessions.delete(second)
  await send(fourth, say('go'))
  expect(await list({})).toEqual([5, 4, 3])
  expect(await list({ include_archived: true })).toEqual([5, 4, 3, 1])
  expect(await list({ statuses: ['running'] })).toEqual([4])
  expect(await list({ statuses: ['running', 'terminated'], include_archived: true })).toEqual([4, 1])

  const page = await sessions.list({ limit: 2 })
  expect([page.prev_page, page.data.map(({ id }) => id)]).toEqual([null, [fifth, fourth]])
  const next = await sessions.list({ limit: 2, page: page.next_page ?? '' })
  expect([next.next_page, next.data.map(({ id }) => id)]).toEqual([null, [third]])
  const back = await sessions.list({ limit: 2, page: next.prev_page ?? '' })
  expect(back.data).toEqual(page.data)
  const cursor = { page: page.next_page ?? '' }
  expect(await refusalOf(sessions.list({ ...cursor, order: 'asc' }))).toMatch(/^400 .*order/)
  expect(await refusalOf(sessions.list({ ...cursor, 'created_at[lt]': created_at }))).toMatch(
    /^400 .*created_at/,
  )
  expect(await refusalOf(sessions.list({ page: 'nonsense' }))).toMatch(/^400 .*page/)
  const odd: object = { statuses: ['asleep'] }
  expect(await refusalOf(sessions.list(odd))).toMatch(/^400 .*asleep/)
})

test('an archived session is terminated, keeps its history and takes nothing any more', async () => {
  const { clock, sessions, create, send } = await openSessionHouse({ scenario: 'child_thread' })
  const session = await create()
  await send(session.id, say('go'))
  expect(await refusalOf(sessions.archive(session.id))).toMatch(/^400 .*running/)
  clock.advance(60_000)
  const stream = await sessions.events.stream(session.id)
  const archived = await sessions.archive(session.id)
  expect(archived).toMatchObject({ status: 'terminated', archived_at: expect.any(String) })
  expect(await sessions.archive(session.id)).toEqual(archived)
  expect((await collect(sessions.threads.list(session.id))).map(({ status }) => status)).toEqual([
    'terminated',
    'terminated',
  ])
  clock.advance(60_000)
  expect((await sessions.retrieve(session.id)).stats).toEqual(archived.stats)
  for (const call of [
    () => send(session.id, say('again')),
    () => sessions.update(session.id, { title: 'x' }),
    () => sessions.resources.add(session.id, { type: 'file', file_id: 'file_x' }),
  ]) {
    expect(await refusalOf(call())).toMatch(/^400 .*terminated/)
  }
  await sessions.delete(session.id)
  expect((await collect(stream)).map(({ type }) => type)).toEqual([
    'session.thread_status_terminated',
    'session.thread_status_terminated',
    'session.status_terminated',
    'session.deleted',
  ])
})
