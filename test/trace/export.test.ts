// Sessions as an OpenTelemetry receiver gets them: every event and every complete span, once, with what people need to see,
// through outages, a killed process and a restart; and never what somebody said.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { attributeShape, exportShape, type spanShape } from '../support/collector.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { portOf } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const logsShape = z.object({
  resourceLogs: z.array(
    z.looseObject({
      scopeLogs: z.array(
        z.looseObject({
          logRecords: z.array(
            z.looseObject({
              traceId: z.string().optional(),
              severityText: z.string(),
              attributes: z.array(attributeShape),
            }),
          ),
        }),
      ),
    }),
  ),
})
type Span = z.output<typeof spanShape>

/** What came, and what it answers. */
const received: { readonly url: string; readonly body: string }[] = []
let answer = 200
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  if (answer === 200) received.push({ url: request.url ?? '', body: Buffer.concat(chunks).toString('utf8') })
  response.writeHead(answer).end('{}')
})
const marker = 'SECRETMARKER'
let house: TestHouse

beforeAll(async () => {
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  house = await openTestHouse({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${portOf(receiver)}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      // Spans of requests are another test's.
      OTEL_SERVICE_NAME: 'gate',
      TOLLGATE_LOG_LEVEL: 'warn',
    },
  })
})
afterAll(async () => {
  await house.destroy()
  receiver.closeAllConnections()
  receiver.close()
})

const spans = (): readonly Span[] =>
  received
    .filter(({ url }) => url === '/v1/traces')
    .flatMap(({ body }) =>
      exportShape
        .parse(JSON.parse(body))
        .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    )
    .filter((span) => span.kind === 1)
const logs = () =>
  received
    .filter(({ url }) => url === '/v1/logs')
    .flatMap(({ body }) =>
      logsShape
        .parse(JSON.parse(body))
        .resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords)),
    )
const attributeOf = ({ attributes }: Pick<Span, 'attributes'>, name: string): string | number | undefined => {
  const found = attributes.find(({ key }) => key === name)?.value
  return found?.stringValue ?? found?.intValue
}
const ofSession = <T extends Pick<Span, 'attributes'>>(items: readonly T[], session: string): readonly T[] =>
  items.filter((item) => attributeOf(item, 'session.id') === session)

/** Plays a scenario to its end, answering what it asks. */
async function play(scenario: string): Promise<string> {
  const { beta } = house.client()
  const environment = await beta.environments.create({ name: 'traced' })
  const agent = await beta.agents.create({ name: 'tracer', model: 'claude-sonnet-5-5', system: marker })
  const { id } = await beta.sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    title: marker,
    metadata: { simulator_scenario: scenario },
  })
  const stream = await beta.sessions.events.stream(id)
  await beta.sessions.events.send(id, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: marker }] }],
  })
  for await (const event of stream) {
    if (event.type === 'session.status_terminated') break
    if (event.type !== 'session.status_idle') continue
    if (event.stop_reason.type !== 'requires_action') break
    await beta.sessions.events.send(id, {
      events: event.stop_reason.event_ids.map((tool) => ({
        type: 'user.tool_confirmation' as const,
        tool_use_id: tool,
        result: 'deny' as const,
        deny_message: marker,
      })),
    })
  }
  // The upstream tells when it processed what was sent.
  for await (const _ of beta.sessions.events.list(id));
  return id
}
async function eventsOf(session: string): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { id } of house.client().beta.sessions.events.list(session)) ids.push(id)
  return ids
}
/** The upstream says a little late when it processed what was sent, so it is asked again. */
async function exportedAll(session: string): Promise<void> {
  const missing = async () => {
    const wanted = await eventsOf(session)
    const uids = new Set(ofSession(logs(), session).map((log) => attributeOf(log, 'log.record.uid')))
    expect(wanted.filter((id) => !uids.has(id))).toEqual([])
  }
  // After an outage the next try may be some seconds away.
  await vi.waitFor(missing, { timeout: 60_000, interval: 200 })
}

