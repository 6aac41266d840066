// The watcher makes the record of every session complete, whoever watches it and however badly.
import { expect, test } from 'vitest'
import type { JournalRecord } from '../../src/kernel/journal.ts'
import { loadScenarioLibrary } from '../../src/simulator/play/scenario-library.ts'
import type { WatchDeps } from '../../src/watch/watch.ts'
import { scenarios } from '../support/billed-scenarios.ts'
import { playTurn } from '../support/scenario-driver.ts'
import { say } from '../support/session-house.ts'
import { until } from '../support/until.ts'
import { openWatchedWorld, quantities, type WatchedWorld } from '../support/watched-world.ts'

const minute = 60_000

test.each([...loadScenarioLibrary().keys()])(
  'a session that nobody streams and nobody told of is in the ledger as it is billed: %s',
  async (scenario) => {
    const world = await openWatchedWorld({ scenario })
    world.watch()
    const budget = { type: 'limit' as const, max_list_cost: { amount: '20', currency: 'USD' as const } }
    const session = await world.create(scenario === 'budget_stop' ? { budget } : {})
    await playTurn(world, session.id)
    await world.agrees(session.id)
    expect(world.billOf(session.id).models.length).toBeGreaterThan(0)
  },
)

test('a running session is followed on a stream of our own, child threads on theirs, until it rests', async () => {
  const world = await openWatchedWorld({ scenarios })
  const watching = world.watch()
  const { id } = await world.create({ metadata: { simulator_scenario: 'family' } })
  await world.send(id, say('go'))
  await until(watching.status, ({ streams }) => streams === 1)
  world.clock.advance(minute + 3000)
  await until(watching.status, ({ streams }) => streams === 3)
  await until(world.simulator.openStreams, (streams) => streams === 3)
  // What happens now is seen as it happens: no list has it yet.
  const before = world.ledgerOf(id).model_requests
  world.clock.advance(minute)
  await until(
    () => world.ledgerOf(id).model_requests,
    (requests) => requests > before,
  )
  world.clock.advance(60 * minute)
  await world.agrees(id)
  await until(world.simulator.openStreams, (streams) => streams === 0)
  expect(watching.status()).toMatchObject({ streams: 0, sessions: 0, lagMs: 0, problem: null })
})

test('the stream is opened before the list is read', async () => {
  const world = await openWatchedWorld({ scenarios })
  world.watch()
  const { id } = await world.create({ metadata: { simulator_scenario: 'chat' } })
  await world.send(id, say('go'))
  await until(
    () => world.simulator.requests().some(({ path }) => path.startsWith(`/v1/sessions/${id}/events?`)),
    (isListed) => isListed,
  )
  const asked = world.simulator.requests().map(({ method, path }) => `${method} ${path.split('?')[0]}`)
  const stream = asked.indexOf(`GET /v1/sessions/${id}/events/stream`)
  expect(stream).toBeGreaterThan(-1)
  expect(stream).toBeLessThan(asked.indexOf(`GET /v1/sessions/${id}/events`))
})

test('our own stream that is cut again and again loses nothing', async () => {
  const world = await openWatchedWorld({ scenarios })
  world.simulator.faults.add({
    method: 'GET',
    path: '/v1/sessions/*/events/stream',
    times: 20,
    cut_after_bytes: 300,
  })
  world.watch()
  const { id } = await world.create({ metadata: { simulator_scenario: 'chat' } })
  for (const _ of [1, 2, 3]) {
    await world.send(id, say('go'))
    for (const step of [1, 1, 6, 1]) world.clock.advance(step * minute)
  }
  await world.agrees(id)
})

test('events that come twice, on streams and lists, and from two watchers, count once', async () => {
  const world = await openWatchedWorld({ scenarios })
  world.simulator.faults.add({ method: 'GET', path: '/v1/sessions/**', times: null, event_copies: 3 })
  world.watch()
  world.watch()
  const { id } = await world.create({ metadata: { simulator_scenario: 'family' } })
  await world.send(id, say('go'), say('and again'))
  world.clock.advance(30 * minute)
  await world.agrees(id)
  const requests = world.records.filter(({ type }) => type === 'span.model_request_end')
  expect(requests.length).toBeGreaterThan(world.ledgerOf(id).model_requests)
})

const atOnceOnly: WatchDeps['after'] = (delayMs, run) => {
  if (delayMs > 500) return () => {}
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}

