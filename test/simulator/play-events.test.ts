// Events that come in families: previews of a message, evaluations of an outcome, workflow runs, and how they end.
import { expect, test } from 'vitest'
import { readScenario } from '../../src/simulator/play/scenario-file.ts'
import { follow, history, lastIdle, playTurn, type SessionEvent } from '../support/scenario-driver.ts'
import { openSessionHouse, say } from '../support/session-house.ts'
import { until } from '../support/until.ts'

const scene = (turns: string, threads = '{}') =>
  readScenario(`name: scene\nabout: a test\nthreads: ${threads}\nturns:\n${turns}`, 'scene.yaml')
const typesOf = (events: readonly { type: string }[]) => events.map(({ type }) => type)

const outcome = (max_iterations?: number) => ({
  type: 'user.define_outcome' as const,
  description: 'a page',
  rubric: { type: 'text' as const, content: 'it is one' },
  ...(max_iterations !== undefined && { max_iterations }),
})
const evaluationsOf = (events: readonly SessionEvent[]) =>
  events.filter((event) => event.type === 'span.outcome_evaluation_end')

test('a message is previewed while it is written, under the id it will have, and nothing is kept of it', async () => {
  const text = 'A sentence that is long enough to come in several pieces.'
  const house = await openSessionHouse({
    scenario: scene(`
  - - thinks: true
      says: ${text}
      takes: 10s`),
  })
  const { id } = await house.create()
  const stream = await house.sessions.events.stream(id, { event_deltas: ['agent.message', 'agent.thinking'] })
  const plain = await follow(house, id)
  await house.send(id, say('go'))
  house.clock.advance(4000)
  const late = await house.sessions.events.stream(id, { event_deltas: ['agent.message'] })
  house.clock.advance(4000)
  await plain.caughtUp()
  const before = await history(house, id)
  expect(typesOf(before)).toContain('agent.message')
  house.clock.advance(60_000)

  const read = async (source: typeof stream) => {
    const seen = []
    for await (const event of source) {
      seen.push(event)
      if (event.type === 'session.status_idle') break
    }
    return seen
  }
  const seen = await read(stream)
  const from = seen.findIndex(({ type }) => type === 'span.model_request_start')
  expect(typesOf(seen).slice(from + 1, from + 8)).toEqual([
    'event_start',
    'agent.thinking',
    'event_start',
    'event_delta',
    'event_delta',
    'event_delta',
    'agent.message',
  ])
  const message = seen.find((event) => event.type === 'agent.message')
  const deltas = seen.flatMap((event) => (event.type === 'event_delta' ? [event] : []))
  expect(new Set(deltas.map(({ event_id }) => event_id))).toEqual(new Set([message?.id]))
  expect(deltas.map(({ delta }) => delta.content.text).join('')).toBe(text)
  // A stream that came too late for the start, and one that did not ask, see whole events only.
  for (const whole of [await read(late), plain.seen]) {
    expect(typesOf(whole).filter((type) => type.startsWith('event_'))).toEqual([])
  }
  await plain.close()
  expect(typesOf(await history(house, id)).filter((type) => type.startsWith('event_'))).toEqual([])
})

test('an interrupt in the middle of a message leaves its preview without a message, closed by the request’s end', async () => {
  const house = await openSessionHouse({
    scenario: scene(`
  - - says: A sentence that is long enough to come in several pieces.
      takes: 10s`),
  })
  const { id } = await house.create()
  const stream = await house.sessions.events.stream(id, { event_deltas: ['agent.message'] })
  await house.send(id, say('go'))
  house.clock.advance(3000)
  await house.send(id, { type: 'user.interrupt' })
  house.clock.advance(60_000)
  const seen: string[] = []
  for await (const { type } of stream) {
    seen.push(type)
    if (type === 'session.status_idle') break
  }
  expect(seen.filter((type) => type === 'event_delta')).toHaveLength(1)
  expect(seen).not.toContain('agent.message')
  expect(seen.indexOf('span.model_request_end')).toBeGreaterThan(seen.lastIndexOf('event_delta'))
})

test('an outcome is graded at the end of a turn that says nothing of it, beside the session’s own usage', async () => {
  const house = await openSessionHouse()
  const { id } = await house.create({ initial_events: [outcome()] })
  house.clock.advance(60_000)
  const session = await house.sessions.retrieve(id)
  expect(session.outcome_evaluations).toMatchObject([
    { result: 'satisfied', iteration: 0, completed_at: expect.any(String), explanation: expect.any(String) },
  ])
  const spans = (await history(house, id)).filter(({ type }) => type.startsWith('span.outcome_evaluation'))
  expect(typesOf(spans)).toEqual([
    'span.outcome_evaluation_start',
    'span.outcome_evaluation_ongoing',
    'span.outcome_evaluation_end',
  ])
  expect(spans.at(-1)).toMatchObject({
    outcome_evaluation_start_id: spans[0]?.id,
    outcome_id: session.outcome_evaluations[0]?.outcome_id,
  })
  expect(session.usage).toMatchObject({ input_tokens: 1200, output_tokens: 240 })
  expect(house.simulator.bill().sessions[0]?.grading).toEqual({
    evaluations: 1,
    input_tokens: 500,
    output_tokens: 50,
  })
})

