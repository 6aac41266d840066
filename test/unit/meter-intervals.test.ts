// Running intervals do not depend on the order, the number or the packaging of what was seen.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SessionStatusRow } from '../../src/ledger/rows.ts'
import type { SessionIntervalsRow } from '../../src/ledger/session-rows.ts'
import { deriveIntervals, type Interval, toIntervalsRow } from '../../src/meter/intervals.ts'
import { formatLedgerTime } from '../../src/meter/upstream-time.ts'

const origin = Date.UTC(2026, 10, 20, 10)

function edge(
  event_id: string,
  atMs: number,
  status: SessionStatusRow['status'],
  thread_id = '',
  scope: SessionStatusRow['scope'] = thread_id === '' ? 'session' : 'thread',
): SessionStatusRow {
  const occurred_at = formatLedgerTime((origin + atMs) * 1000)
  return {
    session_id: 's',
    event_id,
    scope,
    thread_id,
    status,
    occurred_at,
    reason: '',
    ver: scope === 'observed' ? atMs : 0,
  }
}

const short = (intervals: readonly Interval[]) =>
  intervals.map(({ status, startedAtMs, endedAtMs, provisional }) =>
    [
      status,
      startedAtMs - origin,
      endedAtMs === null ? null : endedAtMs - origin,
      provisional ? 'open' : 'closed',
    ].join(' '),
  )

test('a turn runs from running to idle, to the millisecond', () => {
  const edges = [
    edge('created', 0, 'idle'),
    edge('e1', 1_234, 'running'),
    edge('e2', 5_678, 'idle'),
    edge('e3', 9_000, 'terminated'),
  ]
  expect(short(deriveIntervals(edges))).toEqual([
    'idle 0 1234 closed',
    'running 1234 5678 closed',
    'idle 5678 9000 closed',
  ])
})

test('rescheduling is neither running nor idle', () => {
  const edges = [
    edge('e1', 0, 'running'),
    edge('e2', 10, 'rescheduling'),
    edge('e3', 30, 'running'),
    edge('e4', 40, 'idle'),
  ]
  expect(short(deriveIntervals(edges)).slice(0, 3)).toEqual([
    'running 0 10 closed',
    'rescheduling 10 30 closed',
    'running 30 40 closed',
  ])
})

test('threads that overlap are counted once', () => {
  const edges = [
    edge('s1', 0, 'running'),
    edge('p1', 0, 'running', 'primary'),
    edge('role:child', 50, 'child', 'child'),
    edge('c1', 50, 'running', 'child'),
    edge('p2', 100, 'idle', 'primary'),
    edge('c2', 150, 'idle', 'child'),
    edge('s2', 150, 'idle'),
    edge('s3', 151, 'terminated'),
  ]
  expect(short(deriveIntervals(edges))).toEqual(['running 0 150 closed', 'idle 150 151 closed'])
})

test('a session held running with no thread running is not billed for the wait', () => {
  const edges = [
    edge('s1', 0, 'running'),
    edge('p1', 0, 'running', 'primary'),
    edge('p2', 40, 'idle', 'primary'),
    edge('p3', 60, 'running', 'primary'),
    edge('p4', 70, 'idle', 'primary'),
    edge('s2', 70, 'idle'),
    edge('s3', 71, 'terminated'),
  ]
  expect(short(deriveIntervals(edges)).filter((line) => line.startsWith('running'))).toEqual([
    'running 0 40 closed',
    'running 60 70 closed',
  ])
})

test('edges of children alone do not shorten what the session says', () => {
  const edges = [
    edge('s1', 0, 'running'),
    edge('role:child', 20, 'child', 'child'),
    edge('c1', 20, 'running', 'child'),
    edge('c2', 40, 'idle', 'child'),
    edge('s2', 100, 'idle'),
    edge('s3', 100, 'terminated'),
  ]
  expect(short(deriveIntervals(edges))).toEqual(['running 0 100 closed'])
})

test('a missed idle of a thread does not bill the pause the session was in', () => {
  const edges = [
    edge('p1', 0, 'running', 'primary'),
    edge('s1', 0, 'running'),
    edge('s2', 10, 'idle'),
    edge('s3', 50, 'running'),
    edge('p2', 50, 'running', 'primary'),
    edge('p3', 60, 'idle', 'primary'),
    edge('s4', 60, 'idle'),
  ]
  expect(short(deriveIntervals(edges)).filter((line) => line.startsWith('running'))).toEqual([
    'running 0 10 closed',
    'running 50 60 closed',
  ])
})

test('an open interval is provisional, bounded by the last sight of another status', () => {
  const open = [edge('e1', 0, 'running')]
  expect(short(deriveIntervals(open))).toEqual(['running 0  open'])
  expect(short(deriveIntervals([...open, edge('observed:idle', 500, 'idle', '', 'observed')]))).toEqual([
    'running 0 500 open',
  ])
  expect(
    short(deriveIntervals([edge('e1', 600, 'running'), edge('observed:idle', 500, 'idle', '', 'observed')])),
  ).toEqual(['running 600  open'])
})

