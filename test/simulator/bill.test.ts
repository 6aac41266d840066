// The simulator's bill against sums done by hand, and its clock.
import Anthropic from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { formatUsd, priceRuntime, priceTokens } from '../../src/simulator/billing/prices.ts'
import { createStopwatch } from '../../src/simulator/billing/stopwatch.ts'
import { createManualClock, type ScenarioInput, startSimulator } from '../../src/simulator/simulator.ts'

async function play(scenario: string | ScenarioInput, model = 'claude-opus-5') {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock, scenario })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const environment = await client.beta.environments.create({ name: 'test' })
  const agent = await client.beta.agents.create({ name: 'helper', model })
  const session = await client.beta.sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    initial_events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
  })
  expect(session.status).toBe('running')
  return { simulator, clock, client, session }
}

const none = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
}
const served = (model: string, extra = {}) => ({
  model,
  speed: 'standard' as const,
  inferenceGeo: null,
  atMs: Date.UTC(2026, 11, 1),
  ...extra,
})

test('a turn costs its tokens, searches and running time, to the pico-dollar', async () => {
  const { simulator, clock, client, session } = await play({
    name: 'priced',
    turns: [
      [
        { type: 'span.model_request_start' },
        {
          type: 'span.model_request_end',
          delayMs: 5_400_001,
          fields: {
            model_usage: {
              input_tokens: 1001,
              output_tokens: 503,
              cache_read_input_tokens: 20_007,
              cache_creation_input_tokens: 300,
            },
          },
          hidden: { ephemeral_1h_input_tokens: 100, web_search_requests: 3 },
        },
      ],
    ],
  })
  clock.advance(24 * 3_600_000)
  // 1001*5 + 503*25 + 20007*0.5 + 200*6.25 + 100*10 micro-dollars, 3 searches, 1.5 h + 1 ms of $0.08 an hour.
  const tokensAndSearches = 5005 + 12_575 + 10_003.5 + 1250 + 1000 + 30_000
  expect(simulator.bill().sessions[0]).toMatchObject({
    running_ms: 5_400_001,
    runtime_cost_usd: '0.120000022222',
    cost_usd: (0.120000022222 + tokensAndSearches / 1e6).toFixed(12),
    models: [
      {
        model: 'claude-opus-5',
        requests: 1,
        cache_creation_5m_input_tokens: 200,
        cache_creation_1h_input_tokens: 100,
        cost_usd: (tokensAndSearches / 1e6).toString(),
      },
    ],
  })
  const { usage } = await client.beta.sessions.retrieve(session.id)
  expect(usage).toMatchObject({ active_seconds: 5400.001, list_cost: { amount: '18', currency: 'USD' } })
  const served = await fetch(`${simulator.url}/simulator/bill`)
  expect(await served.json()).toEqual(simulator.bill())
})

test('a child thread is billed at its own model, and overlapping threads run once', async () => {
  const { simulator, clock, client, session } = await play('child_thread')
  clock.advance(60_000)
  const [bill] = simulator.bill().sessions
  expect(bill?.models.map(({ model, requests }) => [model, requests])).toEqual([
    ['claude-opus-5', 2],
    ['claude-haiku-4-5', 1],
  ])
  const threads = (await client.beta.sessions.threads.list(session.id)).data
  const { usage } = await client.beta.sessions.retrieve(session.id)
  const alone = threads.map((thread) => thread.usage?.active_seconds ?? 0).reduce((sum, each) => sum + each)
  expect(usage.active_seconds).toBe((bill?.running_ms ?? 0) / 1000)
  expect(alone).toBeGreaterThan(usage.active_seconds ?? 0)
  const inputs = threads.map((thread) => thread.usage?.input_tokens ?? 0).reduce((sum, each) => sum + each)
  expect(usage.input_tokens).toBe(inputs)
})