test('revisions follow one another until the outcome is met or its cycles are used up', async () => {
  const turns = `
  - - says: first
    - grades: needs_revision
      because: too short
      tokens: { in: 10, out: 1 }
    - says: second
    - grades: needs_revision
      because: still too short
      tokens: { in: 10, out: 1 }
    - says: third
    - grades: satisfied
      because: long enough
      tokens: { in: 10, out: 1 }`
  for (const [cycles, results] of [
    [undefined, ['needs_revision', 'needs_revision', 'satisfied']],
    [2, ['needs_revision', 'max_iterations_reached']],
  ] as const) {
    const house = await openSessionHouse({ scenario: scene(turns) })
    const { id } = await house.create({ initial_events: [outcome(cycles)] })
    house.clock.advance(60_000)
    const ends = evaluationsOf(await history(house, id))
    expect(ends.map(({ result }) => result)).toEqual(results)
    expect(ends.map(({ iteration }) => iteration)).toEqual([...results.keys()])
    const [evaluation] = (await house.sessions.retrieve(id)).outcome_evaluations
    expect(evaluation).toMatchObject({ result: results.at(-1), iteration: results.length - 1 })
    // The turn after the last verdict is one of acknowledgement.
    expect((await history(house, id)).filter(({ type }) => type === 'agent.message')).toHaveLength(3)
  }
})

test('an interrupt is the verdict on an outcome whose evaluation never started', async () => {
  const house = await openSessionHouse({ scenario: 'long' })
  const { id } = await house.create({ initial_events: [outcome()] })
  house.clock.advance(7)
  await house.send(id, { type: 'user.interrupt' })
  const [end] = evaluationsOf(await history(house, id))
  expect(end).toMatchObject({ result: 'interrupted', outcome_evaluation_start_id: '' })
  expect((await house.sessions.retrieve(id)).outcome_evaluations).toMatchObject([{ result: 'interrupted' }])
})

const run = `
  - - starts_run: audit
      phases: [open]
    - enters: open
      run: audit
    - spawns: checker
      run: true
      with: check
    - says: checked
      thread: checker
      takes: 10s
      tokens: { in: 100, out: 10 }
    - ends_run: audit
      as: timeout_error
      message: It took too long.
    - says: over`
const checker = '{ checker: { agent_name: checker, kind: inline, run: audit } }'

test('a workflow run closes its phases and its threads, and says its error before its end', async () => {
  const house = await openSessionHouse({ scenario: scene(run, checker) })
  const { id } = await house.create()
  await playTurn(house, id)
  const primary = await history(house, id)
  const told = primary.filter(({ type }) => type.startsWith('workflow_run.'))
  expect(typesOf(told)).toEqual([
    'workflow_run.created',
    'workflow_run.status_running',
    'workflow_run.phase_started',
    'workflow_run.phase_ended',
    'workflow_run.error',
    'workflow_run.status_ended',
  ])
  const [created, , started, ended, failed, over] = told
  const runIds = new Set(told.map((event) => ('workflow_run_id' in event ? event.workflow_run_id : '')))
  expect(runIds.size).toBe(1)
  if (created?.type !== 'workflow_run.created') throw new Error('no run')
  const phase = { workflow_run_phase_id: created.phases[0]?.id }
  expect([started, ended]).toMatchObject([phase, { ...phase, phase_started_id: started?.id }])
  const error = { type: 'timeout_error', message: 'It took too long.' }
  expect([failed, over]).toMatchObject([{ error }, { result: { type: 'error', error } }])
  const thread = (await house.sessions.threads.list(id)).data.find((each) => each.workflow_run_id !== null)
  expect(thread).toMatchObject({
    workflow_run_id: created.workflow_run_id,
    status: 'terminated',
    archived_at: expect.any(String),
    agent: { type: 'inline', name: 'checker' },
    usage: { input_tokens: 100, active_seconds: 10 },
  })
  expect(thread?.agent).not.toHaveProperty('id')
})

test('an interrupt ends no run, and the end that an archive brings is in the list but on no stream', async () => {
  const house = await openSessionHouse({ scenario: scene(run, checker) })
  const { id } = await house.create({ initial_events: [say('go')] })
  house.clock.advance(5000)
  const watching = await follow(house, id)
  await house.send(id, { type: 'user.interrupt' })
  expect(typesOf(await history(house, id))).toContain('workflow_run.status_idle')
  await house.sessions.archive(id)
  const listed = await history(house, id)
  expect(listed.find(({ type }) => type === 'workflow_run.status_ended')).toMatchObject({
    result: { type: 'stopped' },
  })
  await until(
    () => typesOf(watching.seen),
    (types) => types.includes('session.status_terminated'),
  )
  expect(typesOf(watching.seen)).not.toContain('workflow_run.status_ended')
  expect(lastIdle(listed)?.stop_reason).toEqual({ type: 'end_turn' })
  await watching.close()
})

test('the advisor answers once it rests, with words that clients may not read, at the price of its own model', async () => {
  const house = await openSessionHouse({ scenario: 'research_agent' })
  const { id } = await house.create()
  await playTurn(house, id)
  const advisor = (await house.sessions.threads.list(id)).data.find(({ agent }) => agent.type === 'advisor')
  expect(advisor?.agent).toEqual({ type: 'advisor', model: 'claude-fable-5-2' })
  const events = await history(house, id)
  const rested = events.findIndex(
    (event) => event.type === 'session.thread_status_idle' && event.agent_name === 'anthropic.advisor',
  )
  expect(events[rested + 1]).toMatchObject({
    type: 'agent.thread_message_received',
    from_session_thread_id: advisor?.id,
    content: [{ type: 'redacted' }],
  })
  const models = house.simulator.bill().sessions[0]?.models.map(({ model }) => model)
  expect(models).toContain('claude-fable-5-2')
})
