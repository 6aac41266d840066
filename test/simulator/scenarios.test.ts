// The scenario library: every story is played to its end, and the stream, the lists, the usage and the bill agree.
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readScenario } from '../../src/simulator/play/scenario-file.ts'
import { loadScenarioLibrary } from '../../src/simulator/play/scenario-library.ts'
import { follow, history, lastIdle, playTurn, type SessionEvent } from '../support/scenario-driver.ts'
import { openSessionHouse } from '../support/session-house.ts'

type Story = {
  readonly turns?: number
  readonly budget?: string
  readonly isSelfHosted?: boolean
  readonly end?: string
  readonly shows: readonly string[]
}

/** What each scenario must show, on any thread of it. */
const stories: Readonly<Record<string, Story>> = {
  default: { turns: 3, shows: ['agent.message'] },
  tool_confirmation: { shows: ['agent.tool_result'] },
  child_thread: { shows: ['session.thread_created', 'agent.thread_message_received'] },
  long: { shows: ['agent.tool_result'] },
  coding_agent: { shows: ['agent.thinking', 'agent.tool_result'] },
  research_agent: {
    shows: ['workflow_run.phase_ended', 'workflow_run.status_ended', 'agent.thread_context_compacted'],
  },
  scheduled_job: { shows: ['session.error', 'session.status_rescheduled'] },
  self_hosted_worker: { isSelfHosted: true, shows: ['agent.custom_tool_use', 'user.tool_result'] },
  budget_stop: { budget: '20', shows: ['session.updated'] },
  refusal: { turns: 2, shows: ['agent.message'] },
  crash_and_reschedule: {
    turns: 3,
    end: 'terminated',
    shows: ['session.status_rescheduled', 'session.error'],
  },
  interrupted: { shows: ['agent.thread_message_sent'] },
  nine_hours_idle: { turns: 3, shows: ['agent.thread_context_compacted'] },
  tool_change: { turns: 2, shows: ['agent.tool_result'] },
  pinned_against_unpinned: { shows: ['agent.message'] },
}

const ofType = <T extends SessionEvent['type']>(events: readonly SessionEvent[], type: T) =>
  events.filter((event): event is Extract<SessionEvent, { type: T }> => event.type === type)

/** Milliseconds in which at least one thread was running, read off the edges that the primary thread shows. */
function unionMs(primary: readonly SessionEvent[]): number {
  const running = new Set<string>()
  let sinceMs = 0
  let totalMs = 0
  for (const event of primary) {
    if (!('session_thread_id' in event) || !event.type.startsWith('session.thread_status_')) continue
    const atMs = Date.parse(event.processed_at ?? '')
    if (running.size > 0) totalMs += atMs - sinceMs
    sinceMs = atMs
    if (event.type === 'session.thread_status_running') running.add(event.session_thread_id ?? '')
    else running.delete(event.session_thread_id ?? '')
  }
  return totalMs
}

async function play(name: string) {
  const { turns = 1, budget, isSelfHosted = false, end = 'idle', shows } = stories[name] ?? { shows: [] }
  const house = await openSessionHouse({ scenario: name })
  const outside = await house.client.beta.environments.create({
    name: 'own',
    config: { type: 'self_hosted' },
  })
  const session = await house.create({
    environment_id: isSelfHosted ? outside.id : house.environment.id,
    ...(budget && { budget: { type: 'limit', max_list_cost: { amount: budget, currency: 'USD' } } }),
  })
  const watching = await follow(house, session.id)
  for (let turn = 0; turn < turns; turn += 1) await playTurn(house, session.id)
  await watching.caughtUp()
  await watching.close()
  const primary = await history(house, session.id)
  const threads = (await house.sessions.threads.list(session.id)).data
  const own = await Promise.all(threads.map(({ id }) => history(house, session.id, id)))
  const after = await house.sessions.retrieve(session.id)
  const [bill] = house.simulator.bill().sessions
  if (bill === undefined) throw new Error('no bill')
  expect(after.status).toBe(end)
  expect(own.flat().map(({ type }) => type)).toEqual(expect.arrayContaining([...shows]))
  return { house, session: after, primary, threads, own, bill, seen: watching.seen }
}

test('the library is complete: each file is a scenario under its own name, and each is told here', () => {
  const files = readdirSync(new URL('../../src/simulator/scenarios/', import.meta.url))
  const library = [...loadScenarioLibrary()]
  expect(library[0]?.[0]).toBe('default')
  expect(library.map(([name]) => `${name}.yaml`).toSorted()).toEqual(files.toSorted())
  expect(library.map(([name]) => name).toSorted()).toEqual(Object.keys(stories).toSorted())
  for (const [, { about }] of library) expect(about).not.toBe('')
})

