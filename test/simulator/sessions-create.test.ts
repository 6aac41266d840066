// Making sessions: what a client may ask for, what it gets, and what is refused with nothing left behind.
import { toFile } from '@anthropic-ai/sdk'
import { expect, test } from 'vitest'
import { collect, openSessionHouse, refusalOf, say } from '../support/session-house.ts'

test('an override replaces what it names, clears with null or an empty list, and keeps what it leaves out', async () => {
  const { client, create, agent } = await openSessionHouse()
  await client.beta.agents.update(agent.id, { system: 'second' })
  const base = { type: 'agent_with_overrides' as const, id: agent.id, version: 1 }
  const kept = await create({ agent: base })
  const cleared = await create({ agent: { ...base, system: null, tools: [] } })
  const bent = await create({ agent: { ...base, model: { id: 'claude-opus-5', effort: 'low' } } })
  expect([kept, cleared, bent].map(({ agent: { version } }) => version)).toEqual([1, 1, 1])
  expect([kept.agent.system, kept.agent.tools.length]).toEqual(['be kind', 1])
  expect([cleared.agent.system, cleared.agent.tools]).toEqual([null, []])
  expect(bent.agent).toMatchObject({
    system: 'be kind',
    model: { id: 'claude-opus-5', effort: { type: 'high' } },
  })
  expect((await create({ agent: { ...base, version: 2 } })).agent.system).toBe('second')
  expect((await create()).agent).toMatchObject({ version: 2, system: 'second' })
  const nulled: object = { ...base, tools: null }
  const post = (body: object) =>
    client.post('/v1/sessions', { body, headers: { 'anthropic-beta': 'managed-agents-2026-04-01' } })
  expect(await refusalOf(post({ agent: nulled, environment_id: 'env_x' }))).toMatch(/^400 -: agent\.tools: /)
  await client.beta.agents.archive(agent.id)
  expect(await refusalOf(create())).toMatch(/^400 .*archived/)
})

test('what a session brings with it is there at once, and its secrets never come back', async () => {
  const { simulator, client, sessions, create } = await openSessionHouse()
  const vault = await client.beta.vaults.create({ display_name: 'keys' })
  const store = await client.beta.memoryStores.create({ name: 'User Notes', description: 'likes' })
  const upload = await client.beta.files.upload({ file: await toFile(Buffer.from('a,b'), 'data.csv') })
  const session = await create({
    title: 'mine',
    metadata: { team: 'red' },
    vault_ids: [vault.id],
    budget: { type: 'limit', max_list_cost: { amount: '250', currency: 'USD' } },
    resources: [
      {
        type: 'github_repository',
        url: 'https://github.com/acme/site.git',
        authorization_token: 'ghp_secret',
        checkout: { type: 'branch', name: 'main' },
      },
      { type: 'file', file_id: upload.id, mount_path: '/workspace/data.csv' },
      { type: 'memory_store', memory_store_id: store.id, instructions: 'read first' },
    ],
  })
  expect(session).toMatchObject({
    status: 'idle',
    title: 'mine',
    vault_ids: [vault.id],
    budget: { type: 'limit', max_list_cost: { amount: '250', currency: 'USD' } },
    deployment_id: null,
    outcome_evaluations: [],
    resources: [
      {
        type: 'github_repository',
        mount_path: '/workspace/site',
        checkout: { type: 'branch', name: 'main' },
      },
      { type: 'file', mount_path: '/workspace/data.csv' },
      {
        type: 'memory_store',
        access: 'read_write',
        name: 'User Notes',
        description: 'likes',
        mount_path: '/mnt/memory/user-notes',
      },
    ],
  })
  const [repository, file] = await collect(sessions.resources.list(session.id, { limit: 1 }))
  if (repository?.type !== 'github_repository' || file?.type !== 'file') throw new Error('other resources')
  const copies = await collect(
    client.beta.files.list({ scope_id: session.id, betas: ['managed-agents-2026-04-01'] }),
  )
  expect(copies.map(({ id }) => id)).toEqual([file.file_id])
  expect(file.file_id).not.toBe(upload.id)

  const at = { session_id: session.id }
  expect(await sessions.resources.retrieve(file.id, at)).toEqual(file)
  const rotated = await sessions.resources.update(repository.id, { ...at, authorization_token: 'ghp_next' })
  expect(rotated).toMatchObject({ id: repository.id })
  const shown = JSON.stringify([session, rotated, await sessions.retrieve(session.id), simulator.bill()])
  expect(shown).not.toMatch(/ghp_|authorization_token/)
  const refuse = async (call: Promise<unknown>) => (await refusalOf(call)).slice(0, 3)
  expect(await refuse(sessions.resources.update(file.id, { ...at, authorization_token: 'x' }))).toBe('400')
  expect(await refuse(sessions.resources.delete(repository.id, at))).toBe('400')
  expect(await refuse(sessions.resources.delete(store.id, at))).toBe('400')

  const added = await sessions.resources.add(session.id, { type: 'file', file_id: upload.id })
  expect(added.mount_path).toBe(`/mnt/session/uploads/${upload.id}`)
  expect(await sessions.resources.delete(added.id, at)).toEqual({
    id: added.id,
    type: 'session_resource_deleted',
  })
  expect(await refuse(sessions.resources.retrieve(added.id, at))).toBe('404')
  await sessions.delete(session.id)
  expect((await collect(client.beta.files.list())).map(({ id }) => id)).toEqual([upload.id])
})

