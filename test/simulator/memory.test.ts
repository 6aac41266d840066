// Memory stores, memories and their versions of the stand-in upstream, as the SDK sees them.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { memoryMountPath } from '../../src/simulator/memory/memory-store-record.ts'
import { memoryStoreRoutes } from '../../src/simulator/memory/memory-stores.ts'
import { writeSessionMemory } from '../../src/simulator/memory/memory-writes.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'
import { collect, refusalOf, startWorld } from '../support/simulated-world.ts'

async function house() {
  const started = await startWorld(memoryStoreRoutes)
  const { memoryStores: stores } = started.client.beta
  const store = await stores.create({ name: 'Demo Memory' })
  const write = (path: string, content = path) => stores.memories.create(store.id, { path, content })
  return {
    ...started,
    stores,
    memories: stores.memories,
    versions: stores.memoryVersions,
    store,
    memory_store_id: store.id,
    write,
  }
}

const sha = (text: string) => createHash('sha256').update(text).digest('hex')
const paths = (items: readonly { path?: string | null }[]) => items.map(({ path }) => path)
const memoryBeta = 'agent-memory-2026-07-22'
const agentsBeta = 'managed-agents-2026-04-01'

test.each([
  [memoryBeta, 200],
  [agentsBeta, 200],
  [`${memoryBeta},${agentsBeta}`, 400],
  ['dreaming-2026-04-21', 404],
])('stores open to one of their two betas, not to both: %s', async (betas, status) => {
  const { url } = await house()
  const headers = {
    'x-api-key': 'sk-ant-sim-one',
    'anthropic-version': '2023-06-01',
    'anthropic-beta': betas,
  }
  expect((await fetch(`${url}/v1/memory_stores`, { headers })).status).toBe(status)
})

test('a store lives from create to delete, lists page by page, and webhooks hear of it', async () => {
  const { stores, store, announced, clock } = await house()
  expectInterface(store, 'memory-stores/memory-stores', 'BetaManagedAgentsMemoryStore')
  expect(store.description).toBe('')
  clock.advance(1000)
  for (const name of ['b', 'c', 'd', 'e']) await stores.create({ name })
  const updated = await stores.update(store.id, { name: 'New', description: 'd', metadata: { a: 'b' } })
  expect(await stores.retrieve(store.id)).toEqual(updated)
  expect((await collect(stores.list({ limit: 2 }))).map(({ name }) => name)).toEqual([
    'e',
    'd',
    'c',
    'b',
    'New',
  ])
  expect(await collect(stores.list({ 'created_at[lte]': store.created_at }))).toEqual([updated])
  await stores.archive(store.id)
  await stores.archive(store.id)
  expect(await collect(stores.list())).toHaveLength(4)
  expect(await collect(stores.list({ include_archived: true }))).toHaveLength(5)
  expect(await stores.delete(store.id)).toEqual({ id: store.id, type: 'memory_store_deleted' })
  expect(await refusalOf(stores.retrieve(store.id))).toMatchObject({ status: 404 })
  const told = announced.filter(({ data }) => data['id'] === store.id).map(({ type }) => type)
  expect(told).toEqual(['memory_store.created', 'memory_store.archived', 'memory_store.deleted'])
})

test('an archived store can be read and thinned out, not written', async () => {
  const { stores, memories, versions, write, memory_store_id } = await house()
  const memory = await write('/a')
  const other = await write('/b')
  await stores.archive(memory_store_id)
  expect(await refusalOf(write('/c'))).toMatchObject({ status: 400 })
  expect(await refusalOf(memories.update(memory.id, { memory_store_id, content: 'x' }))).toMatchObject({
    status: 400,
  })
  expect(await refusalOf(stores.update(memory_store_id, { name: 'x' }))).toMatchObject({ status: 400 })
  expect((await memories.retrieve(memory.id, { memory_store_id })).content).toBe('/a')
  await memories.delete(other.id, { memory_store_id })
  await versions.redact(other.memory_version_id, { memory_store_id })
})

