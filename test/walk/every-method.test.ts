// Every method of the SDK's client through the gateway, with a key whose policy allows it: each passes, and what comes
// back is still what the SDK declares, over every page and every event.
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createManualClock } from '../../src/simulator/simulator.ts'
import { leftOut, operations } from '../../src/upstream/operations.ts'
import { walkBatchResults } from '../support/every-method/messages-walk.ts'
import { rareEvents, walkRareEvents } from '../support/every-method/rare-events.ts'
import { walkEvents } from '../support/every-method/sessions-walk.ts'
import { type Stage, seatId, seatKey } from '../support/every-method/stage.ts'
import { walkTunnelTokens } from '../support/every-method/tunnels-walk.ts'
import { methodsOf, misfitsOfWalk, uncalled, walks } from '../support/every-method/walks.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { createWatch } from '../support/sdk/watched-client.ts'

const watch = createWatch()
const clock = createManualClock()
let house: TestHouse
let workerHouse: TestHouse
let stage: Stage

// Polling and acknowledging take an environment's own key. The gateway swaps every caller's key for the one it was
// given, so self-hosted workers have a gateway of their own.
beforeAll(async () => {
  const selfHosted = [{ environmentId: seatId, environmentKey: seatKey }]
  house = await openTestHouse({ simulator: { clock, scenarios: [rareEvents], selfHosted } })
  workerHouse = await openTestHouse({
    upstreamUrl: house.simulator.url,
    env: { ANTHROPIC_API_KEY: seatKey },
  })
  stage = {
    client: watch.over(house.client()),
    worker: watch.over(workerHouse.client()),
    clock,
    simulator: house.simulator,
    watch,
  }
})
afterAll(async () => {
  await workerHouse.destroy()
  await house.destroy()
})

test.each(Object.entries(walks))('%s pass the gateway unharmed', async (_, walk) => {
  expect(await misfitsOfWalk(stage, walk)).toEqual([])
})

test.each(['research_agent', 'self_hosted_worker', 'coding_agent', 'crash_and_reschedule'])(
  'every event of scenario %s passes the gateway unharmed',
  async (name) => {
    expect(await misfitsOfWalk(stage, (on) => walkEvents(on, name))).toEqual([])
  },
)

test('every event of a story of rare ones passes the gateway unharmed', async () => {
  expect(await misfitsOfWalk(stage, walkRareEvents)).toEqual([])
})

test('the results of a batch pass at the path of their own', async () => {
  const client = house.client()
  const params = {
    model: 'claude-opus-5',
    max_tokens: 10,
    messages: [{ role: 'user' as const, content: 'hi' }],
  }
  const { id } = await client.messages.batches.create({ requests: [{ custom_id: 'good', params }] })
  clock.advance(3_600_000)
  const results = await client
    .get(`/v1/messages/batches/${id}/results`, { __binaryResponse: true })
    .asResponse()
  const lines = (await results.text()).trimEnd().split('\n')
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { custom_id: 'good', result: { type: 'succeeded' } },
  ])
})

// `results_url` in the upstream's answers is the upstream's: the SDK goes there by itself, with the caller's key.
test('the SDK finds the results of a batch here, and every line of them', async () => {
  expect(await misfitsOfWalk(stage, walkBatchResults)).toEqual([])
})

test('every operation of the table was used, and every method but those that ask nobody or answer secrets', () => {
  const asked = house.simulator.requests().map(({ method, path }) => `${method} ${path.split('?')[0]}`)
  const isUsed = ({ method, pattern }: (typeof operations)[number]) => {
    const shape = new RegExp(`^${method} ${pattern.replaceAll(/:\w+/g, '[^/]+')}$`)
    return asked.some((line) => shape.test(line))
  }
  expect(operations.filter((operation) => !isUsed(operation)).map(({ id }) => id)).toEqual([])
  const uncalledHere = methodsOf(house.client()).filter(
    (name) => !watch.called.has(name) && !(name in uncalled),
  )
  expect(uncalledHere.toSorted()).toEqual([
    'beta.tunnels.revealToken',
    'beta.tunnels.rotateToken',
    'beta.webhooks.parseUnverified',
    'beta.webhooks.unwrap',
  ])
})

test('what answers a secret is refused on purpose', async () => {
  expect(Object.keys(leftOut)).toEqual(
    expect.arrayContaining(['tunnels.reveal_token', 'tunnels.rotate_token']),
  )
  const unwatched = { ...stage, client: house.client() }
  await expect(walkTunnelTokens(unwatched)).rejects.toBeInstanceOf(Anthropic.APIError)
})