test('a client stream is borrowed, and replaced when it is cut in the middle of a run', async () => {
  const world = await openWatchedWorld({ scenarios })
  // Only what follows at once: a later check would find the gap, too.
  const watching = world.watch({ sweepMs: 60_000, after: atOnceOnly })
  const { id } = await world.create({ metadata: { simulator_scenario: 'chat' } })
  const stream = { exchangeId: 'req_1', sessionId: id, threadId: '', team: 'payments' }
  watching.streamOpened(stream)
  await world.send(id, say('go'))
  watching.wake(id, 'payments')
  // The client's stream and the work it saw have been looked at, and nothing more is owed.
  await until(
    () => world.reads.filter((kind) => kind === 'events').length,
    (lists) => lists > 0,
  )
  await until(watching.status, ({ lagMs }) => lagMs === 0)
  expect(watching.status().streams).toBe(0)
  watching.settled({
    exchange_id: 'req_1',
    operation: 'sessions.events.stream',
    session_id: id,
    team: 'payments',
    status: 200,
  })
  await until(watching.status, ({ streams }) => streams === 1)
  world.clock.advance(20 * minute)
  await world.agrees(id)
})

test('what was read to the end is not read again, by this watcher or the next', async () => {
  const world = await openWatchedWorld({ scenarios })
  const first = world.watch()
  const { id } = await world.create({ metadata: { simulator_scenario: 'chat' } })
  await world.send(id, say('go'))
  world.clock.advance(20 * minute)
  await world.agrees(id)
  await until(first.status, ({ sessions }) => sessions === 0)
  await first.close()
  world.reads.length = 0
  world.watch()
  await until(
    () => world.reads.length,
    (reads) => reads > 6,
  )
  expect(new Set(world.reads)).toEqual(new Set(['sweep']))
})

test('work done while no watcher was there is found by the next one', async () => {
  const world = await openWatchedWorld({ scenarios })
  const first = world.watch()
  const { id } = await world.create({ metadata: { simulator_scenario: 'family' } })
  await world.send(id, say('go'))
  world.clock.advance(30 * minute)
  await world.agrees(id)
  await first.close()
  await world.send(id, say('go'))
  world.clock.advance(30 * minute)
  expect(world.ledgerOf(id)).not.toEqual(quantities(world.billOf(id)))
  world.watch()
  await world.agrees(id)
})

test('a watcher that dies between any two steps is finished by the next one', async () => {
  for (let steps = 1; steps <= 14; steps += 1) {
    const world = await openWatchedWorld({ scenarios })
    const { id } = await world.create({ metadata: { simulator_scenario: 'family' } })
    await world.send(id, say('go'))
    let left = steps
    // After so many batches nothing is durable any more, as when the process is gone.
    const dying = world.watch({
      keep: async (kept) => {
        if (left <= 0) throw new Error('dead')
        left -= 1
        world.records.push(...kept)
      },
    })
    await until(
      () => world.reads.length,
      (reads) => reads > 2,
    )
    world.clock.advance(minute + 3000)
    world.clock.advance(60 * minute)
    await until(
      () => left <= 0 || (dying.status().sessions === 0 && agree(world, id)),
      (isOver) => isOver,
    )
    await dying.close()
    const last = world.watch()
    await world.agrees(id)
    await last.close()
  }
})

test('what the journal did not take is read again before anything is said to be complete', async () => {
  const world = await openWatchedWorld({ scenarios })
  let batches = 0
  world.watch({
    keep: async (kept) => {
      batches += 1
      if (batches % 3 === 0 && batches < 30) throw new Error('the disk is full')
      world.records.push(...kept)
    },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() * 20 },
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs / 20)
      return () => clearTimeout(timer)
    },
  })
  const { id } = await world.create({ metadata: { simulator_scenario: 'family' } })
  await world.send(id, say('go'))
  world.clock.advance(60 * minute)
  const isComplete = ({ kind, session_id }: JournalRecord): boolean => kind === 'watched' && session_id === id
  await until(
    () => world.records.some(isComplete),
    (isSaid) => isSaid,
  )
  expect(agree(world, id)).toBe(true)
})

const agree = (world: WatchedWorld, id: string): boolean =>
  JSON.stringify(world.ledgerOf(id)) === JSON.stringify(quantities(world.billOf(id)))

test('the last look before a DELETE has everything, and a session that is gone is let go', async () => {
  const world = await openWatchedWorld({ scenarios })
  const watching = world.watch({ sweepMs: 3_600_000 })
  const { id } = await world.create({ metadata: { simulator_scenario: 'family' } })
  await world.send(id, say('go'))
  world.clock.advance(60 * minute)
  await watching.beforeEnd(id, 'payments')
  expect(world.ledgerOf(id)).toEqual(quantities(world.billOf(id)))
  await world.sessions.delete(id)
  watching.wake(id, 'payments')
  await until(watching.status, ({ sessions }) => sessions === 0)
  await watching.beforeEnd(id, 'payments')
  expect(world.failures).toEqual([])
})

test('a DELETE waits no longer than three seconds for an upstream that does not answer', async () => {
  const world = await openWatchedWorld()
  const watching = world.watch({ sweepMs: 3_600_000 })
  const { id } = await world.create()
  world.simulator.faults.add({
    method: 'GET',
    path: `/v1/sessions/${id}`,
    times: null,
    head_delay_ms: 60_000,
  })
  const startMs = performance.now()
  await watching.beforeEnd(id, 'payments')
  expect(performance.now() - startMs).toBeLessThan(8_000)
  expect(world.failures).toEqual(['before_end_late'])
})