test('every event is a log record, and the session a tree of spans with its people, tokens and cost', async () => {
  const session = await play('tool_confirmation')
  await exportedAll(session)
  const own = await until(
    () => ofSession(spans(), session),
    (all) =>
      all.some(({ name }) => name.startsWith('await_approval')) &&
      all.some(({ name }) => name.startsWith('execute_tool')),
  )
  const byId = new Map(own.map((span) => [span.spanId, span]))
  expect(
    own.filter(
      ({ parentSpanId }) => parentSpanId !== undefined && parentSpanId !== '' && !byId.has(parentSpanId),
    ),
  ).toEqual([])
  expect(
    own.filter(({ parentSpanId }) => (parentSpanId ?? '') === '').every(({ name }) => name === 'turn'),
  ).toBe(true)
  const chat = own.find(({ name }) => name === 'chat claude-sonnet-5-5')
  expect(chat).toBeDefined()
  if (chat === undefined) return
  expect(attributeOf(chat, 'tollgate.team')).toBe('platform')
  expect(attributeOf(chat, 'tollgate.caller')).toBe('first-admin')
  expect(attributeOf(chat, 'gen_ai.agent.name')).toBe('tracer')
  const [charge] = await house.ledger.query<{ cost: string; tokens: string }>(
    `SELECT toString(sum(cost_usd)) AS cost, toString(sum(output_tokens)) AS tokens FROM tollgate.usage_events FINAL WHERE session_id = '${session}'`,
  )
  const chats = own.filter(({ name }) => name.startsWith('chat'))
  const sum = (name: string) => chats.reduce((total, span) => total + Number(attributeOf(span, name)), 0)
  expect(sum('gen_ai.usage.output_tokens')).toBe(Number(charge?.tokens))
  expect(sum('tollgate.cost_usd')).toBeCloseTo(Number(charge?.cost), 9)
  const anchor = own.find(({ name }) => name === 'turn')
  const said = ['tollgate.decision', 'tollgate.policy.hash', 'tollgate.pin.requested'].map(
    (name) => anchor && attributeOf(anchor, name),
  )
  expect(said).toEqual(['allowed', expect.stringMatching(/^[0-9a-f]{64}$/), 'latest'])
  const approval = own.find(({ name }) => name.startsWith('await_approval'))
  expect(approval && attributeOf(approval, 'tollgate.approval.result')).toBe('deny')
  expect(approval && attributeOf(approval, 'tollgate.approval.actor')).toBe('platform/first-admin')
  const shown = await house.admin(`/api/v1/sessions/${session}/trace`)
  const told = z.object({ turns: z.array(z.object({ trace_id: z.string() })) }).parse(await shown.json())
  expect(new Set(own.map(({ traceId }) => traceId))).toEqual(
    new Set(told.turns.map(({ trace_id }) => trace_id)),
  )
})

test('a receiver that is away, and a process killed meanwhile, lose nothing, and no id stands for two things', {
  timeout: 180_000,
}, async () => {
  answer = 503
  const sessions = [await play('default'), await play('child_thread')]
  await house.writer.flush()
  const pid = house.writer.pid()
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
  sessions.push(await play('default'))
  answer = 200
  for (const session of sessions) await exportedAll(session)
  await house.writer.flush()
  house = await house.reopen()
  const later = await play('default')
  await exportedAll(later)
  const seen = new Map<string, string>()
  for (const span of spans()) {
    const text = JSON.stringify(span)
    expect(seen.get(span.spanId) ?? text).toBe(text)
    seen.set(span.spanId, text)
  }
  // What the ledger tells of it now is what was exported.
  for (const session of [...sessions, later]) {
    const shown = await (await house.admin(`/api/v1/sessions/${session}/trace`)).text()
    const told = [...shown.matchAll(/"span_id":"([0-9a-f]{16})"/g)].map(([, id]) => id ?? '')
    expect(told.length).toBeGreaterThan(0)
    await until(
      () => told.filter((id) => !spans().some(({ spanId }) => spanId === id)),
      (missing) => missing.length === 0,
    )
  }
})

test('nothing that somebody wrote is in any byte that was sent', () => {
  expect(received.length).toBeGreaterThan(3)
  expect(received.filter(({ body }) => body.includes(marker))).toEqual([])
})