test.each(Object.keys(stories))('%s: stream, lists, usage and bill tell one story', async (name) => {
  const { session, primary, threads, own, bill, seen } = await play(name)

  // The stream showed what the list has, each queued event once more before it had its time.
  const timed = seen.flatMap((event) => ('processed_at' in event && event.processed_at ? [event.id] : []))
  expect(timed).toEqual(primary.map(({ id }) => id))
  const queued = seen.filter((event) => 'processed_at' in event && event.processed_at === null)
  expect(queued.length).toBeGreaterThan(0)

  // A usage snapshot is right before every idle of the session; others are only where a thread ran out of budget.
  for (const [at, event] of primary.entries()) {
    if (event.type === 'session.status_idle') expect(primary[at - 1]?.type).toBe('session.usage')
    if (event.type !== 'session.usage' || primary[at + 1]?.type === 'session.status_idle') continue
    expect(primary[at - 1]).toMatchObject({ stop_reason: { type: 'budget_reached' } })
  }
  // Usage of the last snapshot is what the session says afterwards, unless it went on without coming to rest.
  const snapshot = primary.findLast((event) => event.type === 'session.usage')
  if (session.status === 'idle') expect(snapshot).toMatchObject({ usage: session.usage })

  // Spans: each begun is ended, on its own thread only, and together they are the session's tokens and the bill's.
  const ends = own.flatMap((events) => ofType(events, 'span.model_request_end'))
  for (const events of own) {
    const starts = ofType(events, 'span.model_request_start').map(({ id }) => id)
    const ended = ofType(events, 'span.model_request_end').map((span) => span.model_request_start_id)
    expect(ended).toEqual(starts)
  }
  const sum = (pick: (end: (typeof ends)[number]) => number) =>
    ends.reduce((total, end) => total + pick(end), 0)
  const billed = (pick: (model: (typeof bill.models)[number]) => number) =>
    bill.models.reduce((total, model) => total + pick(model), 0)
  expect(billed((model) => model.requests)).toBe(ends.length)
  const input = sum((end) => end.model_usage.input_tokens)
  const output = sum((end) => end.model_usage.output_tokens)
  const writes = sum((end) => end.model_usage.cache_creation_input_tokens)
  expect([billed((m) => m.input_tokens), session.usage.input_tokens]).toEqual([input, input])
  expect([billed((m) => m.output_tokens), session.usage.output_tokens]).toEqual([output, output])
  expect(
    billed((m) => m.cache_creation_5m_input_tokens) + billed((m) => m.cache_creation_1h_input_tokens),
  ).toBe(writes)
  expect(session.usage.cache_creation?.ephemeral_1h_input_tokens).toBe(
    billed((m) => m.cache_creation_1h_input_tokens),
  )
  expect(session.usage.server_tool_use?.web_search_requests).toBe(billed((m) => m.web_search_requests))
  const byThread = threads.reduce((total, thread) => total + (thread.usage?.output_tokens ?? 0), 0)
  expect(byThread).toBe(output)

  // Running time is the union over the threads; the stats add the threads up.
  expect(bill.running_ms).toBe(unionMs(primary))
  expect(session.usage.active_seconds).toBe(bill.running_ms / 1000)
  const added = threads.reduce(
    (total, thread) => total + Math.round((thread.stats?.active_seconds ?? 0) * 1000),
    0,
  )
  expect(Math.round((session.stats.active_seconds ?? 0) * 1000)).toBe(added)
  const cents = Math.round(Number(bill.cost_usd) * 100)
  expect(session.usage.list_cost).toEqual({ amount: String(cents), currency: 'USD' })

  // Every result names a use of its own thread, and nothing of one thread has the id of another's.
  for (const events of own) {
    const uses = new Set(ofType(events, 'agent.tool_use').map(({ id }) => id))
    for (const result of ofType(events, 'agent.tool_result')) expect(uses).toContain(result.tool_use_id)
  }
  const ids = own.flat().map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
})

test('the scheduled job has nobody asked, and a refused command leaves an error instead of a result', async () => {
  const { primary, session } = await play('scheduled_job')
  expect(lastIdle(primary)).toMatchObject({ stop_reason: { type: 'end_turn' } })
  expect(ofType(primary, 'session.status_idle')).toHaveLength(1)
  const denied = ofType(primary, 'agent.tool_use').find((use) => use.evaluated_permission === 'deny')
  expect(denied?.evaluation).toEqual({
    type: 'auto',
    evaluated_permission: { type: 'deny', reason_code: 'high_risk' },
  })
  const result = ofType(primary, 'agent.tool_result').find((each) => each.tool_use_id === denied?.id)
  expect(result?.is_error).toBe(true)
  expect(session.usage.active_seconds).toBeLessThan(session.stats.duration_seconds ?? 0)
})