test('the text of a memory shows in the full view only, its measures in both', async () => {
  const { memories, store, memory_store_id } = await house()
  const content = 'grüße'
  const made = await memories.create(memory_store_id, { path: '/notes/a.md', content })
  expectInterface(made, 'memory-stores/memories', 'BetaManagedAgentsMemory')
  expect(made).toMatchObject({ content: null, content_sha256: sha(content), content_size_bytes: 7 })
  expect(await memories.retrieve(made.id, { memory_store_id })).toEqual({ ...made, content })
  expect(await memories.retrieve(made.id, { memory_store_id, view: 'basic' })).toEqual(made)
  const updated = await memories.update(made.id, { memory_store_id, content: 'x', view: 'full' })
  expect(updated).toMatchObject({ id: made.id, content: 'x', created_at: made.created_at })
  expect(await memories.create(store.id, { path: '/empty', content: '' })).toMatchObject({
    content_size_bytes: 0,
  })
})

test.each([
  'notes',
  '/',
  '/a//b',
  '/a/',
  '/a/../b',
  '/./a',
  '/a\u0000b',
  '/a\u200db',
  '/a\u2028b',
  '/u\u0308',
  `/${'ü'.repeat(512)}`,
  '/a'.repeat(21),
])('a memory cannot lie at %j', async (path) => {
  const { write } = await house()
  const refusal = await refusalOf(write(path))
  expect(refusal).toMatchObject({ status: 400, type: 'invalid_request_error' })
  expect(refusal.message).toMatch(/^path: /)
})

test('paths at the very limit are taken, and so is a text of 102,400 bytes but no more', async () => {
  const { write } = await house()
  await write('/a'.repeat(20))
  await write(`/${'x'.repeat(1023)}`)
  await write('/big', 'ü'.repeat(51_200))
  expect(await refusalOf(write('/bigger', `${'ü'.repeat(51_200)}.`))).toMatchObject({ status: 400 })
})

test('a path that is taken, or lies above or below another, is a conflict that names the memory in the way', async () => {
  const { memories, memory_store_id, write } = await house()
  const memory = await write('/notes/todo')
  for (const path of ['/notes/todo', '/notes', '/notes/todo/deep/down']) {
    expect(await refusalOf(write(path))).toMatchObject({
      status: 409,
      type: 'memory_path_conflict_error',
      conflicting_memory_id: memory.id,
      conflicting_path: '/notes/todo',
    })
  }
  const other = await write('/notes/todo.md')
  expect(await refusalOf(memories.update(other.id, { memory_store_id, path: '/notes' }))).toMatchObject({
    status: 409,
    type: 'memory_path_conflict_error',
  })
  // Its own old path is never in the way.
  const moved = await memories.update(memory.id, { memory_store_id, path: '/notes/todo/list' })
  expect([moved.id, moved.path]).toEqual([memory.id, '/notes/todo/list'])
})

test('a precondition lets one of two writers win, and a repeated write through', async () => {
  const { memories, memory_store_id, write } = await house()
  const { id } = await write('/a', 'one')
  const put = (content: string, seen: string) =>
    memories.update(id, {
      memory_store_id,
      content,
      precondition: { type: 'content_sha256', content_sha256: sha(seen) },
    })
  const won = await put('two', 'one')
  const failed = { status: 409, type: 'memory_precondition_failed_error' }
  expect(await refusalOf(put('three', 'one'))).toMatchObject(failed)
  expect(await put('two', 'one')).toEqual(won)
  expect(
    await refusalOf(memories.delete(id, { memory_store_id, expected_content_sha256: sha('one') })),
  ).toMatchObject(failed)
  expect(
    await refusalOf(memories.delete(id, { memory_store_id, expected_content_sha256: 'x' })),
  ).toMatchObject({
    status: 400,
  })
  const deleted = await memories.delete(id, { memory_store_id, expected_content_sha256: sha('two') })
  expect(deleted).toEqual({ id, type: 'memory_deleted' })
  expect(await refusalOf(memories.retrieve(id, { memory_store_id }))).toMatchObject({ status: 404 })
})

