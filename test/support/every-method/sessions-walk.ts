// Every method of sessions, their events, threads and resources; and every scenario of the library, event by event.
import { toFile } from '@anthropic-ai/sdk'
import { collect, type Stage, say, seatId, startAgent, three } from './stage.ts'

const page = { limit: 1 }
const hourMs = 3_600_000
const previews = { event_deltas: ['agent.message' as const, 'agent.thinking' as const] }

export async function walkSessions(stage: Stage): Promise<void> {
  const { client, clock } = stage
  const { sessions } = client.beta
  const { agent, environment } = await startAgent(stage)
  const where = { agent: agent.id, environment_id: environment.id }
  const [first, second, third] = await three((title) => sessions.create({ ...where, title }))
  const inline = await sessions.create({
    environment_id: environment.id,
    agent: { type: 'agent', id: agent.id, version: agent.version },
    budget: { type: 'limit', max_list_cost: { amount: '100000', currency: 'USD' } },
    metadata: { team: 'search' },
    initial_events: [
      { type: 'user.define_outcome', description: 'a page', rubric: { type: 'text', content: 'is one' } },
      say('go'),
    ],
  })
  clock.advance(hourMs)
  await sessions.retrieve(inline.id)
  await sessions.update(first.id, { title: 'renamed', metadata: { a: '1' } })
  await collect(sessions.list(page))
  await sessions.archive(second.id)
  await sessions.delete(third.id)
}

export async function walkSessionResources(stage: Stage): Promise<void> {
  const { client } = stage
  const { sessions } = client.beta
  const { agent, environment } = await startAgent(stage)
  const file = await client.beta.files.upload({ file: await toFile(Buffer.from('a,b'), 'data.csv') })
  const store = await client.beta.memoryStores.create({ name: 'notes' })
  const { id: session_id } = await sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    resources: [
      { type: 'github_repository', url: 'https://github.com/acme/site', authorization_token: 'ghp_x' },
      { type: 'memory_store', memory_store_id: store.id, access: 'read_only', instructions: 'read it' },
    ],
  })
  const added = await sessions.resources.add(session_id, { type: 'file', file_id: file.id })
  for (const resource of await collect(sessions.resources.list(session_id, page))) {
    if (resource.type === 'memory_store') continue
    await sessions.resources.retrieve(resource.id, { session_id })
    if (resource.type === 'file') continue
    await sessions.resources.update(resource.id, { session_id, authorization_token: 'ghp_y' })
  }
  await sessions.resources.delete(added.id, { session_id })
  await sessions.retrieve(session_id)
}

/** Plays a scenario to its end before open streams, then reads the lists of every thread. */
export async function walkEvents(stage: Stage, scenario: string): Promise<void> {
  const { client, clock } = stage
  const { sessions } = client.beta
  const { agent, environment } = await startAgent(stage)
  const session = await sessions.create({
    agent: agent.id,
    environment_id: scenario === 'self_hosted_worker' ? seatId : environment.id,
    metadata: { simulator_scenario: scenario },
    budget: { type: 'limit', max_list_cost: { amount: '2000', currency: 'USD' } },
  })
  const primary = collect(await sessions.events.stream(session.id, previews))
  for (let turn = 0; turn < 3; turn += 1) {
    await sessions.events.send(session.id, { events: [say('go on')] })
    clock.advance(9 * hourMs)
    await answerAll(stage, session.id)
    if ((await sessions.retrieve(session.id)).status !== 'idle') break
  }
  await collect(sessions.events.list(session.id, { limit: 3 }))
  const own = { session_id: session.id }
  const threads = await collect(sessions.threads.list(session.id, page))
  const streams = []
  for (const { id } of threads) {
    await sessions.threads.retrieve(id, own)
    await collect(sessions.threads.events.list(id, { ...own, limit: 3 }))
    streams.push(collect(await sessions.threads.events.stream(id, { ...own, ...previews })))
  }
  const child = threads.find((thread) => thread.parent_thread_id !== null && thread.status === 'idle')
  if (child !== undefined) await sessions.threads.archive(child.id, own)
  if ((await sessions.retrieve(session.id)).status === 'running') {
    await sessions.events.send(session.id, { events: [{ type: 'user.interrupt' }] })
    clock.advance(hourMs)
  }
  await sessions.delete(session.id)
  await Promise.all([primary, ...streams])
}

/** Answers what the session waits for until it waits for nothing: first a person, then whoever runs the tool. */
async function answerAll({ client, clock }: Stage, sessionId: string): Promise<void> {
  const { sessions } = client.beta
  const confirmed = new Set<string>()
  for (let round = 0; round < 50; round += 1) {
    const events = await collect(sessions.events.list(sessionId, { limit: 1000 }))
    const idle = events.findLast((event) => event.type === 'session.status_idle')
    const { status } = await sessions.retrieve(sessionId)
    if (status !== 'idle' || idle?.stop_reason.type !== 'requires_action') return
    const [id = ''] = idle.stop_reason.event_ids
    const use = events.find((event) => event.id === id)
    const isAsked = use !== undefined && 'evaluated_permission' in use && use.evaluated_permission === 'ask'
    const content = [{ type: 'text' as const, text: 'done' }]
    const answer =
      use?.type === 'agent.custom_tool_use'
        ? ({ type: 'user.custom_tool_result', custom_tool_use_id: id, content } as const)
        : isAsked && !confirmed.has(id)
          ? ({ type: 'user.tool_confirmation', tool_use_id: id, result: 'allow' } as const)
          : ({ type: 'user.tool_result', tool_use_id: id, content } as const)
    confirmed.add(id)
    await sessions.events.send(sessionId, { events: [answer] })
    clock.advance(hourMs)
  }
}
