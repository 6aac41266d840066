// What a program built on managed agents does, from its first agent to a deleted session, and all it is given on the
// way. It steers by the list of events, because the oldest clients see nothing on the stream.
import type Anthropic from '@anthropic-ai/sdk'
import type { World } from './worlds.ts'

type Send = Anthropic.Beta.Sessions.EventSendParams['events'][number]

/** Everything an iterator brings. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Walks with one client through one world. Time moves only between a request's answer and the next request. */
export async function walkManagedAgents(client: Anthropic, { advance }: World) {
  const { agents, environments, sessions } = client.beta
  const environment = await environments.create({ name: 'matrix' })
  const agent = await agents.create({ name: 'matrix', model: 'claude-sonnet-5-5' })
  const updated = await agents.update(agent.id, {
    version: agent.version,
    system: 'be brief — ja, möglichst',
  })
  const session = await sessions.create({
    agent: { type: 'agent', id: agent.id, version: updated.version },
    environment_id: environment.id,
    metadata: { simulator_scenario: 'tool_confirmation' },
  })
  const streamed = collect(await sessions.events.stream(session.id))
  const send = async (...events: Send[]) => {
    const sent = await sessions.events.send(session.id, { events })
    advance(60_000)
    return sent
  }
  const said = await send({ type: 'user.message', content: [{ type: 'text', text: 'tidy up 🧹' }] })
  const waiting = await collect(sessions.events.list(session.id))
  const asked = waiting.findLast((event) => event.type === 'agent.tool_use')
  const confirmed = await send({
    type: 'user.tool_confirmation',
    tool_use_id: asked?.id ?? '',
    result: 'allow',
  })
  const history = await collect(sessions.events.list(session.id, { limit: 3 }))
  const atRest = await sessions.retrieve(session.id)
  const archived = await sessions.archive(session.id)
  const deleted = await sessions.delete(session.id)
  const gone = await sessions.retrieve(session.id).catch(refusalOf)
  return {
    made: { environment, agent, updated, session },
    sent: [said, confirmed],
    streamed: await streamed,
    history,
    ended: { atRest, archived, deleted, gone },
  }
}

/** How a call failed, as a program can tell. */
export function refusalOf(reason: unknown): { readonly [field: string]: unknown } {
  if (!(reason instanceof Error)) return { thrown: reason }
  const { name, message } = reason
  const rest = ['status', 'error', 'code', 'type'].map((field) => [field, Reflect.get(reason, field)])
  return { name, class: reason.constructor.name, message, ...Object.fromEntries(rest) }
}
