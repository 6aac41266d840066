// An unmodified SDK client walks through the whole house: if it can tell us from the upstream, that is a bug.
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestHouse, type TestHouse } from '../support/house.ts'

let house: TestHouse

beforeAll(async () => {
  house = await openTestHouse()
})
afterAll(() => house.destroy())

test('create, update, run, stream, confirm, list, retrieve, archive, delete: all through the gateway', async () => {
  const client = house.client()
  const environment = await client.beta.environments.create({ name: 'walk' })
  const agent = await client.beta.agents.create({ name: 'walker', model: 'claude-sonnet-5-5' })
  const updated = await client.beta.agents.update(agent.id, { version: agent.version, system: 'be brief' })
  expect(updated.version).toBe(agent.version + 1)

  const session = await client.beta.sessions.create({
    agent: { type: 'agent', id: agent.id, version: updated.version },
    environment_id: environment.id,
    metadata: { simulator_scenario: 'tool_confirmation' },
  })
  const stream = await client.beta.sessions.events.stream(session.id)
  await client.beta.sessions.events.send(session.id, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: 'delete the old branch' }] }],
  })
  const seen: string[] = []
  for await (const event of stream) {
    seen.push(event.type)
    if (event.type !== 'session.status_idle') continue
    if (event.stop_reason.type !== 'requires_action') break
    await client.beta.sessions.events.send(session.id, {
      events: event.stop_reason.event_ids.map((id) => ({
        type: 'user.tool_confirmation' as const,
        tool_use_id: id,
        result: 'allow' as const,
      })),
    })
  }
  expect(seen).toContain('span.model_request_end')
  expect(seen).toContain('agent.tool_use')

  const listed = []
  for await (const event of client.beta.sessions.events.list(session.id)) listed.push(event.type)
  expect(listed).toContain('user.tool_confirmation')
  const retrieved = await client.beta.sessions.retrieve(session.id)
  expect(retrieved.status).toBe('idle')
  expect((await client.beta.sessions.archive(session.id)).archived_at).not.toBeNull()
  await client.beta.sessions.delete(session.id)
  await expect(client.beta.sessions.retrieve(session.id)).rejects.toBeInstanceOf(Anthropic.NotFoundError)
})

test('what the usage report says is what the upstream bills, to the last pico-dollar', async () => {
  await house.writer.flush()
  const report = await house.usage('model')
  const bill = house.simulator.bill()
  expect(report.total.cost_usd).toBe(bill.total_cost_usd)
  expect(report.total.running_ms).toBe(bill.sessions.reduce((sum, session) => sum + session.running_ms, 0))
  expect(report.total.unpriced_requests).toBe(0)
  expect(report.total.model_requests).toBeGreaterThan(0)
})

test('the raw header of curl users works as well as the SDK’s bearer', async () => {
  const answer = await fetch(`${house.gatewayUrl}/v1/agents`, {
    headers: {
      'x-api-key': house.key,
      'anthropic-beta': 'managed-agents-2026-04-01',
      'anthropic-version': '2026-10-21',
    },
  })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('x-tollgate-trace-id')).toMatch(/^[0-9a-f]{32}$/)
  expect(answer.headers.get('request-id')).toMatch(/^req_/)
})

test('the caller’s key never reaches the upstream, and the upstream’s never the caller', async () => {
  const requests = JSON.stringify(house.simulator.requests())
  expect(requests).not.toContain(house.key.slice(8))
  const answer = await fetch(`${house.gatewayUrl}/v1/agents`, {
    headers: { authorization: `Bearer ${house.key}` },
  })
  expect(JSON.stringify([...answer.headers])).not.toContain(house.simulator.apiKey)
})
