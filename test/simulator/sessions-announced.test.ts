// What webhooks hear of sessions: each change once, each status under the webhooks' own names.
import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import type { ScenarioInput } from '../../src/simulator/simulator.ts'
import { collect, openSessionHouse, say } from '../support/session-house.ts'

/** A child that asks, and a second model request that a small budget does not let start. */
const asking: ScenarioInput = {
  name: 'asking',
  threads: { scout: { agent_name: 'scout', model: 'claude-haiku-4-5' } },
  turns: [
    [
      { type: 'session.thread_created', thread: 'scout' },
      { type: 'session.thread_status_running', thread: 'scout' },
      { type: 'agent.tool_use', thread: 'scout', fields: { name: 'bash', evaluated_permission: 'ask' } },
      { type: 'session.status_idle', fields: { stop_reason: { type: 'requires_action' } } },
      { type: 'span.model_request_start' },
      {
        type: 'span.model_request_end',
        fields: { model_usage: { input_tokens: 5_000_000, output_tokens: 0 } },
      },
      { type: 'span.model_request_start' },
      { type: 'span.model_request_end', fields: { model_usage: { input_tokens: 1, output_tokens: 0 } } },
    ],
  ],
}

/** The session events a simulator's webhooks deliver, in no order. */
async function listen(scenario: ScenarioInput) {
  const house = await openSessionHouse({ scenario })
  const heard: { readonly type: string; readonly id: string; readonly session_thread_id?: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    heard.push(JSON.parse(body).data)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const { webhooks } = house.simulator
  webhooks.add({ url: `http://127.0.0.1:${port}/`, events: ['session.created', ...told] })
  /** Does something and answers the types heard since the last time, sorted. */
  const tells = async (act: () => Promise<unknown>): Promise<readonly string[]> => {
    await act()
    await webhooks.settled()
    return heard
      .splice(0)
      .map(({ type }) => type)
      .toSorted()
  }
  return { ...house, heard, tells }
}

const told = [
  'session.running',
  'session.idled',
  'session.requires_action',
  'session.archived',
  'session.deleted',
  'session.updated',
  'session.status_run_started',
  'session.status_idled',
  'session.status_terminated',
  'session.thread_created',
  'session.thread_idled',
  'session.thread_terminated',
  'session.budget_reached',
] as const

test('a session tells of its statuses, of its children and of its budget, and of nothing twice', async () => {
  const { clock, sessions, create, send, tells } = await listen(asking)
  const budget = { type: 'limit' as const, max_list_cost: { amount: '100', currency: 'USD' as const } }
  let id = ''
  expect(
    await tells(async () => {
      id = (await create({ budget })).id
    }),
  ).toEqual(['session.created'])
  const play = (act: Promise<unknown>) => act.then(() => clock.advance(1000))
  expect(await tells(() => play(send(id, say('go'))))).toEqual([
    'session.idled',
    'session.requires_action',
    'session.running',
    'session.status_idled',
    'session.status_run_started',
    'session.thread_created',
    'session.thread_idled',
  ])
  const [use] = await collect(sessions.events.list(id, { types: ['agent.tool_use'] }))
  const allow = {
    type: 'user.tool_confirmation' as const,
    tool_use_id: use?.id ?? '',
    result: 'allow' as const,
  }
  const reached = await tells(() => play(send(id, allow)))
  expect(reached.filter((type) => type === 'session.budget_reached')).toHaveLength(1)
  expect(await tells(() => sessions.update(id, { title: 'x' }))).toEqual(['session.updated'])
  expect(await tells(() => sessions.update(id, { title: 'x' }))).toEqual([])
  const resumed = await tells(() => play(Promise.resolve(sessions.update(id, { budget: null }))))
  expect(resumed).toEqual([
    'session.idled',
    'session.running',
    'session.status_idled',
    'session.status_run_started',
    'session.updated',
  ])
  expect(await tells(async () => sessions.archive(id))).toEqual([
    'session.archived',
    'session.status_terminated',
    'session.thread_terminated',
  ])
  expect(await tells(async () => sessions.archive(id))).toEqual([])
  expect(await tells(async () => sessions.delete(id))).toEqual(['session.deleted'])
})
