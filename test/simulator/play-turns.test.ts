// What happens inside a turn when somebody must answer, money runs out, a model fails or a person interrupts.
import { expect, test } from 'vitest'
import { readScenario } from '../../src/simulator/play/scenario-file.ts'
import { follow, history, lastIdle, playTurn, type SessionEvent } from '../support/scenario-driver.ts'
import { openSessionHouse, refusalOf, say } from '../support/session-house.ts'

/** A house whose sessions play these turns; `children` are threads of their own names on the same model. */
async function open(turns: string, children: readonly string[] = []) {
  const threads = children.map((name) => `${name}: { agent_name: ${name} }`).join(', ')
  const text = `name: scene\nabout: a test\nthreads: { ${threads} }\nturns:\n${turns}`
  const house = await openSessionHouse({ scenario: readScenario(text, 'scene.yaml') })
  const childOf = async (id: string, name: string) => {
    const { data } = await house.sessions.threads.list(id)
    const found = data.find(({ agent }) => 'name' in agent && agent.name === name)
    if (found === undefined) throw new Error(`no thread ${name}`)
    return found
  }
  return { ...house, childOf }
}

const budgetOf = (amount: string) => ({
  type: 'limit' as const,
  max_list_cost: { amount, currency: 'USD' as const },
})
const typesOf = (events: readonly SessionEvent[]) => events.map(({ type }) => type)
const allow = (id: string) => ({ type: 'user.tool_confirmation', tool_use_id: id, result: 'allow' }) as const

test('answering one of two tool uses says what is left to answer, and the other one lets the turn go on', async () => {
  const house = await open(`
  - - uses: [{ tool: bash, policy: always_ask, gives: one }, { tool: bash, policy: always_ask, gives: two }]
    - says: done`)
  const { id } = await house.create({ initial_events: [say('go')] })
  house.clock.advance(1000)
  const asked = await history(house, id)
  const ids = asked.filter(({ type }) => type === 'agent.tool_use').map((use) => use.id)
  expect(lastIdle(asked)?.stop_reason).toEqual({ type: 'requires_action', event_ids: ids })
  await house.send(id, allow(ids[1] ?? ''))
  expect((await house.sessions.retrieve(id)).status).toBe('idle')
  expect(lastIdle(await history(house, id))?.stop_reason).toEqual({
    type: 'requires_action',
    event_ids: [ids[0]],
  })
  await house.send(id, { ...allow(ids[0] ?? ''), result: 'deny', deny_message: 'not today' })
  house.clock.advance(1000)
  const results = (await history(house, id)).filter((event) => event.type === 'agent.tool_result')
  expect(results).toMatchObject([
    { tool_use_id: ids[0], is_error: true, content: [{ text: 'not today' }] },
    { tool_use_id: ids[1], is_error: false, content: [{ text: 'two' }] },
  ])
  expect((await house.sessions.retrieve(id)).status).toBe('idle')
})

test('a child that asks waits alone, is shown on the primary thread under another id, and runs on when answered by it', async () => {
  const house = await open(
    `
  - - spawns: worker
      with: do it
    - uses: { tool: bash, policy: always_ask, gives: ok }
      thread: worker
      takes: 1s
    - says: I go on meanwhile
      takes: 10s
    - reports: worker
      with: done
    - says: all done
      takes: 1s`,
    ['worker'],
  )
  const { id } = await house.create({ initial_events: [say('go')] })
  house.clock.advance(5000)
  const child = await house.childOf(id, 'worker')
  expect([child.status, (await house.sessions.retrieve(id)).status]).toEqual(['idle', 'running'])
  house.clock.advance(60_000)
  const [own] = (await history(house, id, child.id)).filter(({ type }) => type === 'agent.tool_use')
  const [copy] = (await history(house, id)).filter(({ type }) => type === 'agent.tool_use')
  expect(copy).toMatchObject({ session_thread_id: child.id })
  expect(copy?.id).not.toBe(own?.id)
  expect(lastIdle(await history(house, id))?.stop_reason).toEqual({
    type: 'requires_action',
    event_ids: [copy?.id],
  })
  const before = typesOf(await history(house, id)).length
  await house.send(id, allow(copy?.id ?? ''))
  house.clock.advance(60_000)
  const after = (await history(house, id)).slice(before)
  // The child alone runs at first: the primary thread has nothing to do before its report.
  const running = after.filter((event) => event.type === 'session.thread_status_running')
  expect(running.map((event) => event.agent_name)).toEqual(['worker', 'helper'])
  expect(lastIdle(after)?.stop_reason).toEqual({ type: 'end_turn' })
  expect(typesOf(await history(house, id, child.id))).toContain('agent.tool_result')
})

