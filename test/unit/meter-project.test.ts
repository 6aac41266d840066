// What each record states by itself, and how facts come to their price.
import { expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type { ExchangeRecord } from '../../src/audit/exchange-record.ts'
import { attribute } from '../../src/meter/attribute.ts'
import { project } from '../../src/meter/project.ts'
import type { meteredRecordSchema } from '../../src/meter/record-schema.ts'
import { formatLedgerTime, parseLedgerTime, parseUpstreamTime } from '../../src/meter/upstream-time.ts'
import type { Sighting } from '../../src/tap/sighting.ts'
import {
  creation,
  cumulative,
  deletion,
  event,
  modelRequest,
  session,
  status,
  thread,
} from '../support/sightings.ts'

const at = Date.UTC(2026, 10, 20, 10)

test('every sighting and exchange of today is a record the meter reads', () => {
  expectTypeOf<Sighting | ExchangeRecord>().toExtend<z.input<typeof meteredRecordSchema>>()
})

test('a model request is a fact with its tokens, whoever saw it and on whichever copy', () => {
  const seen = modelRequest('s', 'sevt_1', at, { input_tokens: 5, output_tokens: 7 })
  const again = {
    ...seen,
    source: 'list' as const,
    seen_at_ms: at + 9_000,
    team: 'other',
    exchange_id: 'exc_2',
  }
  expect(project(again).facts).toEqual(project(seen).facts)
  expect(project(seen).facts?.[0]).toMatchObject({
    event_id: 'sevt_1',
    kind: 'model_request',
    input_tokens: 5,
    output_tokens: 7,
  })
})

test('a failed model request counts like any other', () => {
  const [fact] = project(modelRequest('s', 'sevt_1', at, { input_tokens: 5 }, { is_error: true })).facts ?? []
  expect(fact).toMatchObject({ is_error: 1, input_tokens: 5 })
})

test('a model request whose counts nobody can read is set aside, never taken for zero', () => {
  const rows = project(modelRequest('s', 'sevt_1', at, {}, { tokens: null }))
  expect(rows.facts).toBeUndefined()
  expect(rows.quarantined_records).toHaveLength(1)
  expect(project(modelRequest('s', 'sevt_1', at, {}, { tokens: null, is_error: true })).facts).toHaveLength(1)
})

test('copies of an event without id meet in a key made of what they say', () => {
  const key = (given: object) =>
    project(modelRequest('s', '', at, { input_tokens: 5 }, given)).facts?.[0]?.event_id
  expect(key({ source: 'list', seen_at_ms: 1 })).toBe(key({}))
  expect(key({ processed_at: '2026-11-20T10:00:01Z' })).not.toBe(key({}))
})

test('a usage event without a time is set aside, not lost and not guessed', () => {
  const rows = project(modelRequest('s', 'sevt_1', at, {}, { processed_at: null }))
  expect(rows.facts).toBeUndefined()
  expect(rows.quarantined_records).toHaveLength(1)
})

test.each([
  ['a negative count', { ...modelRequest('s', 'e', at, { input_tokens: -1 }) }],
  ['a fractional count', { ...modelRequest('s', 'e', at, { input_tokens: 1.5 }) }],
  ['an unknown kind', { kind: 'gossip' }],
  ['a missing session', { ...modelRequest('', 'e', at, {}) }],
])('%s is set aside whole, with the reason', (_name, record) => {
  const [row] = project(record).quarantined_records ?? []
  expect(row).toMatchObject({ kind: record.kind, content: JSON.stringify(record) })
  expect(row?.reason).not.toBe('')
})

test('events that bill nothing are kept among the events, and state nothing else', () => {
  expect(project(event({ session_id: 's', event_id: 'e', type: 'session.updated', atMs: at }))).toEqual({
    session_events: [expect.objectContaining({ event_id: 'e', type: 'session.updated' })],
  })
})

test('only the exchange that created a session states its owner', () => {
  expect(project(creation('s', 'payments')).sessions?.[0]).toMatchObject({
    team: 'payments',
    caller: 'payments-ci',
  })
  expect(project(session('s', { team: 'curious' })).sessions?.[0]).toMatchObject({ team: '', caller: '' })
})

test('archive, deletion and termination end a session when no event says so', () => {
  const edges = (record: Parameters<typeof project>[0]) =>
    (project(record).session_status ?? []).map((row) => `${row.event_id} ${row.status}`)
  expect(edges(session('s', { archived_at: '2026-11-20T11:00:00Z' }))).toContain('archived terminated')
  expect(edges(session('s', { status: 'terminated' }))).toContain('observed:terminated terminated')
  expect(edges(deletion('s', at))).toEqual(['deleted terminated'])
  expect(edges(status('s', 'e9', at, 'terminated'))).toEqual(['e9 terminated'])
})

test('seeing the same totals again adds no snapshot', () => {
  const usage = cumulative({ active_seconds: 1.5, input_tokens: 10, list_cost_cents: '187' })
  const key = (seen_at_ms: number) =>
    project(session('s', { usage, seen_at_ms })).usage_snapshots?.[0]?.snapshot_key
  expect(key(at)).toBe(key(at + 60_000))
  const stated = event({ session_id: 's', event_id: 'e', type: 'session.usage', atMs: at, usage })
  expect(project(stated).usage_snapshots?.[0]).toMatchObject({
    snapshot_key: key(at),
    source: 'event',
    active_ms: 1500,
  })
})

test('times keep their microseconds and their zone', () => {
  const micros = parseUpstreamTime('2026-11-20T10:00:00.123456Z')
  expect(parseUpstreamTime('2026-11-20T12:00:00.123456789+02:00')).toBe(micros)
  expect(formatLedgerTime(micros ?? 0)).toBe('2026-11-20 10:00:00.123456')
  expect(parseLedgerTime('2026-11-20 10:00:00.123456')).toBe(micros)
  expect(parseUpstreamTime('2026-11-20 10:00')).toBeNull()
})

test('a thread nobody described has no model: the session model would be a guess', () => {
  const models = (given: Parameters<typeof attribute>[1], thread_id: string) => {
    const [fact] = project(modelRequest('s', 'e', at, {}, { thread_id })).facts ?? []
    if (fact === undefined) throw new Error('no fact')
    const row = attribute(fact, given, () => ({ cost_usd: null, price_id: '', unpriced_reason: '' }))
    return `${row.model} ${row.speed}`
  }
  const ofSession = { model: 'session-model', speed: 'fast', inference_geo: '' }
  const [child] = project(thread('s', 't')).threads ?? []
  expect(models({ session: ofSession, thread: undefined }, '')).toBe('session-model fast')
  expect(models({ session: ofSession, thread: undefined }, 't')).toBe(' ')
  expect(models({ session: ofSession, thread: child }, 't')).toBe('claude-haiku-4-5 ')
  expect(models({ session: ofSession, thread: { model: '', speed: '', inference_geo: '' } }, 't')).toBe(
    'session-model fast',
  )
})

test('a change of policies becomes one row, its lines together', () => {
  const change = {
    kind: 'policy_change',
    change_id: 'chg_1',
    changed_at_ms: Date.UTC(2026, 10, 23, 16, 0, 0, 123),
    old_hash: 'a',
    new_hash: 'b',
    files: ['pins.yaml', 'policy.csv'],
    diff: ['+ policy.csv:1 p, …', '- policy.csv:2 p, …'],
  }
  expect(project(change)).toEqual({
    policy_changes: [
      {
        change_id: 'chg_1',
        changed_at: '2026-11-23 16:00:00.123',
        old_hash: 'a',
        new_hash: 'b',
        files: 'pins.yaml,policy.csv',
        diff: '+ policy.csv:1 p, …\n- policy.csv:2 p, …',
      },
    ],
  })
  expect(project({ ...change, diff: 'text' })).toHaveProperty('quarantined_records')
})