test('a request at fault is refused by the name of its field, and makes no session', async () => {
  const { client, sessions, create, simulator } = await openSessionHouse()
  const budget = (amount: string) => ({
    type: 'limit' as const,
    max_list_cost: { amount, currency: 'USD' as const },
  })
  const repository = (url: string) => create({ resources: [{ type: 'github_repository', url }] })
  const outcome = {
    type: 'user.define_outcome' as const,
    description: 'a page',
    rubric: { type: 'text' as const, content: 'is one' },
  }
  const document = {
    type: 'document' as const,
    source: { type: 'file' as const, file_id: 'file_x' },
  }
  const documents = { type: 'user.message' as const, content: Array.from({ length: 101 }, () => document) }
  const unpriced = await client.beta.agents.create({ name: 'odd', model: 'claude-nobody-9' })
  const stores = Array.from({ length: 9 }, (_, at) => ({
    type: 'memory_store' as const,
    memory_store_id: `memstore_${at}`,
  }))
  const metadata = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`k${at}`, 'v']))
  const table: readonly (readonly [() => Promise<unknown>, RegExp])[] = [
    [() => create({ agent: 'agent_nobody' }), /^404/],
    [() => create({ environment_id: 'env_nowhere' }), /^404 environment_not_found/],
    [() => create({ metadata }), /^400 .*metadata: at most 16/],
    [() => create({ vault_ids: ['vlt_none'] }), /^404 .*vlt_none/],
    [() => create({ resources: [{ type: 'file', file_id: 'file_none' }] }), /^404 .*file_none/],
    [() => create({ resources: stores }), /^400 .*resources: at most 8/],
    [() => repository('https://gitlab.com/a/b'), /^400 .*resources\.0\.url/],
    [() => repository('https://github.com/a/b/tree/main'), /^400 .*resources\.0\.url/],
    [() => create({ budget: budget('0') }), /^400 .*budget\.max_list_cost\.amount/],
    [() => create({ budget: budget('1.5') }), /^400 .*budget\.max_list_cost\.amount/],
    [() => create({ budget: budget('10'), agent: unpriced.id }), /^400 model_not_budgetable/],
    [() => create({ initial_events: Array.from({ length: 51 }, () => say('x')) }), /^400 .*initial_events/],
    [() => create({ initial_events: [outcome, outcome] }), /^400 .*at most one/],
    [() => create({ initial_events: [documents] }), /^400 .*at most 100 documents/],
    [
      () => create({ initial_events: [{ type: 'user.message', content: [{ type: 'redacted' }] }] }),
      /^400 .*redacted/,
    ],
  ]
  for (const [call, pattern] of table) expect(await refusalOf(call())).toMatch(pattern)
  expect(await collect(sessions.list())).toEqual([])
  expect(simulator.bill().sessions).toEqual([])
})

test('a self-hosted environment mounts memory stores only', async () => {
  const { client, create } = await openSessionHouse()
  const store = await client.beta.memoryStores.create({ name: 'notes' })
  const home = await client.beta.environments.create({ name: 'home', config: { type: 'self_hosted' } })
  const mounted = { type: 'memory_store' as const, memory_store_id: store.id, access: 'read_only' as const }
  const session = await create({ environment_id: home.id, resources: [mounted] })
  expect(session.resources).toMatchObject([mounted])
  const repository = { type: 'github_repository' as const, url: 'https://github.com/a/b' }
  expect(await refusalOf(create({ environment_id: home.id, resources: [repository] }))).toMatch(/^400/)
})

test('a budgeted session names every model it could run, members and advisor included', async () => {
  const { client, create } = await openSessionHouse()
  const odd = await client.beta.agents.create({ name: 'odd', model: 'claude-nobody-9' })
  const lead = await client.beta.agents.create({
    name: 'lead',
    model: 'claude-opus-5',
    multiagent: { type: 'coordinator', agents: [odd.id] },
  })
  const budget = { type: 'limit' as const, max_list_cost: { amount: '10', currency: 'USD' as const } }
  expect(await refusalOf(create({ agent: lead.id, budget }))).toMatch(/^400 model_not_budgetable: .*nobody-9/)
  expect((await create({ agent: lead.id })).budget).toBeNull()
})
