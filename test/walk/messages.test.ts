// Calls of the Messages API through the gateway: what they use is their caller's, to the token and the cent of the
// upstream's bill, whether the answer is whole or a stream, and also when nobody waits for its end.
import type Anthropic from '@anthropic-ai/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addCaller } from '../support/callers.ts'
import { type HouseOptions, openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

let house: TestHouse
let keys: Readonly<Record<'payments' | 'search', string>>

async function open(options: HouseOptions = {}): Promise<void> {
  await house?.destroy()
  house = await openTestHouse(options)
  keys = {
    payments: addCaller(house, 'payments-ci', 'payments', 'admin'),
    search: addCaller(house, 'search-ci', 'search', 'admin'),
  }
  await house.refreshPolicies()
}
beforeEach(() => open(), 60_000)
afterEach(() => house.destroy())

type Script = { readonly [name: string]: unknown }

/** A request whose last line tells the simulator what to answer and to use. */
const ask = (model: string, script: Script = {}, extra: object = {}) => ({
  model,
  max_tokens: 4_096,
  messages: [{ role: 'user' as const, content: `say something\nsimulator: ${JSON.stringify(script)}` }],
  ...extra,
})

const as = (team: keyof typeof keys): Anthropic => house.client({ apiKey: keys[team] })
const used = {
  input_tokens: 1_200,
  output_tokens: 345,
  cache_read_input_tokens: 70,
  ephemeral_1h_input_tokens: 11,
}

/** What the upstream bills of a model's messages; the counts as the report names them. */
const billed = (model: string) => {
  const line = house.simulator.messageBill().lines.find((each) => each.model === model)
  return {
    model_requests: line?.requests,
    input_tokens: line?.input_tokens,
    output_tokens: line?.output_tokens,
    cache_read_tokens: line?.cache_read_input_tokens,
    cache_write_5m_tokens: line?.cache_creation_5m_input_tokens,
    cache_write_1h_tokens: line?.cache_creation_1h_input_tokens,
    web_search_requests: line?.web_search_requests,
    cost_usd: line?.cost_usd,
  }
}

const usedOf = async (model: string) => (await house.usage('model')).lines.find(({ key }) => key === model)

test('whole and streamed messages cost their callers what the upstream bills, and are no session', async () => {
  await as('payments').messages.create(ask('claude-haiku-5-5', { usage: used }))
  await as('payments').messages.create(ask('claude-haiku-5-5', { usage: { ...used, input_tokens: 150_000 } }))
  await as('search')
    .messages.stream(ask('claude-haiku-5-5', { usage: used }))
    .finalMessage()
  await as('search').messages.create(ask('claude-opus-5-5', { usage: { web_search_requests: 3 } }))
  await as('search').messages.create(
    ask('claude-opus-5-5', { usage: used }, { inference_geo: 'us', speed: 'fast', betas: [] }),
    { headers: { 'anthropic-beta': 'fast-mode-2026-02-01' } },
  )
  await until(
    () => usedOf('claude-opus-5-5'),
    (line) => line?.model_requests === 2,
  )
  for (const model of ['claude-haiku-5-5', 'claude-opus-5-5'])
    expect(await usedOf(model)).toMatchObject(billed(model))
  const teams = await house.usage('team')
  expect(teams.lines.map(({ key, model_requests }) => [key, model_requests]).toSorted()).toEqual([
    ['payments', 2],
    ['search', 3],
  ])
  expect(teams.total).toMatchObject({ sessions: 0, unpriced_requests: 0 })
  expect(teams.total.cost_usd).toBe(house.simulator.messageBill().total_cost_usd)
  const sessions = await house.usage('session')
  expect(sessions.lines.map(({ key }) => key).toSorted()).toEqual([
    'messages/payments/payments-ci',
    'messages/search/search-ci',
  ])
})

test('a message whose client hangs up in the middle is read to its end, and charged in full', async () => {
  const stream = await as('payments').messages.create({
    ...ask('claude-sonnet-5-5', { usage: used, text: 'a long answer that takes its time', delay_ms: 20 }),
    stream: true,
  })
  for await (const event of stream) if (event.type === 'content_block_start') break
  await until(
    () => usedOf('claude-sonnet-5-5'),
    (line) => line?.output_tokens === used.output_tokens,
  )
  expect(await usedOf('claude-sonnet-5-5')).toMatchObject({
    ...billed('claude-sonnet-5-5'),
    unpriced_requests: 0,
  })

  const hung = new AbortController()
  const asked = as('payments').messages.create(ask('claude-opus-5-5', { usage: used, delay_ms: 300 }), {
    signal: hung.signal,
  })
  setTimeout(() => hung.abort(), 50)
  await expect(asked).rejects.toThrow()
  await until(
    () => usedOf('claude-opus-5-5'),
    (line) => line?.output_tokens === used.output_tokens,
  )
})

test('where nothing is read on, the upstream is told to stop, and what is not known is flagged and never zero', async () => {
  await open({ env: { TOLLGATE_MESSAGE_DRAINS_MAX: '0' } })
  const stream = await as('payments').messages.create({
    ...ask('claude-sonnet-5-5', { usage: used, text: 'a long answer '.repeat(200), delay_ms: 50 }),
    stream: true,
  })
  for await (const event of stream) if (event.type === 'content_block_start') break
  const line = await until(
    () => usedOf('claude-sonnet-5-5'),
    (seen) => seen?.model_requests === 1,
  )
  expect(line).toMatchObject({ input_tokens: used.input_tokens, unpriced_requests: 1, cost_usd: '0.00' })
  expect(house.simulator.messageBill().lines[0]?.output_tokens).toBeLessThan(used.output_tokens)
})

test('a whole answer that nobody waited for is a request of unknown cost; what the upstream refused is none', async () => {
  await open({ env: { TOLLGATE_MESSAGE_DRAINS_MAX: '0' } })
  await expect(as('search').messages.create(ask('claude-of-nobody'))).rejects.toThrow('404')
  const hung = new AbortController()
  const asked = as('payments').messages.create(ask('claude-opus-5-5', { usage: used, delay_ms: 60_000 }), {
    signal: hung.signal,
  })
  await until(
    () => house.simulator.requests().filter(({ path }) => path === '/v1/messages').length,
    (seen) => seen === 2,
  )
  hung.abort()
  await expect(asked).rejects.toThrow()
  const report = await until(
    () => house.usage('team'),
    ({ total }) => total.model_requests > 0,
  )
  expect(report.lines.map(({ key, unpriced_requests }) => [key, unpriced_requests])).toEqual([
    ['payments', 1],
  ])
})

test('what never reached the upstream is no request', async () => {
  await open({ upstreamUrl: 'http://127.0.0.1:1' })
  await expect(as('payments').messages.create(ask('claude-opus-5-5'))).rejects.toThrow('502')
  await house
    .client()
    .models.list()
    .catch(() => undefined)
  await house.writer.flush()
  const [row] = await house.ledger.query<{ n: string }>('SELECT count() AS n FROM tollgate.exchanges FINAL')
  expect(Number(row?.n)).toBeGreaterThan(0)
  expect((await house.usage('team')).total.model_requests).toBe(0)
})
