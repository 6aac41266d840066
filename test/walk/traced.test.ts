// Every request is one span that tells who, what was decided, and which version was pinned; and it leads from the
// caller's trace to the upstream's.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Collector, startCollector } from '../support/collector.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { send } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

let collector: Collector
let house: TestHouse

beforeAll(async () => {
  collector = await startCollector()
  house = await openTestHouse({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  })
})
afterAll(async () => {
  await house.destroy()
  collector.close()
})

test('one SERVER span per request, with decision, pin and team, in the caller’s trace and above the upstream’s', async () => {
  const client = house.client()
  const environment = await client.beta.environments.create({ name: 'traced' })
  const agent = await client.beta.agents.create({ name: 'traced', model: 'claude-sonnet-5-5' })
  const config = `sha256:${'a'.repeat(64)}`
  writeFileSync(
    join(house.policiesDir, 'pins.yaml'),
    `classes: { sensitive: { explicit_version: force } }\nsensitivity:\n  - { agent: ${agent.id}, class: sensitive }\napproved:\n  ${agent.id}: [{ version: 1, by: ada, config: "${config}" }]\n`,
  )
  await house.refreshPolicies()
  const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'
  const answer = await send(`${house.gatewayUrl}/v1/sessions`, {
    method: 'POST',
    headers: {
      'x-api-key': house.key,
      'content-type': 'application/json',
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'managed-agents-2026-04-01',
      traceparent: parent,
      baggage: 'email=someone@example.com',
    },
    body: JSON.stringify({ agent: agent.id, environment_id: environment.id }),
  })
  expect(answer.headers['x-tollgate-trace-id']).toBe('0af7651916cd43dd8448eb211c80319c')
  expect(answer.headers['x-tollgate-pin']).toBe(
    'force; requested=latest; resolved=1; class=sensitive; rule=explicit_version',
  )
  await house.writer.flush()
  const rule = `pins.yaml:3 agent ${agent.id}`
  const rows = await house.ledger.query<object>(
    `SELECT pin_class, pin_rule, pin_findings, agent_version_requested, agent_version, approved_by, config_hash
     FROM tollgate.exchanges FINAL WHERE operation = 'sessions.create'`,
  )
  expect(rows).toEqual([
    {
      ...{ pin_class: 'sensitive', pin_rule: rule, agent_version_requested: 'latest', agent_version: 1 },
      pin_findings: 'force explicit_version agent: latest -> 1',
      ...{ approved_by: 'ada', config_hash: config },
    },
  ])

  await house.close()
  // The SDK in this very process finds the gateway's tracer and adds CLIENT spans of its own: not ours.
  const served = () => collector.spans().filter(({ kind }) => kind === 2)
  const spans = await until(served, (seen) => seen.length >= 3)
  expect(spans).toHaveLength(3)
  const span = spans.find(({ name }) => name === 'POST /v1/sessions')
  const attributes = Object.fromEntries(
    (span?.attributes ?? []).map(({ key, value }) => [key, value.stringValue ?? value.intValue]),
  )
  expect(span).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
  })
  expect(attributes).toMatchObject({
    'tollgate.team': 'platform',
    'tollgate.caller': 'first-admin',
    'tollgate.decision': 'rewritten',
    'tollgate.pin.kind': 'forced',
    'tollgate.pin.requested': 'latest',
    'tollgate.pin.class': 'sensitive',
    'tollgate.pin.rule': rule,
    'tollgate.pin.version': 1,
    'tollgate.pin.approved_by': 'ada',
    'tollgate.pin.config_hash': config,
    'tollgate.operation': 'sessions.create',
    'http.response.status_code': 200,
  })
  const upstream = house.simulator
    .requests()
    .find(({ method, path }) => method === 'POST' && path === '/v1/sessions')
  expect(upstream?.headers['traceparent']).toBe(`00-0af7651916cd43dd8448eb211c80319c-${span?.spanId}-01`)
  expect(upstream?.headers['baggage']).toBeUndefined()
  expect(JSON.stringify(collector.spans())).not.toContain(house.key.slice(21))
})