test('a deletion ends the session even when our clock is behind the upstream', () => {
  const edges = [edge('e1', 100, 'running'), edge('e2', 200, 'idle'), edge('deleted', 150, 'terminated')]
  expect(short(deriveIntervals(edges))).toEqual(['running 100 200 closed'])
})

test('a creation stated later than the first edge ends nothing', () => {
  const edges = [
    edge('e1', 100, 'running'),
    edge('created', 150, 'idle'),
    edge('e2', 200, 'idle'),
    edge('e3', 200, 'terminated'),
  ]
  expect(short(deriveIntervals(edges))).toEqual(['running 100 200 closed'])
})

const anyEdge = fc
  .record({
    id: fc.nat(30),
    atMs: fc.nat(200),
    status: fc.constantFrom('running', 'idle', 'rescheduling', 'terminated', 'child', 'primary'),
    scope: fc.constantFrom('session', 'thread', 'observed'),
    thread: fc.constantFrom('t1', 't2', 't3'),
  } as const)
  .map(({ id, atMs, status, scope, thread }) => {
    const isRole = status === 'child' || status === 'primary'
    if (id === 0) return edge('created', atMs, 'idle')
    if (id === 1) return edge('deleted', atMs, 'terminated')
    if (isRole) return edge(`role:${thread}`, 0, thread === 't1' ? 'primary' : 'child', thread)
    return edge(`${scope}${thread}${id}`, atMs, status, scope === 'thread' ? thread : '', scope)
  })
const edgeSets = fc.uniqueArray(anyEdge, { maxLength: 24, selector: (row) => row.event_id })

const shuffledCopies = edgeSets.chain((edges) =>
  fc.record({
    edges: fc.constant(edges),
    seen: fc.array(fc.nat(), { maxLength: 40 }).chain((picks) => {
      const copies = edges.length === 0 ? [] : picks.flatMap((pick) => edges[pick % edges.length] ?? [])
      return fc.shuffledSubarray([...edges, ...copies], { minLength: edges.length + copies.length })
    }),
  }),
)

test('any order and any duplication of the edges give the same row', () => {
  fc.assert(
    fc.property(shuffledCopies, ({ edges, seen }) => {
      expect(toIntervalsRow('s', seen)).toEqual(toIntervalsRow('s', edges))
    }),
  )
})

test('a derivation from fewer edges never replaces one from more, however late it is written', () => {
  fc.assert(
    fc.property(shuffledCopies, fc.integer({ min: 1, max: 7 }), ({ edges, seen }, size) => {
      const rows = [toIntervalsRow('s', [])]
      for (let end = size; end < seen.length + size; end += size)
        rows.push(toIntervalsRow('s', seen.slice(0, end)))
      // As ReplacingMergeTree(generation) keeps them: the highest, of equals the last written.
      const keep = (written: readonly SessionIntervalsRow[]) =>
        written.reduce((best, row) => (row.generation >= best.generation ? row : best))
      expect(keep(rows)).toEqual(toIntervalsRow('s', edges))
      expect(keep(rows.toReversed())).toEqual(toIntervalsRow('s', edges))
    }),
  )
})

test('intervals never overlap and running time is never counted twice', () => {
  fc.assert(
    fc.property(edgeSets, (edges) => {
      const intervals = deriveIntervals(edges)
      for (const [index, interval] of intervals.entries()) {
        const next = intervals[index + 1]
        if (next === undefined || interval.provisional) continue
        expect(interval.endedAtMs ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(next.startedAtMs)
      }
    }),
  )
})

test('rest until somebody answers is waiting, not idle; what runs meanwhile is running', () => {
  const asked = (id: string, atMs: number) => ({ ...edge(id, atMs, 'idle'), reason: 'requires_action' })
  const edges = [
    edge('e1', 0, 'running'),
    asked('e2', 1000),
    edge('e3', 1500, 'running'),
    { ...edge('e4', 1700, 'idle'), reason: 'end_turn' },
    edge('observed:idle', 2000, 'idle', '', 'observed'),
  ]
  expect(short(deriveIntervals(edges))).toEqual([
    'running 0 1000 closed',
    'waiting 1000 1500 closed',
    'running 1500 1700 closed',
    'idle 1700 2000 open',
  ])
  const stillOpen = [
    edge('e1', 0, 'running'),
    asked('e2', 1000),
    edge('observed:idle', 9000, 'idle', '', 'observed'),
  ]
  expect(short(deriveIntervals(stillOpen))).toEqual(['running 0 1000 closed', 'waiting 1000 9000 open'])
  // Time that the upstream counted as running, unseen, is taken from the waiting: it never stands in both.
  const all = deriveIntervals(edges, {
    session_id: 's',
    active_ms: 1400,
    observed_at: formatLedgerTime((origin + 1700) * 1000),
    checkpoints: [],
    snapshots: 1,
  })
  const sum = (status: string) =>
    all
      .filter((each) => each.status === status)
      .reduce((ms, { startedAtMs, endedAtMs }) => ms + (endedAtMs ?? Number.NaN) - startedAtMs, 0)
  expect(sum('running')).toBe(1400)
  expect(sum('waiting')).toBe(300)
})
