// Message batches as the unmodified SDK sees them, on a clock that the test moves.
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { createManualClock, startSimulator } from '../../src/simulator/simulator.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'

const hourMs = 3_600_000

async function house() {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const admin = new Anthropic({ baseURL: simulator.url, apiKey: simulator.adminKey, maxRetries: 0 })
  return { simulator, clock, client, admin }
}

const item = (id: string, content = 'hi', extra: object = {}) => ({
  custom_id: id,
  params: {
    model: 'claude-opus-5',
    max_tokens: 100,
    messages: [{ role: 'user' as const, content }],
    ...extra,
  },
})

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

test('a batch ends when every request has, and its results say how each went', async () => {
  const { client, clock } = await house()
  const { batches } = client.messages
  const created = await batches.create({
    requests: [
      item('good'),
      item('wrong', 'hi', { max_tokens: -1 }),
      item('streamed', 'hi', { stream: true }),
      item('failing', 'simulator: {"error":{"status":500}}'),
    ],
  })
  expectInterface(created, 'messages/batches', 'BetaMessageBatch')
  expect(created).toMatchObject({
    processing_status: 'in_progress',
    request_counts: { processing: 4, succeeded: 0, errored: 0 },
    expires_at: '2026-12-02T00:00:00.000Z',
    results_url: null,
  })
  clock.advance(3999)
  const late = await batches.retrieve(created.id)
  expect(late).toMatchObject({ processing_status: 'in_progress', request_counts: { processing: 4 } })
  expect(await statusOf(batches.results(created.id))).toMatch(/No batch `results_url`/)
  expect(await statusOf(batches.delete(created.id))).toBe(400)
  clock.advance(1)
  const ended = await batches.retrieve(created.id)
  expect(ended).toMatchObject({
    processing_status: 'ended',
    ended_at: '2026-12-01T00:00:04.000Z',
    request_counts: { processing: 0, succeeded: 1, errored: 3, canceled: 0, expired: 0 },
  })
  const results = await collect(await client.beta.messages.batches.results(created.id))
  expect(results.map(({ custom_id, result }) => [custom_id, result.type])).toEqual([
    ['good', 'succeeded'],
    ['wrong', 'errored'],
    ['streamed', 'errored'],
    ['failing', 'errored'],
  ])
  const [good] = results
  if (good?.result.type === 'succeeded') {
    expectInterface(good.result.message, 'messages/messages', 'BetaMessage')
    expect(good.result.message.usage.service_tier).toBe('batch')
  }
  expect(results[1]).toMatchObject({
    result: { error: { type: 'error', error: { type: 'invalid_request_error' } } },
  })
})

test('the results are a file of JSON lines at the address that the batch names, for 29 days', async () => {
  const { simulator, client, clock } = await house()
  const { id } = await client.messages.batches.create({ requests: [item('a'), item('b')] })
  clock.advance(2000)
  const { results_url } = await client.messages.batches.retrieve(id)
  expect(results_url).toBe(`${simulator.url}/v1/messages/batches/${id}/results`)
  const fetchResults = () =>
    fetch(results_url ?? '', {
      headers: { 'x-api-key': simulator.apiKey, 'anthropic-version': '2026-10-21' },
    })
  const response = await fetchResults()
  expect(response.headers.get('content-type')).toBe('application/x-jsonl')
  const lines = (await response.text()).trimEnd().split('\n')
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { custom_id: 'a' },
    { custom_id: 'b' },
  ])
  clock.advance(29 * 24 * hourMs)
  expect((await client.messages.batches.retrieve(id)).archived_at).toBe('2026-12-30T00:00:00.000Z')
  expect((await fetchResults()).status).toBe(404)
})

test('a cancellation lets the request in work finish and none after it', async () => {
  const { client, clock } = await house()
  const { batches } = client.beta.messages
  const { id } = await batches.create({ requests: [item('a'), item('b'), item('c')] })
  clock.advance(1500)
  const canceling = await batches.cancel(id)
  expect(canceling).toMatchObject({
    processing_status: 'canceling',
    cancel_initiated_at: '2026-12-01T00:00:01.500Z',
  })
  clock.advance(500)
  expect((await batches.retrieve(id)).request_counts).toMatchObject({ succeeded: 2, canceled: 1 })
  expect(await statusOf(batches.cancel(id))).toBe(400)
  expect(await batches.delete(id)).toEqual({ id, type: 'message_batch_deleted' })
  expect(await statusOf(batches.retrieve(id))).toBe(404)
})

test('what has not run after a day expires', async () => {
  const { client, clock } = await house()
  const slow = `simulator: ${JSON.stringify({ text: 'late', delay_ms: 20 * hourMs })}`
  const { id } = await client.messages.batches.create({ requests: [item('a', slow), item('b', slow)] })
  clock.advance(30 * hourMs)
  expect(await client.messages.batches.retrieve(id)).toMatchObject({
    ended_at: '2026-12-02T00:00:00.000Z',
    request_counts: { succeeded: 1, expired: 1 },
  })
})

test('tokens of a batch cost half, its searches do not, and what did not succeed costs nothing', async () => {
  const { client, admin, clock } = await house()
  const usage = { input_tokens: 1000, output_tokens: 100, web_search_requests: 1 }
  const script = `simulator: ${JSON.stringify({ usage })}`
  const failing = `simulator: ${JSON.stringify({ usage, error: {} })}`
  await client.messages.batches.create({ requests: [item('a', script), item('b', failing)] })
  clock.advance(2000)
  const rows = await admin.beta.organization.analytics.cost.list({
    starting_at: '2026-12-01T00:00:00Z',
    ending_at: '2026-12-02T00:00:00Z',
    group_by: ['cost_type', 'service_tier', 'product'],
  })
  expect(rows.data).toMatchObject([
    {
      group: { cost_type: 'tokens', service_tier: 'batch', product: 'message_batches_api' },
      // Half of 1,000 * $5 and 100 * $25 a million.
      cost: { list_amount: '0.375' },
    },
    { group: { cost_type: 'web_search' }, cost: { list_amount: '1' } },
  ])
})

test('batches are listed newest first over any number of pages, and bad ones are refused whole', async () => {
  const { client } = await house()
  const { batches } = client.messages
  const made: string[] = []
  for (let at = 0; at < 5; at += 1) made.unshift((await batches.create({ requests: [item('a')] })).id)
  const walked = await collect(batches.list({ limit: 2 }))
  expect(walked.map(({ id }) => id)).toEqual(made)
  const betaWalked = await collect(client.beta.messages.batches.list({ limit: 2 }))
  expect(betaWalked.map(({ id }) => id)).toEqual(made)
  expect(await statusOf(batches.create({ requests: [] }))).toBe(400)
  expect(await statusOf(batches.create({ requests: [item('a'), item('a')] }))).toBe(400)
  expect(await statusOf(batches.create({ requests: [item('no spaces')] }))).toBe(400)
  expect(await collect(batches.list())).toHaveLength(5)
})
