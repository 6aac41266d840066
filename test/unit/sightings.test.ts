// What is read of upstream objects, checked against objects typed by the SDK itself.
import type {
  BetaManagedAgentsSession,
  BetaManagedAgentsSessionThread,
  BetaManagedAgentsSessionUsageEvent,
} from '@anthropic-ai/sdk/resources/beta/sessions'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EventSighting, SessionSighting, ThreadSighting } from '../../src/tap/sighting.ts'
import { sightEvent, type UpstreamEvent } from '../../src/upstream/event-schema.ts'
import { sightSession, type UpstreamSession } from '../../src/upstream/session-schema.ts'
import { sightThread, type UpstreamThread } from '../../src/upstream/thread-schema.ts'
import { sightUsage } from '../../src/upstream/usage-schema.ts'

const usage = {
  active_seconds: 12.5,
  cache_creation: { ephemeral_1h_input_tokens: 3, ephemeral_5m_input_tokens: 40 },
  cache_read_input_tokens: 500,
  input_tokens: 6,
  output_tokens: 70,
  list_cost: { amount: '187', currency: 'USD' as const },
  server_tool_use: { web_search_requests: 2, web_fetch_requests: 9 },
}
const sighted = {
  active_seconds: 12.5,
  cache_write_1h_input_tokens: 3,
  cache_write_5m_input_tokens: 40,
  cache_read_input_tokens: 500,
  input_tokens: 6,
  output_tokens: 70,
  list_cost_cents: '187',
  web_search_requests: 2,
}
const model = { id: 'claude-opus-5-5', speed: 'fast' as const, inference_geo: 'us' }

test('what upstream reads is what a sighting holds', () => {
  type Parts = [UpstreamEvent, UpstreamSession, UpstreamThread]
  const parts = (event: EventSighting, session: SessionSighting, thread: ThreadSighting): Parts => [
    event,
    session,
    thread,
  ]
  expect(parts).toBeTypeOf('function')
})

test('a model request ends with its own tokens; undivided cache writes count as 5 minutes', () => {
  const event = {
    id: 'sevt_1',
    type: 'span.model_request_end',
    processed_at: '2026-11-20T10:00:00.123Z',
    model_request_start_id: 'sevt_0',
    is_error: null,
    model_usage: {
      input_tokens: 1,
      output_tokens: 2,
      cache_read_input_tokens: 3,
      cache_creation_input_tokens: 4,
      speed: 'fast',
    },
    from_tomorrow: { any: 'thing' },
  }
  expect(sightEvent(event)).toEqual({
    event_id: 'sevt_1',
    type: 'span.model_request_end',
    processed_at: '2026-11-20T10:00:00.123Z',
    about_thread_id: '',
    tokens: {
      input_tokens: 1,
      output_tokens: 2,
      cache_read_input_tokens: 3,
      cache_write_5m_input_tokens: 4,
      cache_write_1h_input_tokens: 0,
    },
    speed: 'fast',
    is_error: false,
    stop_reason: '',
    usage: null,
  })
})

test('a usage event carries the snapshot, an idle event its reason and thread, a queued event no time', () => {
  const snapshot = {
    id: 'sevt_2',
    type: 'session.usage',
    processed_at: '2026-11-20T10:00:00Z',
    budget: null,
    usage,
  } satisfies BetaManagedAgentsSessionUsageEvent
  expect(sightEvent(snapshot)).toMatchObject({ usage: sighted, tokens: null })
  const idle = {
    id: 'sevt_3',
    type: 'session.thread_status_idle',
    session_thread_id: 'sthr_1',
    stop_reason: { type: 'end_turn' },
  }
  expect(sightEvent({ ...idle, processed_at: null })).toMatchObject({
    about_thread_id: 'sthr_1',
    stop_reason: 'end_turn',
    processed_at: null,
  })
})

test('an event that came without an id is sighted all the same: what it bills must not be lost', () => {
  for (const id of [{}, { id: '' }]) {
    const event = sightEvent({ ...id, type: 'span.model_request_end', processed_at: '2026-11-23T00:00:00Z' })
    expect(event).toMatchObject({ event_id: '', type: 'span.model_request_end' })
  }
})

test('previews and things that are not events are not sighted', () => {
  for (const raw of [null, 7, 'x', [], {}, { type: 'event_delta', event_id: 'sevt_1' }]) {
    expect(sightEvent(raw)).toBeNull()
    expect(sightSession(raw)).toBeNull()
    expect(sightThread(raw)).toBeNull()
  }
})

