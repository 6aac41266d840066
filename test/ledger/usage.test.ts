// The usage report: every grouping adds up to the same exact bill, cut at hours, never guessed.
import { expect, test } from 'vitest'
import type { ExchangeRecord } from '../../src/audit/exchange-record.ts'
import { parseUsd } from '../../src/kernel/money.ts'
import { usageGroups } from '../../src/ledger/queries/usage.ts'
import { loadBook } from '../../src/price/book.ts'
import { loadUsageReport } from '../../src/price/usage-report.ts'
import { useMeteredLedger } from '../support/metered-ledger.ts'
import { creation, cumulative, deletion, event, modelRequest, session, status } from '../support/sightings.ts'

const day = Date.UTC(2026, 10, 20)
const hour = 3_600_000
const minute = 60_000
const house = useMeteredLedger({ fromMs: day, toMs: day + 24 * hour })

/** A session of a team that ran in these spans of the day and was then ended. */
const ran = (id: string, team: string, spans: readonly (readonly [number, number])[], given = {}) => [
  creation(id, team, given),
  ...spans.flatMap(([from, to], n) => [
    status(id, `${id}-r${n}`, day + from, 'running'),
    status(id, `${id}-i${n}`, day + to, 'idle'),
  ]),
  deletion(id, day + 20 * hour),
]

test('running time is split over the hours it ran in, to the millisecond', async () => {
  await house.write(ran('s1', 'payments', [[10 * hour + 59 * minute + 59_999, 12 * hour + 1]]))
  const { lines, total } = await house.report({ bucket: 'hour' })
  const running = lines.filter((line) => line.running_ms > 0).map((line) => [line.bucket, line.running_ms])
  expect(running).toEqual([
    ['2026-11-20T10:00:00Z', 1],
    ['2026-11-20T11:00:00Z', hour],
    ['2026-11-20T12:00:00Z', 1],
  ])
  expect(total).toMatchObject({ running_ms: hour + 2, runtime_cost_usd: '0.080000044444', sessions: 1 })
})

test('a range cuts intervals at both ends and a day bucket holds its whole day', async () => {
  await house.write(ran('s1', 'payments', [[10 * hour, 11 * hour]]))
  const cut = await house.report({
    fromMs: day + 10 * hour + 10 * minute,
    toMs: day + 10 * hour + 15 * minute,
  })
  expect(cut.total).toMatchObject({ running_ms: 5 * minute, idle_ms: 0 })
  const { lines } = await house.report({ bucket: 'day' })
  expect(lines).toMatchObject([{ bucket: '2026-11-20T00:00:00Z', running_ms: hour, idle_ms: 10 * hour }])
})

test('time at rest is told apart: nothing asked, waiting for an answer, and moved by the upstream', async () => {
  const at = (minutes: number) => day + 10 * hour + minutes * minute
  await house.write([
    creation('s1', 'payments', {}),
    status('s1', 'e1', at(0), 'running'),
    { ...status('s1', 'e2', at(1), 'idle'), stop_reason: 'requires_action' },
    status('s1', 'e3', at(4), 'running'),
    status('s1', 'e4', at(5), 'rescheduled'),
    status('s1', 'e5', at(7), 'running'),
    { ...status('s1', 'e6', at(8), 'idle'), stop_reason: 'end_turn' },
    deletion('s1', at(18)),
  ])
  const { total } = await house.report({ fromMs: at(0) })
  expect(total).toMatchObject({
    running_ms: 3 * minute,
    waiting_ms: 3 * minute,
    rescheduling_ms: 2 * minute,
    idle_ms: 10 * minute,
    runtime_cost_usd: '0.004',
  })
})

test('every grouping and bucket adds up to the same total, to the last pico-dollar', async () => {
  const teams = ['payments', 'search', 'payments', 'ads', 'search', 'ads', 'payments']
  const records = teams.flatMap((team, n) => [
    ...ran(`s${n}`, team, [[n * hour + 7 * n + 1, n * hour + 3 * n * minute + 11 * n + 100]], {
      agent_id: `agent_${n % 2}`,
      agent_version: n,
      environment_id: `env_${n % 3}`,
      model: n % 2 === 0 ? 'claude-opus-5-5' : 'claude-sonnet-5-5',
    }),
    modelRequest(`s${n}`, `q${n}`, day + n * hour, { input_tokens: 3 * n + 1, output_tokens: n }),
  ])
  await house.write(records)
  const reference = await house.report()
  for (const groupBy of usageGroups) {
    for (const bucket of [undefined, 'hour', 'day'] as const) {
      const report = await house.report({ groupBy, ...(bucket && { bucket }) })
      expect(report.total).toEqual(reference.total)
      const sum = report.lines.reduce((cost, line) => cost + parseUsd(line.cost_usd), 0n)
      expect(sum).toBe(parseUsd(report.total.cost_usd))
    }
  }
  expect(reference.total.sessions).toBe(7)
  expect(reference.lines.map((line) => line.key).toSorted()).toEqual(['ads', 'payments', 'search'])
})