test('a list goes by path below a prefix, one level deep when asked, whatever is written between two pages', async () => {
  const { memories, memory_store_id, write } = await house()
  for (const path of ['/z', '/notes/b', '/notes/a/2', '/notes/a/1', '/notes-archive/x', '/notes/c/1'])
    await write(path)
  const all = await collect(memories.list(memory_store_id, { limit: 2 }))
  expect(paths(all)).toEqual(['/notes-archive/x', '/notes/a/1', '/notes/a/2', '/notes/b', '/notes/c/1', '/z'])

  const under = { path_prefix: '/notes/', depth: 1, limit: 2 }
  const page = await memories.list(memory_store_id, under)
  expect(page.data.map(({ type, path }) => [type, path])).toEqual([
    ['memory_prefix', '/notes/a/'],
    ['memory', '/notes/b'],
  ])
  await write('/notes/a/0')
  const next = await page.getNextPage()
  expect(paths(next.data)).toEqual(['/notes/c/'])
  expect(next.next_page).toBeNull()

  const bad = (query: object) => refusalOf(Promise.resolve(memories.list(memory_store_id, query)))
  expect(await bad({ path_prefix: '/notes' })).toMatchObject({ status: 400 })
  expect(await bad({ depth: 2 })).toMatchObject({ status: 400 })
  expect(await bad({ limit: 2, page: page.next_page })).toMatchObject({ status: 400 })
  expect(await bad({ view: 'some' })).toMatchObject({ status: 400 })
})

test('a page of the full view holds twenty items at most, of the basic one a hundred', async () => {
  const { memories, versions, memory_store_id, world, write } = await house()
  await write('/0')
  const session = { sessionId: 'sesn_1', memoryStoreId: memory_store_id }
  for (let at = 1; at <= 120; at++) writeSessionMemory(world, session, { path: `/${at}`, content: 'text' })
  for (const list of [
    (query: object) => memories.list(memory_store_id, query),
    (query: object) => versions.list(memory_store_id, query),
  ]) {
    expect((await list({ limit: 1000 })).data).toHaveLength(100)
    const full = await list({ limit: 100, view: 'full' })
    expect(full.data).toHaveLength(20)
    for (const item of full.data) expect(item).toHaveProperty('content', expect.any(String))
    expect(await collect<unknown>(list({ view: 'full' }))).toHaveLength(121)
  }
})

test('a store takes two thousand memories', async () => {
  const { memories, memory_store_id, world, write } = await house()
  const session = { sessionId: 'sesn_1', memoryStoreId: memory_store_id }
  const { id } = writeSessionMemory(world, session, { path: '/0', content: '' })
  for (let at = 1; at < 2_000; at++) writeSessionMemory(world, session, { path: `/${at}`, content: '' })
  expect(await refusalOf(write('/one-too-many'))).toMatchObject({ status: 400 })
  await memories.update(id, { memory_store_id, content: 'still writable' })
})