test('nine hours of waiting for a person are not billed as running', async () => {
  const { simulator, clock } = await play('tool_confirmation')
  clock.advance(9 * 3_600_000)
  expect(simulator.bill().sessions[0]?.running_ms).toBe(20)
})

test('the running time billed is exactly the time between the status events', async () => {
  const { simulator, clock, client, session } = await play('long')
  clock.advance(600_000)
  const edges = await client.beta.sessions.events.list(session.id, {
    types: ['session.status_running', 'session.status_idle'],
  })
  const times = edges.data.map(({ processed_at }) => Date.parse(processed_at ?? ''))
  expect(simulator.bill().sessions[0]?.running_ms).toBe((times[1] ?? 0) - (times[0] ?? 0))
})

test('a model without a list price leaves the cost open instead of guessing', async () => {
  const { simulator, clock, client, session } = await play('default', 'claude-nobody-9')
  clock.advance(1000)
  expect(simulator.bill()).toMatchObject({ total_cost_usd: null, sessions: [{ cost_usd: null }] })
  expect((await client.beta.sessions.retrieve(session.id)).usage.list_cost).toBeUndefined()
})

test('prices follow prompt length, geography, speed and date', () => {
  const million = { ...none, inputTokens: 1_000_000 }
  const usd = (serving: ReturnType<typeof served>, tokens: typeof none) =>
    formatUsd(priceTokens(serving, tokens) ?? -1n)
  expect(usd(served('claude-haiku-5-5'), { ...none, inputTokens: 100_000 })).toBe('0.01')
  expect(usd(served('claude-haiku-5-5'), { ...none, inputTokens: 100_000, cacheReadTokens: 1 })).toBe(
    '0.05000005',
  )
  expect(usd(served('claude-opus-5-5', { inferenceGeo: 'us' }), million)).toBe('4.4')
  expect(usd(served('claude-opus-5-5', { speed: 'fast' }), million)).toBe('8')
  expect(usd(served('claude-opus-4-6', { speed: 'fast' }), million)).toBe('5')
  const read = { ...none, cacheReadTokens: 1_000_000 }
  expect(usd(served('claude-sonnet-5-5'), read)).toBe('0.1')
  expect(usd(served('claude-sonnet-5-5', { atMs: Date.UTC(2026, 9, 6) }), read)).toBe('0.2')
  expect(formatUsd(priceRuntime(3_600_000))).toBe('0.08')
  expect(formatUsd(0n)).toBe('0')
})

test('a stopwatch measures the union of its holders, whatever their overlaps', () => {
  const spans = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { maxLength: 8 })
  fc.assert(
    fc.property(spans, (pairs) => {
      const intervals = pairs.map(([start, length]) => ({ start, end: start + length }))
      const watch = createStopwatch()
      for (let at = 0; at <= 100; at += 1) {
        for (const [index, { start, end }] of intervals.entries()) {
          if (start === at) watch.start(String(index), at)
          if (end === at) watch.stop(String(index), at)
        }
      }
      const covered = Array.from({ length: 100 }, (_, at) => at).filter((at) =>
        intervals.some(({ start, end }) => start <= at && at < end),
      )
      expect(watch.elapsedMs(1000)).toBe(covered.length)
    }),
  )
})

test('a manual clock runs timers in the order they fall due, each at its own time', () => {
  const clock = createManualClock(0)
  const seen: (readonly [string, number])[] = []
  clock.after(30, () => seen.push(['late', clock.nowMs()]))
  clock.after(10, () => {
    seen.push(['early', clock.nowMs()])
    clock.after(5, () => seen.push(['nested', clock.nowMs()]))
  })
  const cancel = clock.after(20, () => seen.push(['cancelled', clock.nowMs()]))
  cancel()
  clock.advance(30)
  expect(seen).toEqual([
    ['early', 10],
    ['nested', 15],
    ['late', 30],
  ])
  expect([clock.nowMs(), clock.pending()]).toEqual([30, 0])
})