test('the same report is the same to the last pico-dollar of every line, in whatever order ClickHouse answers', async () => {
  await house.write(['a', 'b', 'c', 'd'].flatMap((team) => ran(`of-${team}`, team, [[hour, hour + 1]])))
  const ledger = house.ledger()
  const reversed = {
    ...ledger,
    query: async <Row>(sql: string, parameters?: Record<string, unknown>) =>
      (await ledger.query<Row>(sql, parameters)).toReversed(),
  }
  const query = { groupBy: 'session', fromMs: day, toMs: day + 24 * hour } as const
  const report = await loadUsageReport({ ledger, book: loadBook() }, query)
  expect(await loadUsageReport({ ledger: reversed, book: loadBook() }, query)).toEqual(report)
  expect(new Set(report.lines.map((line) => line.cost_usd)).size).toBe(2)
})

test('lines are named by what they group', async () => {
  await house.write([
    ...ran('s1', 'payments', [[hour, 2 * hour]]),
    modelRequest('s1', 'q1', day, { input_tokens: 1 }),
  ])
  const keys = await Promise.all(
    usageGroups.map(async (groupBy) => (await house.report({ groupBy })).lines.map((line) => line.key)),
  )
  expect(keys.flat()).toEqual([
    'payments',
    'payments-ci',
    'agent_1',
    'agent_1@3',
    'claude-opus-5-5',
    'env_1',
    's1',
  ])
})

test('an unknown model is counted, flagged and left out of the cost, never priced at zero or by guess', async () => {
  await house.write([
    creation('s1', 'payments', { model: 'claude-opus-9' }),
    modelRequest('s1', 'q1', day, { input_tokens: 1000 }),
    creation('s2', 'payments'),
    modelRequest('s2', 'q2', day, { input_tokens: 1000 }),
  ])
  const { lines } = await house.report({ groupBy: 'model' })
  expect(lines).toMatchObject([
    { key: 'claude-opus-5-5', unpriced_requests: 0, token_cost_usd: '0.004' },
    { key: 'claude-opus-9', unpriced_requests: 1, input_tokens: 1000, token_cost_usd: '0.00' },
  ])
  const [row] = await house
    .ledger()
    .query("SELECT cost_usd, unpriced_reason FROM tollgate.usage_events FINAL WHERE event_id = 'q1'")
  expect(row).toEqual({
    cost_usd: null,
    unpriced_reason: 'model `claude-opus-9` is not in the price book; add it',
  })
})

test('a session nobody is known to have made is shown as unattributed, with all its cost', async () => {
  await house.write([session('s1'), modelRequest('s1', 'q1', day, { output_tokens: 50 })])
  expect((await house.report()).lines).toMatchObject([{ key: '(unattributed)', cost_usd: '0.001' }])
  await house.write([modelRequest('s9', 'q9', day, { output_tokens: 50 })])
  expect((await house.report({ groupBy: 'agent' })).lines).toMatchObject([
    { key: 'agent_1' },
    { key: '(unknown)', unpriced_requests: 1 },
  ])
})

test('an interval still open is shown as provisional and not charged until it ends', async () => {
  const open = [creation('s1', 'payments'), status('s1', 'run', day + hour, 'running')]
  await house.write(open)
  expect((await house.report({ toMs: day + 2 * hour })).total).toMatchObject({
    running_ms: 0,
    provisional_running_ms: hour,
    runtime_cost_usd: '0.00',
  })
  await house.write([status('s1', 'idle', day + hour + minute, 'idle')])
  expect((await house.report({ toMs: day + 2 * hour })).total).toMatchObject({
    running_ms: minute,
    provisional_running_ms: 0,
  })
})

