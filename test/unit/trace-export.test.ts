// Spans as a collector receives them: over real HTTP, from the standard variables alone.
import { afterEach, expect, test } from 'vitest'
import type { z } from 'zod'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { Environment } from '../../src/trace/otlp-settings.ts'
import type { RequestFacts } from '../../src/trace/request-span.ts'
import { createTracing } from '../../src/trace/tracing.ts'
import type { Tracing } from '../../src/trace/tracing-type.ts'
import {
  type attributeShape,
  type Collector,
  type Delivery,
  exportShape,
  startCollector as openCollector,
} from '../support/collector.ts'

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function startCollector(status = 200): Promise<Collector> {
  const collector = await openCollector(status)
  closers.push(collector.close)
  return collector
}

async function start(
  env: Environment,
  onExported?: (result: string, spans: number) => void,
): Promise<Tracing> {
  const deps = { env, serviceVersion: '9.9.9', logger: silentLogger }
  const tracing = await createTracing(onExported === undefined ? deps : { ...deps, onExported })
  closers.push(tracing.shutdown)
  return tracing
}

const arrival = {
  method: 'POST',
  route: '/v1/sessions/:session_id/events',
  traceparent: undefined,
  startedAtMs: 1_795_449_600_000,
}

const facts: RequestFacts = {
  exchange_id: 'req_1',
  started_at_ms: arrival.startedAtMs,
  duration_ms: 250,
  operation: 'sessions.events.send',
  path: '/v1/sessions/sesn_1/events',
  team: 'payments',
  caller: 'ci',
  decision: 'rewritten',
  error_code: '',
  rules: 'policy.csv:14',
  policy_hash: 'abc123',
  agent_id: 'agent_1',
  agent_version: 7,
  agent_version_requested: 'latest',
  session_id: 'sesn_1',
  status: 200,
  end_reason: 'completed',
  upstream_request_id: 'req_up',
  request_bytes: 12,
  response_bytes: 34,
  events: 0,
  retry_count: 0,
  pin_kind: 'forced',
}

function spansOf(deliveries: readonly Delivery[]) {
  return deliveries
    .flatMap(({ body }) => exportShape.parse(JSON.parse(body.toString())).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
}

const plain = (attributes: z.infer<typeof attributeShape>[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]))

test('each request arrives as one SERVER span with its decision, pin, team and session', async () => {
  const collector = await startCollector()
  const tracing = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=k%201',
    OTEL_SERVICE_NAME: 'gate-eu',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=overridden',
  })
  const first = tracing.startRequestSpan(arrival)
  first.end(facts)
  first.end(facts)
  const refused = { ...facts, status: 403, decision: 'denied', error_code: 'authorize.denied', pin_kind: '' }
  tracing.startRequestSpan({ ...arrival, method: 'GET', route: '' }).end(refused)
  tracing.startRequestSpan(arrival).end({ ...facts, status: 502, error_code: 'upstream.unreachable' })
  await tracing.shutdown()

  const spans = spansOf(collector.deliveries)
  expect(spans).toHaveLength(3)
  const [span, denied, failed] = spans
  expect(span).toMatchObject({
    traceId: first.traceId,
    name: 'POST /v1/sessions/:session_id/events',
    kind: 2,
    startTimeUnixNano: '1795449600000000000',
    endTimeUnixNano: '1795449600250000000',
    status: { code: 0 },
  })
  expect(first.traceparent).toBe(`00-${first.traceId}-${span?.spanId}-01`)
  expect(plain(span?.attributes ?? [])).toEqual({
    'http.request.method': 'POST',
    'http.route': '/v1/sessions/:session_id/events',
    'url.scheme': 'http',
    'url.path': '/v1/sessions/sesn_1/events',
    'http.response.status_code': 200,
    'http.request.body.size': 12,
    'http.response.body.size': 34,
    'anthropic.request.id': 'req_up',
    'anthropic.session.id': 'sesn_1',
    'session.id': 'sesn_1',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.agent.id': 'agent_1',
    'tollgate.exchange.id': 'req_1',
    'tollgate.operation': 'sessions.events.send',
    'tollgate.team': 'payments',
    'tollgate.caller': 'ci',
    'tollgate.decision': 'rewritten',
    'tollgate.policy.rule': 'policy.csv:14',
    'tollgate.policy.hash': 'abc123',
    'tollgate.pin.kind': 'forced',
    'tollgate.pin.requested': 'latest',
    'tollgate.pin.version': 7,
    'tollgate.end_reason': 'completed',
  })
  expect(denied).toMatchObject({ name: 'GET', status: { code: 0 } })
  expect(plain(denied?.attributes ?? [])).toMatchObject({ 'error.type': 'authorize.denied' })
  expect(failed?.status).toEqual({ code: 2 })

  const [delivery] = collector.deliveries
  expect(delivery?.url).toBe('/v1/traces')
  expect(delivery?.headers['x-collector-key']).toBe('k 1')
  const resource = exportShape.parse(JSON.parse(delivery?.body.toString() ?? '')).resourceSpans[0]?.resource
  expect(plain(resource?.attributes ?? [])).toMatchObject({
    'service.name': 'gate-eu',
    'service.version': '9.9.9',
    'deployment.environment.name': 'prod',
  })
})

test("the client's trace is adopted, its wish not to be sampled is not, and its tracestate stays behind", async () => {
  const collector = await startCollector()
  const tracing = await start({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/own/path`,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
  })
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const span = tracing.startRequestSpan({ ...arrival, traceparent: `00-${traceId}-b7ad6b7169203331-00` })
  span.end(facts)
  await tracing.shutdown()
  const [exported] = spansOf(collector.deliveries)
  expect(exported).toMatchObject({ traceId, parentSpanId: 'b7ad6b7169203331' })
  expect(exported?.traceState).toBeUndefined()
  expect(span.traceId).toBe(traceId)
  expect(span.traceparent).toBe(`00-${traceId}-${exported?.spanId}-01`)
  expect(collector.deliveries[0]?.url).toBe('/own/path')
})

test("nothing of the client's headers but valid trace ids is in the exported bytes (protobuf)", async () => {
  const collector = await startCollector()
  const tracing = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
  const marker = 'tg_live_MARKER_secret'
  const hostile = [marker, `00-${marker}-00`, `01-${'a'.repeat(32)}-${'b'.repeat(16)}-01-${marker}`]
  for (const traceparent of hostile) {
    tracing.startRequestSpan({ ...arrival, method: marker, traceparent }).end(facts)
  }
  tracing.startRequestSpan({ ...arrival, route: '' }).end({ ...facts, operation: '', path: `/v1/${marker}` })
  await tracing.shutdown()
  const bytes = Buffer.concat(collector.deliveries.map(({ body }) => body))
  expect(collector.deliveries[0]?.headers['content-type']).toBe('application/x-protobuf')
  expect(bytes.toString('latin1').split('tollgate.exchange.id')).toHaveLength(5)
  expect(bytes.includes(marker)).toBe(false)
})

test('a collector that refuses costs spans, counted as failed, and neither requests nor the shutdown', async () => {
  const collector = await startCollector(400)
  const results: [string, number][] = []
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
  const tracing = await start(env, (result, spans) => results.push([result, spans]))
  for (let n = 0; n < 3; n++) tracing.startRequestSpan(arrival).end(facts)
  await tracing.shutdown()
  expect(results).toEqual([['failed', 3]])
})
