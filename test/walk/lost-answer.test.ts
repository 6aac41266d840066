// A creation whose answer is lost on the way: the SDK asks again, and what the first one made is nobody's but its maker's.
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'

let house: TestHouse
let mine: Anthropic
let theirs: Anthropic

beforeAll(async () => {
  house = await openTestHouse()
  const keys = [
    addCaller(house, 'maker', 'alpha', 'developer'),
    addCaller(house, 'other', 'beta', 'developer'),
  ]
  await house.refreshPolicies()
  const [mineOf, theirsOf] = keys.map(
    (apiKey) => new Anthropic({ baseURL: house.gatewayUrl, apiKey, maxRetries: 1 }),
  )
  if (mineOf === undefined || theirsOf === undefined) throw new Error('no clients')
  mine = mineOf
  theirs = theirsOf
})
afterAll(() => house.destroy())

const statusOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: unknown) => (error instanceof Anthropic.APIError ? error.status : error),
  )

async function loseTheNextAnswer(path: string): Promise<void> {
  const booked = await fetch(`${house.simulator.url}/simulator/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ method: 'POST', path, drop: 'after' }),
  })
  expect(booked.status).toBe(200)
}

async function idsOf(client: Anthropic): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of client.beta.sessions.list()) ids.push(id)
  return ids
}

test('a create that the SDK repeats after a lost answer leaves two sessions of its maker, each with its exchange', async () => {
  const environment = await mine.beta.environments.create({ name: 'e' })
  const agent = await mine.beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  await loseTheNextAnswer('/v1/sessions')
  const answered = await mine.beta.sessions.create({ agent: agent.id, environment_id: environment.id })

  const ids = await idsOf(mine)
  expect(ids).toHaveLength(2)
  expect(ids).toContain(answered.id)
  const lost = ids.find((id) => id !== answered.id) ?? ''
  expect(await idsOf(theirs)).toEqual([])
  expect(await statusOf(theirs.beta.sessions.retrieve(lost))).toBe(404)
  expect(await statusOf(theirs.beta.sessions.archive(lost))).toBe(404)

  // The stamp leads back to the request that made it, of which no answer told the id.
  const found = await mine.beta.sessions.retrieve(lost)
  expect(found.metadata['tollgate_owner']).toBe('alpha/maker')
  await house.writer.flush()
  const rows = await house.ledger.query<{ exchange_id: string; caller: string; status: number }>(
    "SELECT exchange_id, caller, status FROM tollgate.exchanges FINAL WHERE operation = 'sessions.create' ORDER BY started_at",
  )
  expect(rows.map(({ caller, status }) => [caller, status])).toEqual([
    ['maker', 502],
    ['maker', 200],
  ])
  expect(found.metadata['tollgate_exchange']).toBe(rows[0]?.exchange_id)
  expect(answered.metadata['tollgate_exchange']).toBe(rows[1]?.exchange_id)

  // Somebody has to be able to end it.
  expect((await mine.beta.sessions.archive(lost)).id).toBe(lost)
})