test('a judged refusal on a child is on its own stream only, and a judgement not reached is everybody’s', async () => {
  const house = await open(
    `
  - - spawns: worker
      with: do it
    - uses: [{ tool: bash, policy: auto, verdict: deny }, { tool: bash, policy: auto, verdict: ask, gives: ok }]
      thread: worker
    - says: so be it
      thread: worker`,
    ['worker'],
  )
  const { id } = await house.create()
  await playTurn(house, id)
  const child = await house.childOf(id, 'worker')
  const verdicts = (events: readonly SessionEvent[]) =>
    events.flatMap((event) => (event.type === 'agent.tool_use' ? [event.evaluation] : []))
  const judged = (type: string, reason_code: string) => ({
    type: 'auto',
    evaluated_permission: { type, reason_code },
  })
  expect(verdicts(await history(house, id, child.id))).toEqual([
    judged('deny', 'high_risk'),
    judged('ask', 'indeterminate'),
  ])
  expect(verdicts(await history(house, id))).toEqual([judged('ask', 'indeterminate')])
})

test('a budget stops each thread before its next request, takes no message, and goes on where it was when raised', async () => {
  const house = await openSessionHouse({ scenario: 'budget_stop' })
  const { id } = await house.create({ budget: budgetOf('5') })
  await house.send(id, say('go'))
  house.clock.advance(3_600_000)
  const stopped = await history(house, id)
  expect(typesOf(stopped).slice(-4)).toEqual([
    'session.usage',
    'session.thread_status_idle',
    'session.usage',
    'session.status_idle',
  ])
  expect(stopped.at(-2)).toMatchObject({ budget: budgetOf('5') })
  expect(lastIdle(stopped)?.stop_reason).toEqual({ type: 'budget_reached' })
  const paused = stopped.filter((event) => event.type === 'session.thread_status_idle')
  expect(paused.map(({ agent_name, stop_reason }) => [agent_name, stop_reason.type]).toSorted()).toEqual([
    ['helper', 'budget_reached'],
    ['helper', 'budget_reached'],
  ])
  // At most one request of each thread is above the budget.
  const [bill] = house.simulator.bill().sessions
  expect(Number(bill?.cost_usd)).toBeGreaterThanOrEqual(0.05)
  expect(Number(bill?.cost_usd)).toBeLessThan(0.05 + 0.014 + 0.035 + 0.001)
  expect(await refusalOf(house.send(id, say('more')))).toMatch(/^400 .*budget/)

  const runningMs = bill?.running_ms
  house.clock.advance(3_600_000)
  expect(house.simulator.bill().sessions[0]?.running_ms).toBe(runningMs)
  await house.sessions.update(id, { budget: budgetOf('8') })
  expect((await house.sessions.retrieve(id)).status).toBe('running')
  house.clock.advance(3_600_000)
  expect(lastIdle(await history(house, id))?.stop_reason).toEqual({ type: 'budget_reached' })
  await house.sessions.update(id, { budget: null })
  house.clock.advance(3_600_000)
  const done = await history(house, id)
  expect(lastIdle(done)?.stop_reason).toEqual({ type: 'end_turn' })
  const said = done.flatMap((event) => (event.type === 'agent.message' ? event.content : []))
  expect(said.map((block) => ('text' in block ? block.text : ''))).toEqual([
    ...Array.from({ length: 10 }, (_, n) => `Part ${n + 1} of the first half.`),
    'Both halves are done.',
  ])
})

test('to wait for a person outranks to wait for money, and a turn that ends in the crossing request just ends', async () => {
  const house = await open(
    `
  - - spawns: worker
      with: do it
    - uses: { tool: bash, policy: always_ask, gives: ok }
      thread: worker
    - says: dear
      tokens: { in: 5000000 }
    - says: never
    - says: nor this
      thread: worker`,
    ['worker'],
  )
  const { id } = await house.create({ budget: budgetOf('10'), initial_events: [say('go')] })
  house.clock.advance(1000)
  const asking = lastIdle(await history(house, id))?.stop_reason
  expect(asking).toMatchObject({ type: 'requires_action', event_ids: [expect.any(String)] })
  if (asking?.type !== 'requires_action') throw new Error('asks nothing')
  await house.send(id, allow(asking.event_ids[0] ?? ''))
  house.clock.advance(1000)
  expect(lastIdle(await history(house, id))?.stop_reason).toEqual({ type: 'budget_reached' })

  const single = await open(`
  - - says: dear
      tokens: { in: 5000000 }`)
  const crossing = await single.create({ budget: budgetOf('10'), initial_events: [say('go')] })
  single.clock.advance(1000)
  expect(lastIdle(await history(single, crossing.id))?.stop_reason).toEqual({ type: 'end_turn' })
})