test('a refusal says why, on the thread and on the session, and the next message is answered', async () => {
  const { primary } = await play('refusal')
  const [refused, answered] = ofType(primary, 'session.status_idle')
  const details = { type: 'refusal', category: 'cyber', explanation: expect.stringMatching(/breaking into/) }
  expect(refused).toMatchObject({ stop_reason: { type: 'refusal' }, stop_details: details })
  expect(ofType(primary, 'session.thread_status_idle')[0]).toMatchObject({ stop_details: details })
  expect(answered).toMatchObject({ stop_reason: { type: 'end_turn' }, stop_details: null })
})

test('nine hours with a person who answers late cost the minutes of work in them, and pass in under a second', async () => {
  const { session, bill, house } = await play('nine_hours_idle')
  // 4 s, 2 min, 7 s; 3 s, 3 min, 5 s; 1 s.
  expect(bill.running_ms).toBe((4 + 120 + 7 + 3 + 180 + 5 + 1) * 1000)
  const watching = await follow(house, session.id)
  const startedMs = performance.now()
  house.clock.advance(9 * 3_600_000)
  expect(performance.now() - startedMs).toBeLessThan(1000)
  await watching.close()
  expect(house.simulator.bill().sessions[0]).toEqual(bill)
})

test('an unpinned session does and costs more once the agent has a second version; a pinned one does not', async () => {
  const house = await openSessionHouse({ scenario: 'pinned_against_unpinned' })
  await house.client.beta.agents.update(house.agent.id, { version: 1, system: 'be thorough' })
  const pinned = await house.create({ agent: { type: 'agent', id: house.agent.id, version: 1 } })
  const latest = await house.create({ agent: house.agent.id })
  for (const { id } of [pinned, latest]) await playTurn(house, id)
  const [small, large] = house.simulator.bill().sessions
  expect([small?.agent_version, large?.agent_version]).toEqual([1, 2])
  expect(small?.models.map(({ requests, web_search_requests }) => [requests, web_search_requests])).toEqual([
    [1, 0],
  ])
  expect(large?.models.map(({ requests, web_search_requests }) => [requests, web_search_requests])).toEqual([
    [2, 3],
  ])
})

test('a call is permitted as the session’s tools stand at that moment', async () => {
  const house = await openSessionHouse({ scenario: 'tool_change' })
  const session = await house.create()
  const policy = (type: 'always_ask' | 'always_allow') => ({ permission_policy: { type } })
  await playTurn(house, session.id)
  const toolset = { type: 'agent_toolset_20260401' as const }
  await house.sessions.update(session.id, {
    agent: { tools: [{ ...toolset, default_config: policy('always_ask') }] },
  })
  await playTurn(house, session.id)
  await house.sessions.update(session.id, {
    agent: { tools: [{ ...toolset, configs: [{ type: 'bash', name: 'bash', enabled: false }] }] },
  })
  await playTurn(house, session.id)
  const events = await history(house, session.id)
  const uses = ofType(events, 'agent.tool_use')
  expect(uses.map((use) => [use.evaluated_permission, use.evaluation?.type])).toEqual([
    ['allow', 'always_allow'],
    ['ask', 'always_ask'],
    ['deny', undefined],
  ])
  expect(ofType(events, 'agent.tool_result').map((result) => result.is_error)).toEqual([false, false, true])
  expect(ofType(events, 'session.updated')).toHaveLength(2)
})

test('a file that cannot be played is refused with its name, the line and the place', () => {
  const read =
    (...lines: string[]) =>
    () =>
      readScenario(['name: x', 'about: y', ...lines].join('\n'), 'x.yaml')
  expect(read('turns:', '  - - says: hi', '      tokens: { in: -1 }')).toThrow(
    /x\.yaml:5: `turns\.0\.0\.tokens\.in`: Too small/,
  )
  expect(read('turns:', '  - - says: hi', '    - sings: la')).toThrow(
    /x\.yaml:5: `turns\.0\.1`: an item says one of/,
  )
  expect(read('turns:', '  - - rests: nobody')).toThrow(/x\.yaml:4: `turns\.0\.0\.rests`: no thread `nobody`/)
  expect(read('turns:', '  - - says: hi', '      takes: soon')).toThrow(/x\.yaml:5: .*a length of time/)
  expect(read('turns: [')).toThrow(/x\.yaml: /)
  expect(read('truns: []')).toThrow(/x\.yaml:1: .*truns/)
})