test('a price of running time that changes at midnight splits the charge there', async () => {
  const shipped = loadBook()
  const [first] = shipped.session_hour
  if (first === undefined) throw new Error('the book has no price of running time')
  const later = { ...first, effective_from: day, usd: parseUsd('0.07') }
  const book = { ...shipped, session_hour: [first, later] }
  await house.write(ran('s1', 'payments', [[-hour / 2, hour / 2]]))
  const query = { groupBy: 'team', fromMs: day - hour, toMs: day + hour } as const
  const { total } = await loadUsageReport({ ledger: house.ledger(), book }, query)
  expect(total).toMatchObject({ running_ms: hour, runtime_cost_usd: '0.075' })
})

test('web searches are charged by the growth of the running total, however often it is stated', async () => {
  const use = (id: string, atMs: number, web_search_requests: number) =>
    event({
      session_id: 's1',
      event_id: id,
      type: 'session.usage',
      atMs,
      usage: cumulative({ web_search_requests, output_tokens: atMs - day }),
    })
  await house.write([
    creation('s1', 'payments'),
    use('u2', day + 5 * hour, 5),
    use('u1', day + 3 * hour, 3),
    use('u3', day + 6 * hour, 5),
  ])
  const { lines, total } = await house.report({ bucket: 'hour' })
  expect(total).toMatchObject({ web_search_requests: 5, web_search_cost_usd: '0.05' })
  const searching = lines.filter((line) => line.web_search_requests > 0)
  expect(searching.map((line) => [line.bucket, line.web_search_requests])).toEqual([
    ['2026-11-20T03:00:00Z', 3],
    ['2026-11-20T05:00:00Z', 2],
  ])
})

test('a report of too many lines is refused with what to ask for instead, before it is built', async () => {
  await house.write(ran('s1', 'payments', [[hour, 4 * hour]]))
  const query = { groupBy: 'session', fromMs: day, toMs: day + 24 * hour, bucket: 'hour' } as const
  const asked = (linesMax: number) =>
    loadUsageReport({ ledger: house.ledger(), book: loadBook(), linesMax }, query)
  // The test's session rested from its creation at nine until it was deleted, and ran before.
  const { lines } = await asked(1_000)
  expect((await asked(lines.length)).lines).toEqual(lines)
  await expect(asked(lines.length - 1)).rejects.toMatchObject({
    code: 'show.query_invalid',
    message: expect.stringContaining('`group_by=session` with `bucket=hour` gives more than'),
  })
})

test('nothing used is an empty report with a total of zero', async () => {
  const { lines, total } = await house.report()
  expect(lines).toEqual([])
  expect(total).toMatchObject({ cost_usd: '0.00', sessions: 0, model_requests: 0 })
})

test('an exchange written twice is one row, with every field of its record', async () => {
  const exchange: ExchangeRecord = {
    kind: 'exchange',
    exchange_id: 'exc_1',
    started_at_ms: day + 123,
    duration_ms: 12.5,
    operation: 'sessions.create',
    method: 'POST',
    path: '/v1/sessions',
    team: 'payments',
    caller: 'payments-ci',
    key_id: 'k1',
    client_ip: '127.0.0.1',
    user_agent: 'sdk',
    decision: 'rewritten',
    error_code: '',
    rules: 'policy.csv:14',
    policy_hash: 'abc',
    agent_id: 'agent_1',
    agent_version: 3,
    agent_version_requested: 'latest',
    pin_kind: 'forced',
    session_id: 's1',
    status: 200,
    end_reason: 'completed',
    upstream_request_id: 'req_1',
    request_bytes: 10,
    response_bytes: 20,
    events: 0,
    trace_id: 'f'.repeat(32),
    retry_count: 1,
    capabilities: 'session.create session/*\nagent.use agent/agent_1',
    shadow: 'would_deny: policy.csv:12 session.create',
    pin_class: 'sensitive',
    pin_rule: 'pins.yaml:12 agent agent_1',
    pin_findings: 'force explicit_version agent: latest -> 3',
    approved_by: 'ada',
    config_hash: `sha256:${'0'.repeat(64)}`,
    exposure: 'unpinned',
  }
  await house.write([exchange, exchange])
  await house.write([exchange])
  const rows = await house.ledger().query('SELECT * FROM tollgate.exchanges FINAL')
  const { kind: _kind, started_at_ms: _started, ...fields } = exchange
  const counts = { request_bytes: '10', response_bytes: '20', events: '0' }
  expect(rows).toEqual([{ ...fields, ...counts, started_at: '2026-11-20 00:00:00.123' }])
})
