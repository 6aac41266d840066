// A program that calls every operation on agents, environments and sessions at least once, and reads their streams.
import type { Answered, Params } from '../support/twin-lane.ts'
import type { Program } from '../support/twin-worlds.ts'

const text = (said: string) => [{ type: 'text', text: said }]
const dayMs = 86_400_000

/** From an agent's first version to its archive. */
export const walkAgents: Program = async (lane) => {
  const draft = { name: 'helper', model: 'claude-sonnet-5-5', tools: [{ type: 'agent_toolset_20260401' }] }
  const agent = await lane.call('agents.create', {}, { body: draft })
  const at = { agent_id: agent.id }
  await lane.call('agents.update', at, { body: { version: 1, system: 'be kind — “always” 😀' } })
  await lane.call('agents.retrieve', at, { query: '?version=1' })
  await lane.call('agents.versions.list', at, { query: '?limit=1' })
  await lane.call(
    'agents.list',
    {},
    { query: '?include_archived=true&created_at[gte]=2026-01-01T00%3A00%3A00Z' },
  )
  await lane.call('agents.archive', at)

  const environment = await lane.call('environments.create', {}, { body: { name: 'one' } })
  const there = { environment_id: environment.id }
  await lane.call('environments.update', there, { body: { description: 'two', metadata: { é: 'ü' } } })
  await lane.call('environments.retrieve', there)
  await lane.call('environments.list', {}, { query: '?limit=1&page=' })
  await lane.call('environments.archive', there)
  await lane.call('environments.delete', there)
}

/** A session with a child thread, its streams open from before its first event until it is deleted. */
export const walkSessions: Program = async (lane, { clock }) => {
  const agent = await lane.call('agents.create', {}, { body: { name: 'a', model: 'claude-sonnet-5-5' } })
  const environment = await lane.call('environments.create', {}, { body: { name: 'e' } })
  const repository = {
    type: 'github_repository',
    url: 'https://github.com/a/b',
    authorization_token: 'ghp_1',
  }
  const session = await lane.call(
    'sessions.create',
    {},
    {
      body: {
        agent: agent.id,
        environment_id: environment.id,
        metadata: { simulator_scenario: 'child_thread' },
        resources: [repository],
      },
    },
  )
  const at = { session_id: session.id }
  const stream = lane.open('sessions.events.stream', at, {
    query: '?event_deltas[]=agent.message&event_deltas%5B%5D=agent.thinking',
  })
  await stream.head
  await lane.call('sessions.events.send', at, {
    body: { events: [{ type: 'user.message', content: text('find three sources') }] },
  })
  clock.advance(60)
  const child = lastOf(await lane.call('sessions.threads.list', at))
  const childAt = { ...at, thread_id: child.id }
  const childStream = lane.open('sessions.threads.events.stream', childAt)
  await childStream.head
  clock.advance(dayMs)
  await lane.call('sessions.threads.retrieve', childAt)
  await lane.call('sessions.threads.events.list', childAt, { query: '?limit=2&order=desc' })
  await lane.call('sessions.threads.archive', childAt)
  await lane.call('sessions.events.list', at, { query: '?types[]=agent.message&types[]=session.status_idle' })
  await lane.call('sessions.retrieve', at)
  await lane.call('sessions.update', at, { body: { title: 'a title', metadata: { k: 'v' } } })
  await lane.call('sessions.list', {}, { query: `?agent_id=${agent.id}&statuses[]=idle` })
  await walkResources(lane, at)
  await lane.call('sessions.archive', at)
  await lane.call('sessions.delete', at)
  await Promise.all([stream.done, childStream.done])
}

async function walkResources(lane: Parameters<Program>[0], at: Params): Promise<void> {
  const file = await lane.call('files.upload', {}, upload('note.txt', Buffer.from('a note')))
  const repository = firstOf(await lane.call('sessions.resources.list', at))
  const added = await lane.call('sessions.resources.add', at, { body: { type: 'file', file_id: file.id } })
  await lane.call('sessions.resources.retrieve', { ...at, resource_id: added.id })
  await lane.call(
    'sessions.resources.update',
    { ...at, resource_id: repository.id },
    {
      body: { authorization_token: 'ghp_2' },
    },
  )
  await lane.call('sessions.resources.delete', { ...at, resource_id: added.id })
}

/** A form of one file, as a browser writes it. */
export function upload(filename: string, bytes: Buffer, field = 'file') {
  const boundary = '----TollgateTwinBoundary7MA4YWxk'
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`
  return {
    bytes: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
    type: `multipart/form-data; boundary=${boundary}`,
  }
}

const itemsOf = (page: Answered): readonly { readonly id: string }[] =>
  Array.isArray(page['data']) ? page['data'] : []

export const firstOf = (page: Answered): { readonly id: string } => itemsOf(page)[0] ?? { id: '' }
export const lastOf = (page: Answered): { readonly id: string } => itemsOf(page).at(-1) ?? { id: '' }
