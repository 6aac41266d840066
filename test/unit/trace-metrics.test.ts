// What /metrics says, and how many series it can grow to.
import { expect, test } from 'vitest'
import { createMetrics } from '../../src/trace/metrics.ts'
import type { RequestFacts } from '../../src/trace/request-span.ts'

const facts: RequestFacts = {
  exchange_id: 'req_1',
  started_at_ms: 0,
  duration_ms: 30,
  operation: 'agents.list',
  path: '/v1/agents',
  team: 'payments',
  caller: 'ci',
  decision: 'allowed',
  error_code: '',
  rules: '',
  policy_hash: '',
  agent_id: '',
  agent_version: 0,
  agent_version_requested: '',
  session_id: '',
  status: 200,
  end_reason: 'completed',
  upstream_request_id: '',
  request_bytes: 0,
  response_bytes: 100,
  events: 0,
  retry_count: 0,
  pin_kind: '',
}

const options = { serviceVersion: '1', journalBacklogBytes: () => 4096, writerLagMs: () => 1500 }

async function linesOf(metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  const lines = (await metrics.exposition()).split('\n')
  await metrics.close()
  return lines
}

test('exchanges, refusals and gauges are there with their labels; alarms exist at zero before the first failure', async () => {
  const metrics = createMetrics(options)
  metrics.countExchange(facts, false)
  metrics.countExchange({ ...facts, status: 403, decision: 'denied', error_code: 'authorize.denied' }, false)
  metrics.countExchange({ ...facts, operation: '', team: '', status: 404, decision: 'refused' }, false)
  metrics.streamOpened()
  expect(await linesOf(metrics)).toEqual(
    expect.arrayContaining([
      'tollgate_exchanges_total{operation="agents.list",decision="allowed",status_class="2xx"} 1',
      'tollgate_exchanges_total{operation="unknown",decision="refused",status_class="4xx"} 1',
      'tollgate_team_exchanges_total{team="payments",decision="denied"} 1',
      'tollgate_refusals_total{code="authorize.denied"} 1',
      'tollgate_response_bytes_total 300',
      'tollgate_journal_backlog_bytes 4096',
      'tollgate_writer_lag_seconds 1.5',
      'tollgate_streams_open 1',
      'tollgate_tap_failures_total 0',
      'tollgate_journal_refusals_total{kind="sighting"} 0',
      'tollgate_journal_troubles_total{kind="write_failed"} 0',
      'http_server_request_duration_seconds_bucket{operation="agents.list",status_class="2xx",le="0.05"} 1',
    ]),
  )
})

test('streams are not in the request durations', async () => {
  const metrics = createMetrics(options)
  metrics.countExchange({ ...facts, duration_ms: 3_600_000, operation: 'sessions.events.stream' }, true)
  const lines = await linesOf(metrics)
  expect(lines.filter((line) => line.startsWith('http_server_request_duration_seconds'))).toEqual([])
  expect(lines).toContain('tollgate_stream_duration_seconds_sum{end_reason="completed"} 3600')
})

test('ten thousand team names make no more series than the cap', async () => {
  const metrics = createMetrics({ ...options, teamsMax: 5 })
  for (let n = 0; n < 10_000; n++) metrics.countExchange({ ...facts, team: `team-${n}` }, false)
  const teams = (await linesOf(metrics)).filter((line) => line.startsWith('tollgate_team_exchanges_total'))
  expect(teams).toHaveLength(6)
  expect(teams).toContain('tollgate_team_exchanges_total{team="other",decision="allowed"} 9995')
})
