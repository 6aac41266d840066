// The analytics endpoints against the bill: however usage is grouped and bucketed, it adds up.
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import {
  type Bill,
  createManualClock,
  type ScenarioInput,
  startSimulator,
} from '../../src/simulator/simulator.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'

const startMs = Date.UTC(2026, 11, 1)
const minuteMs = 60_000
const hourMs = 60 * minuteMs

type CostParams = Parameters<Anthropic['beta']['organization']['analytics']['cost']['list']>[0]
type CostGroup = NonNullable<CostParams['group_by']>[number]

/** A turn of odd lengths and odd counts, so that nothing rounds by accident. */
const odd: ScenarioInput = {
  name: 'odd',
  turns: [
    [
      { type: 'span.model_request_start' },
      {
        type: 'span.model_request_end',
        delayMs: 7_777_777,
        fields: {
          model_usage: {
            input_tokens: 1003,
            output_tokens: 501,
            cache_read_input_tokens: 90_001,
            cache_creation_input_tokens: 12_007,
          },
        },
        hidden: { ephemeral_1h_input_tokens: 333, web_search_requests: 2 },
      },
      { type: 'agent.message', delayMs: 13, fields: { content: [{ type: 'text', text: 'done' }] } },
    ],
  ],
}

async function house() {
  const clock = createManualClock(startMs)
  const simulator = await startSimulator({ clock, scenario: odd })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const admin = new Anthropic({ baseURL: simulator.url, apiKey: simulator.adminKey, maxRetries: 0 })
  return { clock, simulator, client, analytics: admin.beta.organization.analytics }
}

/** A house in which three sessions of two models ran for hours, and messages and a batch were answered. */
async function usedHouse() {
  const built = await house()
  const { client, clock } = built
  const environment = await client.beta.environments.create({ name: 'test' })
  const models = ['claude-opus-5', 'claude-haiku-5-5', 'claude-opus-5']
  const sessions: string[] = []
  for (const model of models) {
    const agent = await client.beta.agents.create({ name: model, model })
    const session = await client.beta.sessions.create({
      agent: agent.id,
      environment_id: environment.id,
      initial_events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
    })
    sessions.push(session.id)
    clock.advance(1_234_567)
  }
  const ask = (content: string, model = 'claude-sonnet-5-5') => ({
    model,
    max_tokens: 100,
    messages: [{ role: 'user' as const, content }],
  })
  await client.messages.create({ ...ask('hello'), user_profile_id: 'uprof_1', inference_geo: 'us' })
  await client.messages.create({ ...ask('fast', 'claude-opus-5'), speed: 'fast' })
  await client.messages.batches.create({ requests: [{ custom_id: 'a', params: ask('batched') }] })
  clock.advance(9 * hourMs)
  // Every session runs once more, two of them at the same time, one until now.
  for (const id of sessions) {
    await client.beta.sessions.events.send(id, {
      events: [{ type: 'user.message', content: [{ type: 'text', text: 'again' }] }],
    })
  }
  clock.advance(hourMs)
  return { ...built, sessions }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of items) all.push(each)
  return all
}

const statusOf = (call: PromiseLike<unknown>) =>
  call.then(
    () => 200,
    (error: unknown) => (error instanceof APIError ? error.status : String(error)),
  )

/** A decimal as a whole number of its tenth-billionth parts of a cent: pico-dollars. */
function picoOf(decimal: string, digits: number): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  expect(fraction.length).toBeLessThanOrEqual(digits)
  return BigInt(whole + fraction.padEnd(digits, '0'))
}

const sumCents = (rows: readonly { cost: { list_amount: string } }[]): bigint =>
  rows.reduce((sum, { cost }) => sum + picoOf(cost.list_amount, 10), 0n)

const billed = (bill: Bill): bigint =>
  bill.sessions.reduce((sum, { cost_usd }) => sum + picoOf(cost_usd ?? '', 12), 0n)

const day = { starting_at: '2026-12-01T00:00:00Z', ending_at: '2026-12-02T00:00:00Z' }

