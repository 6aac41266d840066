// What clients tell sessions and what they read back: sends, lists, streams, threads.
import { expect, test } from 'vitest'
import { followOutcome, type OutcomeEvaluation } from '../../src/simulator/sessions/outcome-evaluations.ts'
import type { ScenarioInput } from '../../src/simulator/simulator.ts'
import { collect, openSessionHouse, refusalOf, say } from '../support/session-house.ts'

const typesOf = (events: readonly { type: string }[]) => events.map(({ type }) => type)

/** A child that asks for permission, and then reports. */
const asking: ScenarioInput = {
  name: 'asking',
  threads: { scout: { agent_name: 'scout', model: 'claude-haiku-4-5' } },
  turns: [
    [
      { type: 'session.thread_created', thread: 'scout' },
      { type: 'session.thread_status_running', thread: 'scout' },
      {
        type: 'agent.tool_use',
        thread: 'scout',
        fields: { name: 'bash', input: { command: 'ls' }, evaluated_permission: 'ask' },
      },
      { type: 'agent.custom_tool_use', fields: { name: 'look', input: {} } },
      { type: 'session.status_idle', fields: { stop_reason: { type: 'requires_action' } } },
      { type: 'agent.message', delayMs: 10, fields: { content: [{ type: 'text', text: 'done' }] } },
    ],
  ],
}

async function openAsking() {
  const house = await openSessionHouse({ scenario: asking })
  const session = await house.create()
  await house.send(session.id, say('scout'))
  house.clock.advance(1000)
  const { data } = await house.sessions.events.list(session.id, {
    types: ['agent.tool_use', 'agent.custom_tool_use'],
  })
  const use = data.find(({ type }) => type === 'agent.tool_use')?.id ?? ''
  const custom = data.find(({ type }) => type === 'agent.custom_tool_use')?.id ?? ''
  const [primary, scout] = await collect(house.sessions.threads.list(session.id, { limit: 1 }))
  if (primary === undefined || scout === undefined) throw new Error('no scout')
  return { ...house, id: session.id, use, custom, primary, scout }
}

test('a batch is taken whole or not at all', async () => {
  const { sessions, send, id, use, custom } = await openAsking()
  const before = await collect(sessions.events.list(id, { limit: 1000 }))
  const allow = { type: 'user.tool_confirmation' as const, tool_use_id: use, result: 'allow' as const }
  const looked = { type: 'user.custom_tool_result' as const, custom_tool_use_id: custom }
  const system = { type: 'system.message' as const, content: [{ type: 'text' as const, text: 'mind' }] }
  const refused: readonly (readonly [Parameters<typeof send>[1][], RegExp])[] = [
    [[allow, { type: 'user.message', content: [{ type: 'redacted' }] }], /redacted/],
    [[looked, { ...allow, tool_use_id: 'sevt_none' }], /sevt_none/],
    [[{ ...allow, tool_use_id: custom }], /waits for an answer/],
    [[{ ...looked, custom_tool_use_id: use }], /waits for an answer/],
    [[{ type: 'user.tool_result', tool_use_id: use }], /self-hosted/],
    [[allow, allow], /twice/],
    [[{ ...allow, deny_message: 'no' }], /deny_message/],
    [[looked, { type: 'user.interrupt', session_thread_id: 'sthr_none' }], /sthr_none/],
    [[system], /must follow/],
    [[system, say('a')], /must be the last/],
    [[allow, system], /must follow/],
  ]
  for (const [[first = looked, ...rest], pattern] of refused) {
    const refusal = await refusalOf(send(id, first, ...rest))
    expect(refusal).toMatch(/^400 /)
    expect(refusal).toMatch(pattern)
  }
  const odd: object = { events: [] }
  expect(await refusalOf(sessions.events.send(id, { events: [], ...odd }))).toMatch(/^400 .*events/)
  expect(await collect(sessions.events.list(id, { limit: 1000 }))).toEqual(before)
})

