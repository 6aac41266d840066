// Nothing that happened is missing: what the ledger has of a session are exactly the events of the upstream's history,
// though nobody streams it.
import { expect, test } from 'vitest'
import { joinSenders } from '../../src/ledger/queries/sent-events.ts'
import type { SessionEventRow } from '../../src/ledger/session-rows.ts'
import { project } from '../../src/meter/project.ts'
import { kept, library } from '../support/kept-events.ts'
import { history, playTurn } from '../support/scenario-driver.ts'
import { collect, say } from '../support/session-house.ts'
import { until } from '../support/until.ts'
import { openWatchedWorld, type WatchedWorld } from '../support/watched-world.ts'

/** The upstream's own history, its child threads' included. */
async function told(world: WatchedWorld, id: string): Promise<readonly string[]> {
  const threads = await collect(world.sessions.threads.list(id))
  const children = threads.filter((thread) => thread.parent_thread_id !== null)
  const lists = [await history(world, id)]
  for (const child of children) lists.push(await history(world, id, child.id))
  const lines = lists
    .flat()
    .map((event) => `${event.id} ${event.type} ${'processed_at' in event && event.processed_at !== null}`)
  return [...new Set(lines)].toSorted()
}

async function isComplete(world: WatchedWorld, id: string): Promise<void> {
  const expected = await told(world, id)
  const seen = () =>
    kept(world, id)
      .map((row) => `${row.event_id} ${row.type} ${row.is_processed === 1}`)
      .toSorted()
  await until(seen, (rows) => JSON.stringify(rows) === JSON.stringify(expected))
  expect(world.records.filter((record) => project(record).quarantined_records !== undefined)).toEqual([])
}

test.each(library)('of a session nobody streams, every event is kept: %s', async (scenario) => {
  const world = await openWatchedWorld()
  world.watch()
  const { id } = await world.create({ metadata: { simulator_scenario: scenario } })
  await playTurn(world, id)
  await isComplete(world, id)
})

test('a watcher that is closed in the middle leaves no hole to the next one', async () => {
  const world = await openWatchedWorld()
  const first = world.watch()
  const { id } = await world.create({ metadata: { simulator_scenario: 'coding_agent' } })
  await world.send(id, say('go on'))
  await until(
    () => kept(world, id).length,
    (n) => n > 0,
  )
  await first.close()
  await playTurn(world, id)
  world.watch()
  await isComplete(world, id)
})

test('who sent an event and when it was processed are joined, whichever was told first', () => {
  const row = (given: Partial<SessionEventRow>): SessionEventRow => ({
    session_id: 's',
    event_id: 'e',
    thread_id: '',
    about_thread_id: '',
    type: 'user.message',
    occurred_at: '2026-11-01 00:00:00.000000',
    is_processed: 0,
    seen_at: '2026-11-01 00:00:00.000',
    detail: '{}',
    sent_by: '',
    ver: 0,
    ...given,
  })
  const known = [
    {
      session_id: 's',
      event_id: 'e',
      sender: 'x1',
      processed: 1,
      processed_at: '2026-11-01 00:00:09.000000',
    },
  ]
  for (const half of [row({ sent_by: 'x1' }), row({ is_processed: 1 })]) {
    const [whole] = joinSenders([half], known)
    expect(whole).toMatchObject({ sent_by: 'x1', is_processed: 1, occurred_at: known[0]?.processed_at })
    expect(joinSenders(whole === undefined ? [] : [whole], known)).toEqual([])
  }
})