test('a failing upstream is asked again, and the record is complete in the end', async () => {
  const world = await openWatchedWorld({ scenarios })
  world.simulator.faults.add([
    { method: 'GET', path: '/v1/sessions/*/events', times: 2, status: 500 },
    { method: 'GET', path: '/v1/sessions/*/threads', times: 1, status: 503 },
    { method: 'GET', path: '/v1/sessions/*/threads/*/events', times: 1, drop: 'before' },
    { method: 'GET', path: '/v1/sessions', times: 1, status: 429, retry_after_ms: 20 },
  ])
  // Twenty times as fast as the machine's clock: each failure waits longer than the last.
  world.watch({
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() * 20 },
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs / 20)
      return () => clearTimeout(timer)
    },
  })
  const { id } = await world.create({ metadata: { simulator_scenario: 'family' } })
  await world.send(id, say('go'))
  world.clock.advance(30 * minute)
  await world.agrees(id)
  expect(new Set(world.failures)).toEqual(new Set(['status_500', 'status_503', 'broken', 'too_fast']))
})

test('an upstream that says 429 hears nothing more until the time it named', async () => {
  const world = await openWatchedWorld()
  const timers: { readonly delayMs: number }[] = []
  let nowMs = 0
  const clock = { nowMs: () => Date.now(), monotonicMs: () => nowMs }
  const due = new Set<{ readonly atMs: number; readonly run: () => void }>()
  world.simulator.faults.add({ method: 'GET', path: '/v1/sessions', times: 1, status: 429, retry_after: '7' })
  world.watch({
    clock,
    after: (delayMs, run) => {
      timers.push({ delayMs })
      const timer = { atMs: nowMs + delayMs, run }
      due.add(timer)
      return () => void due.delete(timer)
    },
  })
  await until(
    () => timers.length,
    (count) => count > 0,
  )
  expect(timers[0]?.delayMs).toBe(7000)
  expect(world.reads).toEqual(['sweep'])
  nowMs = 7000
  for (const timer of [...due]) if (due.delete(timer)) timer.run()
  await until(
    () => world.reads.length,
    (reads) => reads >= 3,
  )
})

test('the upstream never gets more reads in a minute than the budget says, and what runs comes first', async () => {
  const world = await openWatchedWorld({ scenarios })
  const ids: string[] = []
  for (let n = 0; n < 12; n += 1) {
    const { id } = await world.create({ metadata: { simulator_scenario: 'chat' } })
    ids.push(id)
    await world.send(id, say('go'))
  }
  world.clock.advance(2 * minute)
  const watching = world.watch({ readsPerMinute: 30 })
  const before = world.simulator.requests().length
  // What is owed waits on: the minute is used up.
  await until(watching.status, ({ lagMs }) => world.reads.length >= 27 && lagMs > 500)
  // Three of thirty are kept for what is urgent.
  expect(world.simulator.requests().length - before).toBeLessThanOrEqual(27)
  expect(world.reads.filter((kind) => kind === 'sweep').length).toBeLessThan(6)
})

test('of two watchers that share only the one whose a session is reads it, and the other takes up what is left', async () => {
  const world = await openWatchedWorld({ scenario: 'coding_agent' })
  let owner = 'a'
  const reads = { a: 0, b: 0 }
  const watch = (name: 'a' | 'b') =>
    world.watch({
      isMine: () => owner === name,
      onRead: (kind) => {
        if (kind !== 'sweep') reads[name] += 1
      },
    })
  const [first, second] = [watch('a'), watch('b')]
  const work = async (): Promise<void> => {
    const { id } = await world.create({})
    await playTurn(world, id)
    await world.agrees(id)
  }
  await work()
  await work()
  expect([reads.a > 0, reads.b]).toEqual([true, 0])

  owner = 'b'
  first.reshare()
  second.reshare()
  const left = reads.a
  await work()
  expect([reads.a - left, reads.b > 0]).toEqual([0, true])
})

test('a session that rests, and that its own gateway died with, is read by the next one as soon as that knows', async () => {
  const world = await openWatchedWorld({ scenario: 'coding_agent' })
  let isMine = false
  const watching = world.watch({ isMine: () => isMine, sweepMs: 1_500 })
  const { id } = await world.create({})
  await playTurn(world, id)
  // It has been listed among the latest, passed over, and is no longer among them.
  const listed = () => world.reads.filter((kind) => kind === 'sweep').length
  const before = listed()
  await until(listed, (count) => count >= before + 6)
  expect(world.ledgerOf(id).model_requests).toBe(0)
  isMine = true
  watching.reshare()
  await world.agrees(id)
})