test('by any grouping, bucket and page size the list amounts add up to the bill, exactly', async () => {
  const { simulator, analytics } = await usedHouse()
  const sessionsOnly = { products: ['managed_agents_api' as const] }
  const sessionsPico = billed(simulator.bill())
  const messages = await analytics.cost.list({ ...day, products: ['messages_api', 'message_batches_api'] })
  const messagesPico = sumCents(messages.data)
  // $2 and $10 a million with a tenth more for 2 and 7 tokens; twice $5 and $25 for 1 and 7; half of $2 and $10 for 2 and 7.
  expect(messagesPico).toBe(81_400_000n + 360_000_000n + 37_000_000n)
  expect(picoOf(simulator.messageBill().total_cost_usd ?? '', 12)).toBe(messagesPico)

  const groups: readonly CostGroup[] = [
    'session_id',
    'agent_id',
    'environment_id',
    'deployment_id',
    'model',
    'speed',
    'inference_geo',
    'context_window',
    'service_tier',
    'product',
    'api_key_id',
    'actor',
    'actor_type',
    'user_profile_id',
    'workspace_id',
    'rbac_group_id',
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.constantFrom(...groups), { maxLength: 5 }),
      fc.constantFrom<readonly CostGroup[]>([], ['cost_type'], ['cost_type', 'token_type']),
      fc.constantFrom('1m' as const, '1h' as const, '1d' as const, null),
      fc.constantFrom('amount' as const, 'time' as const),
      fc.constantFrom(90, 1000),
      async (group_by, components, time_bucket_width, order_by, limit) => {
        const params = { ...day, group_by: [...group_by, ...components], time_bucket_width, order_by, limit }
        const all = await collect(analytics.cost.list(params))
        expect(sumCents(all)).toBe(sessionsPico + messagesPico)
        const some = await collect(analytics.cost.list({ ...params, ...sessionsOnly }))
        expect(sumCents(some)).toBe(sessionsPico)
      },
    ),
    { numRuns: 20 },
  )
  // The bill's own total rounds all running time once, so three sessions may be a pico-dollar or two apart.
  const total = picoOf(simulator.bill().total_cost_usd ?? '', 12)
  expect((total - sessionsPico) ** 2n).toBeLessThanOrEqual(4n)
})

test('by session the rows are the sessions of the bill, and by component their parts', async () => {
  const { simulator, analytics, sessions } = await usedHouse()
  const rows = await collect(analytics.cost.list({ ...day, group_by: ['session_id'] }))
  const bill = simulator.bill()
  expect(rows).toHaveLength(4)
  for (const session of bill.sessions) {
    const row = rows.find(({ group }) => group.session_id === session.session_id)
    expect(picoOf(row?.cost.list_amount ?? '', 10)).toBe(picoOf(session.cost_usd ?? '', 12))
  }
  const [first = ''] = sessions
  const parts = await collect(
    analytics.cost.list({ ...day, session_ids: [first], group_by: ['cost_type', 'token_type'] }),
  )
  expect(parts.map(({ group }) => `${group.cost_type} ${group.token_type}`).toSorted()).toEqual([
    'session_usage null',
    'tokens cache_creation.ephemeral_1h_input_tokens',
    'tokens cache_creation.ephemeral_5m_input_tokens',
    'tokens cache_read_input_tokens',
    'tokens output_tokens',
    'tokens uncached_input_tokens',
    'web_search null',
  ])
  const runtime = parts.find(({ group }) => group.cost_type === 'session_usage')
  expect(picoOf(runtime?.cost.list_amount ?? '', 10)).toBe(
    picoOf(bill.sessions[0]?.runtime_cost_usd ?? '', 12),
  )
  expect(runtime?.cost.requests).toBeNull()
  // By kind of token alone the report is of tokens only.
  const tokens = await collect(analytics.cost.list({ ...day, group_by: ['token_type'] }))
  expect(new Set(tokens.map(({ group }) => group.cost_type))).toEqual(new Set(['tokens']))
})

test('running time falls into the hours in which it ran', async () => {
  const { analytics, sessions } = await usedHouse()
  const [first = ''] = sessions
  const rows = await collect(
    analytics.cost.list({
      ...day,
      session_ids: [first],
      group_by: ['cost_type'],
      time_bucket_width: '1h',
      order_by: 'time',
      order: 'asc',
    }),
  )
  const runtime = rows.filter(({ group }) => group.cost_type === 'session_usage')
  // 2 h 9 min 37.79 s from midnight, and again since an hour ago.
  expect(runtime.map(({ starting_at }) => starting_at.slice(11, 16))).toEqual([
    '00:00',
    '01:00',
    '02:00',
    '10:00',
    '11:00',
  ])
  expect(runtime[0]?.cost.list_amount).toBe('8')
  const tokens = rows.filter(({ group }) => group.cost_type === 'tokens')
  expect(tokens.map(({ starting_at }) => starting_at.slice(11, 16))).toEqual(['02:00'])
})