test('a count that is not exact is not counted, and takes its whole set with it', () => {
  for (const input_tokens of [-1, 1.5, '7', Number.NaN, 2 ** 53, 1e300]) {
    expect(sightUsage({ ...usage, input_tokens })).toBeNull()
  }
  expect(sightUsage({ ...usage, list_cost: { amount: '1.5', currency: 'USD' } })?.list_cost_cents).toBeNull()
  expect(sightUsage({ ...usage, list_cost: { amount: '1', currency: 'EUR' } })?.list_cost_cents).toBeNull()
  expect(sightUsage({})).toMatchObject({ input_tokens: 0, active_seconds: 0, list_cost_cents: null })
})

test('a session and its threads are read as the SDK types them', () => {
  const session = {
    type: 'session',
    id: 'sesn_1',
    agent: { type: 'agent', id: 'agent_1', name: 'Ann', version: 3, model },
    environment_id: 'env_1',
    deployment_id: null,
    status: 'idle',
    created_at: '2026-11-20T10:00:00Z',
    archived_at: null,
    usage,
  } satisfies Partial<Omit<BetaManagedAgentsSession, 'agent'>> & {
    agent: Partial<BetaManagedAgentsSession['agent']>
  }
  expect(sightSession(session)).toEqual({
    session_id: 'sesn_1',
    agent_id: 'agent_1',
    agent_name: 'Ann',
    agent_version: 3,
    model: 'claude-opus-5-5',
    speed: 'fast',
    inference_geo: 'us',
    environment_id: 'env_1',
    deployment_id: '',
    status: 'idle',
    created_at: '2026-11-20T10:00:00Z',
    archived_at: null,
    limit_cents: null,
    usage: sighted,
  })
  const thread = {
    type: 'session_thread',
    id: 'sthr_1',
    session_id: 'sesn_1',
    parent_thread_id: 'sthr_0',
    agent: { type: 'advisor', model: 'claude-fable-5-2' },
  } satisfies Partial<BetaManagedAgentsSessionThread>
  expect(sightThread(thread)).toMatchObject({
    thread_id: 'sthr_1',
    parent_thread_id: 'sthr_0',
    model: 'claude-fable-5-2',
    speed: '',
  })
  const primary = { ...thread, parent_thread_id: null, agent: { type: 'inline', model } }
  expect(sightThread(primary)).toMatchObject({
    parent_thread_id: null,
    model: 'claude-opus-5-5',
    inference_geo: 'us',
  })
})

test('no text of the upstream makes a record too long for the journal, and no pasted key stays in a name', () => {
  const long = 'x'.repeat(2_000_000)
  const agent = { id: long, name: long, version: 1, model: long }
  const session = { type: 'session', id: 's', agent, environment_id: long, status: long, created_at: long }
  expect(JSON.stringify(sightSession(session)).length).toBeLessThan(10_000)
  expect(sightSession({ ...session, id: long })).toBeNull()
  expect(sightSession({ ...session, agent: { ...agent, name: 'bot sk-ant-api03-x' } })?.agent_name).toBe(
    'bot [secret]',
  )
  const time = `2026-01-01T00:00:00.${'0'.repeat(2_000_000)}Z`
  const seen = sightEvent({
    id: 'e',
    type: 't',
    processed_at: time,
    session_thread_id: long,
    stop_reason: { type: long },
  })
  expect(JSON.stringify(seen).length).toBeLessThan(10_000)
  expect(sightEvent({ id: long, type: 't' })).toBeNull()
})

test('no value whatever makes a reader throw', () => {
  const keys = fc.constantFrom(
    'id',
    'type',
    'usage',
    'model_usage',
    'agent',
    'model',
    'session_id',
    'list_cost',
    'stop_reason',
    'processed_at',
    'cache_creation',
  )
  const leaf = fc.oneof(
    fc.anything(),
    fc.constantFrom('session', 'session_thread', 'session.usage', 'span.model_request_end'),
  )
  const value = fc.dictionary(keys, fc.oneof(leaf, fc.dictionary(keys, leaf)))
  fc.assert(
    fc.property(value, (raw) => {
      for (const read of [sightEvent, sightSession, sightThread, sightUsage]) read(raw)
    }),
    { numRuns: 300 },
  )
})

test('the limit of a session is whole cents, `0` without one, and null where nothing is said', () => {
  const of = (budget: unknown) => sightSession({ type: 'session', id: 'sesn_1', budget })?.limit_cents
  const limit = (amount: unknown) => ({ type: 'limit', max_list_cost: { amount, currency: 'USD' } })
  expect([of(limit('2500')), of(null), of(undefined)]).toEqual(['2500', '0', null])
  expect([of(limit('-1')), of(limit(2500)), of({ type: 'other' })]).toEqual([null, null, null])
})