test('an answer for a child names its thread, and the child has a copy under another id', async () => {
  const { clock, sessions, send, id, use, custom, scout } = await openAsking()
  const { data } = await send(
    id,
    { type: 'user.tool_confirmation', tool_use_id: use, result: 'deny', deny_message: 'not now' },
    { type: 'user.custom_tool_result', custom_tool_use_id: custom, content: [{ type: 'text', text: '' }] },
  )
  expect(data).toMatchObject([
    {
      type: 'user.tool_confirmation',
      processed_at: null,
      session_thread_id: scout.id,
      deny_message: 'not now',
    },
    { type: 'user.custom_tool_result', processed_at: expect.any(String) },
  ])
  expect(data?.[1]).not.toHaveProperty('session_thread_id')
  clock.advance(1000)
  const own = await collect(sessions.threads.events.list(scout.id, { session_id: id, limit: 2 }))
  const copy = own.find(({ type }) => type === 'user.tool_confirmation')
  expect(copy).toMatchObject({ tool_use_id: use, result: 'deny', processed_at: expect.any(String) })
  expect(copy?.id).not.toBe(data?.[0]?.id)
  expect(copy).not.toHaveProperty('session_thread_id')
  const [listed] = await collect(sessions.events.list(id, { types: ['user.tool_confirmation'] }))
  expect(listed).toMatchObject({ id: data?.[0]?.id, processed_at: expect.any(String) })
})

test('a thread is archived when idle; then a late confirmation is taken without effect, an interrupt is not', async () => {
  const { sessions, send, id, use, primary, scout } = await openAsking()
  const at = { session_id: id }
  expect(primary).toMatchObject({ parent_thread_id: null, workflow_run_id: null, agent: { name: 'helper' } })
  expect(scout).toMatchObject({ parent_thread_id: primary.id, status: 'idle', agent: { name: 'scout' } })
  expect(await sessions.threads.retrieve(scout.id, at)).toEqual(scout)
  expect(await refusalOf(sessions.threads.archive(primary.id, at))).toMatch(/^400 .*primary/)
  const archived = await sessions.threads.archive(scout.id, at)
  expect(archived).toMatchObject({ status: 'terminated', archived_at: expect.any(String) })
  expect(await sessions.threads.archive(scout.id, at)).toEqual(archived)
  expect(await collect(sessions.threads.list(id, { statuses: ['terminated'] }))).toEqual([archived])
  expect(await collect(sessions.threads.list(id, { statuses: ['running'] }))).toEqual([])
  const before = await collect(sessions.events.list(id, { limit: 1000 }))
  await send(id, { type: 'user.tool_confirmation', tool_use_id: use, result: 'allow' })
  expect(typesOf(await collect(sessions.events.list(id, { limit: 1000 })))).toEqual([
    ...typesOf(before),
    'user.tool_confirmation',
  ])
  expect(await refusalOf(send(id, { type: 'user.interrupt', session_thread_id: scout.id }))).toMatch(
    /^400 .*terminated/,
  )
  expect(await refusalOf(sessions.threads.retrieve('sthr_none', at))).toMatch(/^404/)
})

test('a system message goes with the message before it, on models that know such', async () => {
  const { clock, client, sessions, create, send } = await openSessionHouse()
  const system = { type: 'system.message' as const, content: [{ type: 'text' as const, text: 'be brief' }] }
  const session = await create()
  const sent = await send(session.id, say('hi'), system)
  clock.advance(1000)
  const listed = await collect(
    sessions.events.list(session.id, { types: ['user.message', 'system.message'] }),
  )
  expect(listed.map(({ id }) => id)).toEqual(sent.data?.map(({ id }) => id))
  expect(listed.every((event) => event.processed_at !== null)).toBe(true)
  const old = await client.beta.agents.create({ name: 'old', model: 'claude-sonnet-4-6' })
  const refusal = await refusalOf(send((await create({ agent: old.id })).id, say('hi'), system))
  expect(refusal).toMatch(/^400 model_does_not_support_mid_conversation_system/)
})

test('an outcome is shown on the session from its definition on, one at a time', async () => {
  const { sessions, create, send } = await openSessionHouse({ scenario: 'long' })
  const session = await create()
  const outcome = {
    type: 'user.define_outcome' as const,
    description: 'a page',
    rubric: { type: 'text' as const, content: 'is one' },
  }
  const { data } = await send(session.id, outcome)
  const id = expect.stringMatching(/^outc_/)
  expect(data).toMatchObject([
    { ...outcome, processed_at: expect.any(String), outcome_id: id, max_iterations: null },
  ])
  const [shown] = (await sessions.retrieve(session.id)).outcome_evaluations
  expect(shown).toEqual({
    type: 'outcome_evaluation',
    outcome_id: id,
    description: 'a page',
    result: 'running',
    iteration: 0,
    explanation: null,
    completed_at: null,
  })
  expect(await refusalOf(send(session.id, outcome))).toMatch(/^400 .*one outcome at a time/)
})