test('usage rows count what the requests used, by whom and how', async () => {
  const { analytics, simulator } = await usedHouse()
  const [total] = await collect(analytics.usage.list(day))
  const models = simulator.bill().sessions.flatMap(({ models }) => models)
  const read = models.reduce((sum, { cache_read_input_tokens }) => sum + cache_read_input_tokens, 0)
  expect(total?.usage).toMatchObject({
    requests: 6,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_1h_input_tokens: 999 },
    server_tool_use: { web_search_requests: 6 },
  })
  expectInterface(total, 'organization/analytics/usage', 'BetaAnalyticsUsageItem')
  expectInterface(total?.group, 'organization/analytics/usage', 'BetaAnalyticsUsageGroup')
  expectInterface(total?.usage, 'organization/analytics/usage', 'BetaAnalyticsUsageMetrics')
  const [cost] = await collect(analytics.cost.list(day))
  expectInterface(cost?.group, 'organization/analytics/cost', 'BetaAnalyticsCostGroup')
  expectInterface(cost?.cost, 'organization/analytics/cost', 'BetaAnalyticsCostMetrics')

  const messages = await collect(
    analytics.usage.list({
      ...day,
      group_by: ['model', 'speed', 'inference_geo', 'user_profile_id', 'actor'],
      products: ['messages_api'],
      order_by: 'uncached_input_tokens',
    }),
  )
  const [key] = messages.map(({ group }) => group.actor)
  expect(key).toMatchObject({ type: 'api_actor', api_key_id: expect.stringMatching(/^apikey_/) })
  expect(
    messages.map(({ group }) => [group.model, group.speed, group.inference_geo, group.user_profile_id]),
  ).toEqual([
    ['claude-sonnet-5-5', 'standard', 'us', 'uprof_1'],
    ['claude-opus-5', 'fast', 'global', null],
  ])
  const count = async (filter: object) =>
    (await collect(analytics.usage.list({ ...day, ...filter })))[0]?.usage.requests
  expect(await count({ models: ['claude-haiku-5-5'] })).toBe(1)
  expect(await count({ api_key_ids: [''] })).toBe(3)
  expect(await count({ inference_geos: ['not_available'] })).toBe(3)
  expect(await count({ service_tiers: ['batch'] })).toBe(1)
  expect(await count({ rbac_group_ids: ['rbac_group_1'] })).toBe(0)
})

test('a walk sees one report, while new usage arrives', async () => {
  const { analytics, client } = await usedHouse()
  const params = { ...day, group_by: ['session_id' as const], limit: 1 }
  const first = await analytics.cost.list(params)
  expect(first).toMatchObject({ has_more: true, data_refreshed_at: '2026-12-01T11:01:43.701Z' })
  const ask = { model: 'claude-opus-5', max_tokens: 10, messages: [{ role: 'user' as const, content: 'hi' }] }
  for (let at = 0; at < 3; at += 1) await client.messages.create(ask)
  const walked = await collect(first)
  expect(new Set(walked.map(({ group }) => group.session_id)).size).toBe(4)
  expect(walked).toHaveLength(4)
  expect(await statusOf(analytics.cost.list({ ...params, page: 'nonsense' }))).toBe(400)
  const other = { ...params, group_by: ['model' as const], page: first.next_page }
  expect(await statusOf(analytics.cost.list(other))).toBe(400)
})

test('without buckets a report covers whole hours, and none means until now', async () => {
  const { analytics, clock } = await usedHouse()
  const [row] = await collect(analytics.cost.list({ starting_at: '2026-12-01T00:59:59Z' }))
  expect(row).toMatchObject({
    starting_at: '2026-12-01T00:00:00.000Z',
    ending_at: '2026-12-01T11:00:00.000Z',
  })
  clock.advance(40 * 24 * hourMs)
  const [month] = await collect(analytics.usage.list({ starting_at: '2026-12-01T00:00:00Z' }))
  expect(month?.ending_at).toBe('2027-01-01T00:00:00.000Z')
})

test('another key, no beta, and every range or grouping out of bounds are refused', async () => {
  const { simulator, client, analytics } = await house()
  expect(await statusOf(client.beta.organization.analytics.cost.list(day))).toBe(401)
  const response = await fetch(
    `${simulator.url}/v1/organizations/analytics/usage?starting_at=2026-12-01T00:00:00Z`,
    { headers: { 'x-api-key': simulator.adminKey, 'anthropic-version': '2026-10-21' } },
  )
  expect(response.status).toBe(404)
  const refused = (params: object) => statusOf(analytics.cost.list({ ...day, ...params }))
  expect(await refused({})).toBe(200)
  expect(await refused({ starting_at: '2025-12-31T00:00:00Z' })).toBe(400)
  expect(await refused({ starting_at: '2026-11-30T00:00:00' })).toBe(400)
  expect(await refused({ starting_at: 'yesterday' })).toBe(400)
  expect(await refused({ ending_at: '2026-12-01T00:00:00Z' })).toBe(400)
  expect(await refused({ ending_at: '2027-01-02T00:00:00Z' })).toBe(400)
  expect(await refused({ ending_at: null, time_bucket_width: '1d' })).toBe(400)
  expect(await refused({ ending_at: '2026-12-02T00:00:01Z', time_bucket_width: '1m' })).toBe(400)
  expect(await refused({ time_bucket_width: '5m' })).toBe(400)
  const five = ['model', 'speed', 'product', 'session_id', 'agent_id']
  expect(await refused({ group_by: [...five, 'cost_type', 'token_type'] })).toBe(200)
  expect(await refused({ group_by: [...five, 'actor'] })).toBe(400)
  expect(await refused({ group_by: ['colour'] })).toBe(400)
  expect(await statusOf(analytics.usage.list({ ...day, group_by: ['cost_type' as never] }))).toBe(400)
  expect(await refused({ order_by: 'total_tokens' })).toBe(400)
  expect(await refused({ limit: 1001 })).toBe(400)
  expect(await refused({ exclude_deleted_users: true })).toBe(400)
  expect(await refused({ speeds: ['quick'] })).toBe(400)
  expect(await refused({ group_by: ['claude_tag_user_id', 'rbac_group_id'] })).toBe(400)
})