test('an interrupt of one thread leaves the others at work, one of all ends the turn; neither is billed further', async () => {
  const house = await openSessionHouse({ scenario: 'interrupted' })
  const { id } = await house.create({ initial_events: [say('go')] })
  house.clock.advance(12 * 60_000)
  const { data } = await house.sessions.threads.list(id)
  const child = data.find(({ parent_thread_id }) => parent_thread_id !== null)
  await house.send(id, { type: 'user.interrupt', session_thread_id: child?.id ?? '' })
  expect((await house.sessions.retrieve(id)).status).toBe('running')
  expect((await history(house, id, child?.id)).at(-1)).toMatchObject({
    type: 'session.thread_status_idle',
    stop_reason: { type: 'end_turn' },
  })
  await house.send(id, { type: 'user.interrupt' })
  const interrupted = await history(house, id)
  const end = interrupted.findLast((event) => event.type === 'span.model_request_end')
  expect(end).toMatchObject({ is_error: true, model_usage: { input_tokens: 0, output_tokens: 0 } })
  expect(lastIdle(interrupted)?.stop_reason).toEqual({ type: 'end_turn' })
  const [bill] = house.simulator.bill().sessions
  expect(bill?.running_ms).toBe(12 * 60_000)
  house.clock.advance(3_600_000)
  expect(house.simulator.bill().sessions[0]).toEqual(bill)
  await playTurn(house, id)
  expect((await history(house, id)).filter(({ type }) => type === 'agent.message')).toHaveLength(2)
})

test('an interrupt while a person is asked ends the turn without running, and the question is void', async () => {
  const house = await openSessionHouse({ scenario: 'tool_confirmation' })
  const { id } = await house.create({ initial_events: [say('go')] })
  house.clock.advance(1000)
  const asked = await history(house, id)
  const [use] = asked.filter(({ type }) => type === 'agent.tool_use')
  await house.send(id, { type: 'user.interrupt' })
  expect(typesOf((await history(house, id)).slice(asked.length))).toEqual([
    'user.interrupt',
    'session.thread_status_idle',
    'session.usage',
    'session.status_idle',
  ])
  expect(await refusalOf(house.send(id, allow(use?.id ?? '')))).toMatch(/^400/)
})

test('a crash ends the open request in error and waits outside of running time; retries keep the turn alive', async () => {
  const house = await openSessionHouse({ scenario: 'crash_and_reschedule' })
  const { id } = await house.create({ initial_events: [say('go')] })
  house.clock.advance(3000 + 1500 + 20_000)
  const [primary] = (await house.sessions.threads.list(id)).data
  expect([(await house.sessions.retrieve(id)).status, primary?.status]).toEqual([
    'rescheduling',
    'rescheduling',
  ])
  expect(house.simulator.bill().sessions[0]?.running_ms).toBe(4500)
  house.clock.advance(60_000)
  const events = await history(house, id)
  const from = events.findIndex(({ type }) => type === 'session.thread_status_rescheduled')
  expect(typesOf(events.slice(from - 1, from + 4))).toEqual([
    'span.model_request_end',
    'session.thread_status_rescheduled',
    'session.status_rescheduled',
    'session.status_running',
    'session.thread_status_running',
  ])
  expect(events[from - 1]).toMatchObject({ is_error: true })
  expect(house.simulator.bill().sessions[0]?.running_ms).toBe(7500)
})

test('an exhausted error kills the turn and the messages waiting for its end; a terminal one the session', async () => {
  const house = await openSessionHouse({ scenario: 'crash_and_reschedule' })
  const { id } = await house.create()
  await playTurn(house, id)
  await house.send(id, say('two'))
  house.clock.advance(3000)
  const waiting = await house.send(id, say('waits for the end of two'))
  house.clock.advance(3_600_000)
  const dead = await history(house, id)
  const errors = dead.filter((event) => event.type === 'session.error')
  expect(errors.map(({ error }) => [error.type, error.retry_status.type])).toEqual([
    ['model_overloaded_error', 'retrying'],
    ['model_overloaded_error', 'exhausted'],
  ])
  expect(lastIdle(dead)?.stop_reason).toEqual({ type: 'retries_exhausted' })
  const flushed = dead.find((event) => event.id === waiting.data?.[0]?.id)
  expect(flushed?.processed_at).toEqual(expect.any(String))
  expect(dead.at(-1)?.type).toBe('session.status_idle')

  const watching = await follow(house, id)
  await house.send(id, say('three'))
  house.clock.advance(3_600_000)
  await watching.caughtUp()
  await watching.close()
  const ended = await history(house, id)
  expect(typesOf(ended).slice(-3)).toEqual([
    'session.error',
    'session.thread_status_terminated',
    'session.status_terminated',
  ])
  expect((await house.sessions.retrieve(id)).status).toBe('terminated')
  expect(await refusalOf(house.send(id, say('four')))).toMatch(/^400/)
})