test('every change leaves a version that says who made it, and a change of nothing leaves none', async () => {
  const { memories, versions, memory_store_id, write, second, world, clock } = await house()
  const memory = await write('/a', 'one')
  await memories.update(memory.id, { memory_store_id, content: 'one', path: '/a' })
  clock.advance(1000)
  await second.beta.memoryStores.memories.update(memory.id, { memory_store_id, path: '/b' })
  const session = { sessionId: 'sesn_42', memoryStoreId: memory_store_id }
  const written = writeSessionMemory(world, session, { path: '/b', content: 'two' })
  world.credentials.add('token', { kind: 'access_token', subject: 'svac_7' })
  clock.advance(1000)
  const history = () =>
    collect(versions.list(memory_store_id, { limit: 2, view: 'full', memory_id: memory.id }))
  await memories.delete(memory.id, { memory_store_id })
  const [gone, rewritten, renamed, made] = await history()
  expectInterface(made, 'memory-stores/memory-versions', 'BetaManagedAgentsMemoryVersion')
  expect(await history()).toHaveLength(4)
  expect(made).toMatchObject({ operation: 'created', path: '/a', content: 'one', content_size_bytes: 3 })
  expect(renamed).toMatchObject({ operation: 'modified', path: '/b', content: 'one' })
  expect(rewritten).toMatchObject({ id: written.memory_version_id, operation: 'modified', content: 'two' })
  expect(gone).toMatchObject({ operation: 'deleted', path: '/b', content: null, content_sha256: null })
  expect(rewritten?.created_by).toEqual({ type: 'session_actor', session_id: 'sesn_42' })
  const [firstKey, secondKey] = [made, renamed].map((version) =>
    version?.created_by?.type === 'api_actor' ? version.created_by.api_key_id : '',
  )
  expect([firstKey, secondKey]).toEqual([
    expect.stringMatching(/^apikey_/),
    expect.stringMatching(/^apikey_/),
  ])
  expect(firstKey).not.toBe(secondKey)

  const ids = async (query: object) =>
    (await collect(versions.list(memory_store_id, query))).map(({ id }) => id)
  expect(await ids({ session_id: 'sesn_42' })).toEqual([rewritten?.id])
  expect(await ids({ api_key_id: secondKey })).toEqual([renamed?.id])
  expect(await ids({ operation: 'modified' })).toEqual([rewritten?.id, renamed?.id])
  expect(await ids({ service_account_id: 'svac_7' })).toEqual([])
  expect(
    await ids({ 'created_at[gte]': renamed?.created_at, 'created_at[lte]': renamed?.created_at }),
  ).toEqual([rewritten?.id, renamed?.id])
  expect(await ids({ memory_id: 'mem_other' })).toEqual([])
})

test('a version can be redacted once its memory has moved on, and says then only who did what and when', async () => {
  const { memories, versions, memory_store_id, write } = await house()
  const memory = await write('/secret', 'one')
  const old = memory.memory_version_id
  expect(await refusalOf(versions.redact(old, { memory_store_id }))).toMatchObject({ status: 400 })
  const { memory_version_id: head } = await memories.update(memory.id, { memory_store_id, content: 'two' })
  const redacted = await versions.redact(old, { memory_store_id })
  expect(redacted).toMatchObject({
    path: null,
    content: null,
    content_sha256: null,
    content_size_bytes: null,
    operation: 'created',
    created_by: { type: 'api_actor' },
    redacted_by: { type: 'api_actor' },
    redacted_at: expect.any(String),
  })
  expect(await versions.redact(old, { memory_store_id })).toEqual(redacted)
  expect(await versions.retrieve(old, { memory_store_id })).toEqual(redacted)
  expect((await versions.retrieve(head, { memory_store_id })).content).toBe('two')
  expect((await versions.retrieve(head, { memory_store_id, view: 'basic' })).content).toBeNull()
  expect(await refusalOf(versions.retrieve('memver_none', { memory_store_id }))).toMatchObject({
    status: 404,
  })
})

test('a federated token writes as its service account', async () => {
  const { world, clientOf, versions, memory_store_id } = await house()
  world.credentials.add('token', { kind: 'access_token', subject: 'svac_7' })
  const federated = clientOf('token').beta.memoryStores.memories
  const betas = ['oauth-2025-04-20']
  await federated.create(memory_store_id, { path: '/a', content: '', betas })
  const [version] = (await versions.list(memory_store_id, { service_account_id: 'svac_7' })).data
  expect(version?.created_by).toEqual({ type: 'service_account_actor', service_account_id: 'svac_7' })
})

test('a store is mounted under a slug of its name', () => {
  expect(memoryMountPath('Demo  Memory (v2)')).toBe('/mnt/memory/demo-memory-v2-')
})