test('an outcome goes through its cycles to a verdict, and stays there', () => {
  const happen = (type: string, fields: object) => ({
    ...fields,
    outcome_id: 'outc_1',
    type,
    id: 'sevt_1',
    processed_at: '2026-12-01T00:00:00Z',
  })
  const spans = [
    happen('user.define_outcome', { description: 'a page' }),
    happen('session.status_running', {}),
    happen('span.outcome_evaluation_start', { iteration: 0 }),
    happen('span.outcome_evaluation_end', {
      iteration: 0,
      result: 'needs_revision',
      explanation: 'too long',
    }),
    happen('span.outcome_evaluation_start', { iteration: 1 }),
    happen('span.outcome_evaluation_end', { iteration: 1, result: 'satisfied', explanation: 'fine' }),
    happen('span.outcome_evaluation_end', { iteration: 2, result: 'failed', explanation: 'late' }),
  ]
  let evaluations: readonly OutcomeEvaluation[] = []
  const seen = spans.map((event) => {
    evaluations = followOutcome(evaluations, event)
    const [{ result, iteration, explanation } = {}] = evaluations
    return `${result} ${iteration} ${explanation}`
  })
  expect(seen).toEqual([
    'pending 0 null',
    'running 0 null',
    'evaluating 0 null',
    'running 1 too long',
    'evaluating 1 too long',
    'satisfied 1 fine',
    'satisfied 1 fine',
  ])
  expect(evaluations[0]?.completed_at).toBe('2026-12-01T00:00:00Z')
})

test('events are listed by type, time and order, each cursor in its own order', async () => {
  const { clock, sessions, create, send } = await openSessionHouse()
  const session = await create()
  await send(session.id, say('one'))
  clock.advance(60_000)
  await send(session.id, say('two'))
  clock.advance(60_000)
  const all = await collect(sessions.events.list(session.id, { limit: 3 }))
  expect(await collect(sessions.events.list(session.id, { limit: 3, order: 'desc' }))).toEqual(
    all.toReversed(),
  )
  const messages = await collect(
    sessions.events.list(session.id, { types: ['user.message', 'session.usage'], limit: 1 }),
  )
  expect(typesOf(messages)).toEqual(['user.message', 'session.usage', 'user.message', 'session.usage'])
  const start = messages[2]?.processed_at ?? ''
  const late = await collect(sessions.events.list(session.id, { 'created_at[gte]': start }))
  const early = await collect(sessions.events.list(session.id, { 'created_at[lt]': start }))
  expect([...early, ...late]).toEqual(all)
  expect(late[0]).toEqual(messages[2])
  await send(session.id, { ...say('three') })
  await send(session.id, say('queued'))
  const open = await collect(sessions.events.list(session.id, { types: ['user.message'] }))
  expect(open.at(-1)).toMatchObject({ processed_at: null })
  const timed = await collect(
    sessions.events.list(session.id, { types: ['user.message'], 'created_at[gt]': '2000-01-01T00:00:00Z' }),
  )
  expect(timed).toHaveLength(open.length - 1)
  const page = (await sessions.events.list(session.id, { limit: 1 })).next_page ?? ''
  expect(await refusalOf(sessions.events.list(session.id, { page, order: 'desc' }))).toMatch(/^400 .*order/)
  expect(await refusalOf(sessions.events.list(session.id, { 'created_at[gt]': 'soon' }))).toMatch(
    /^400 .*created_at/,
  )
})

test('a thread’s stream is its own and ends with the session; only known previews can be asked for', async () => {
  const { sessions, send, clock, id, custom, use, scout, primary } = await openAsking()
  const at = { session_id: id }
  const odd: object = { event_deltas: ['agent.tool_use'] }
  expect(await refusalOf(sessions.events.stream(id, odd))).toMatch(/^400 .*event_deltas/)
  const streams = await Promise.all([
    sessions.threads.events.stream(primary.id, { ...at, event_deltas: ['agent.message'] }),
    sessions.threads.events.stream(scout.id, at),
  ])
  await send(id, { type: 'user.tool_confirmation', tool_use_id: use, result: 'allow' })
  await send(id, { type: 'user.custom_tool_result', custom_tool_use_id: custom })
  clock.advance(1000)
  await sessions.delete(id)
  const [own, child] = await Promise.all(streams.map((stream) => collect<{ type: string }>(stream)))
  expect(typesOf(own ?? [])).toContain('agent.message')
  expect(own?.at(-1)?.type).toBe('session.deleted')
  expect(typesOf(child ?? [])).toContain('user.tool_confirmation')
  expect(typesOf(child ?? [])).not.toContain('agent.message')
  expect(child?.at(-1)?.type).toBe('session.deleted')
})
