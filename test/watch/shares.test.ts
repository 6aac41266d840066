// Gateways that share a ledger share the watching: every session is one gateway's, and nobody's for long when that one dies.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLogger } from '../../src/kernel/logger.ts'
import { readReplicas, readTouchedSessions, sayAlive } from '../../src/ledger/queries/replicas.ts'
import { ownerOf, startShares } from '../../src/watch/shares.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 6 })

test('all come to the same owner, whatever the order in which they see each other', () => {
  fc.assert(
    fc.property(names, fc.string(), (replicas, session) => {
      const owner = ownerOf(session, replicas)
      expect(replicas).toContain(owner)
      expect(ownerOf(session, replicas.toReversed())).toBe(owner)
    }),
  )
})

test('one that comes takes only what becomes its own, and one that goes leaves only what was', () => {
  fc.assert(
    fc.property(names, fc.string(), (replicas, session) => {
      const before = ownerOf(session, replicas)
      const after = ownerOf(session, [...replicas, 'one more'])
      expect([before, 'one more']).toContain(after)
    }),
  )
})

test('three gateways get about a third each', () => {
  const counts = new Map<string, number>()
  for (let at = 0; at < 3_000; at += 1) {
    const owner = ownerOf(`sesn_${at}`, ['a', 'b', 'c'])
    counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150)
})

/** Shares over a memory that the test owns; `beat` runs the next heartbeat. */
function memoryShares(replicaId: string, alive: Set<string>, isAway: () => boolean) {
  const touched: string[] = []
  let changes = 0
  let next: () => void = () => {}
  const waiting = { touched: [{ exchange_id: 'x1', session_id: 'sesn_1', team: 't' }] }
  const shares = startShares({
    replicaId,
    after: (_ms, run) => {
      next = run
      return () => {
        next = () => {}
      }
    },
    sayAlive: async (isGone) => {
      if (isAway()) throw new Error('the ledger is away')
      if (isGone) alive.delete(replicaId)
      else alive.add(replicaId)
    },
    readReplicas: async () => [...alive],
    readTouched: async () => waiting.touched,
    onTouched: ({ session_id }) => void touched.push(session_id),
    onChange: () => {
      changes += 1
    },
    logger: silentLogger,
  })
  const beat = async (): Promise<void> => {
    next()
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
  }
  return { ...shares, touched, changes: () => changes, beat, waiting }
}

test('a gateway alone watches everything; with another, each session has one; without word of others, everything again', async () => {
  const alive = new Set<string>()
  let isAway = false
  const one = memoryShares('one', alive, () => isAway)
  const two = memoryShares('two', alive, () => isAway)
  const sessions = Array.from({ length: 50 }, (_, at) => `sesn_${at}`)
  const both = (id: string) => [one.isMine(id), two.isMine(id)].filter(Boolean).length
  expect(sessions.every((id) => both(id) === 2)).toBe(true)
  await until(
    async () => {
      await one.beat()
      await two.beat()
      return sessions.map(both)
    },
    (counts) => counts.every((count) => count === 1),
  )
  expect([one.touched.length + two.touched.length]).toEqual([1])
  await one.beat()
  expect([one.touched.length + two.touched.length]).toEqual([1])
  isAway = true
  const changes = one.changes()
  await one.beat()
  await two.beat()
  expect(sessions.every((id) => both(id) === 2)).toBe(true)
  expect(one.changes()).toBe(changes + 1)
  isAway = false
  await one.beat()
  await two.beat()
  await two.close()
  await one.beat()
  expect(sessions.every(one.isMine)).toBe(true)
  await one.close()
})

let house: TestHouse
beforeAll(async () => {
  house = await openTestHouse()
}, 60_000)
afterAll(() => house.destroy())

test('the ledger knows who is alive by its own clock, and what was touched through any gateway', async () => {
  const startedAtMs = 1
  for (const id of ['gw_b', 'gw_a', 'gw_b', 'gw_c']) await sayAlive(house.ledger, id, { startedAtMs })
  await sayAlive(house.ledger, 'gw_c', { startedAtMs, isGone: true })
  expect(await readReplicas(house.ledger, 60_000)).toEqual(['gw_a', 'gw_b'])
  await until(
    () => readReplicas(house.ledger, 1),
    (alive) => alive.length === 0,
  )
  const client = house.client()
  const environment = await client.beta.environments.create({ name: 'prod' })
  const agent = await client.beta.agents.create({ name: 'bot', model: 'claude-sonnet-5-5' })
  const { id } = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  await client.beta.sessions.retrieve(id)
  await house.writer.flush()
  const touched = await readTouchedSessions(house.ledger, {
    operations: ['sessions.create'],
    sinceMs: 600_000,
  })
  expect(touched.map(({ session_id, team }) => [session_id, team])).toEqual([[id, 'platform']])
})
