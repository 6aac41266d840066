// Whatever a client failed to watch, running time is never more than the upstream counted, and exactly that once stated.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SessionStatusRow } from '../../src/ledger/rows.ts'
import type { StatedTimeRow } from '../../src/ledger/session-rows.ts'
import { deriveIntervals, type Interval } from '../../src/meter/intervals.ts'
import { formatLedgerTime } from '../../src/meter/upstream-time.ts'

const origin = Date.UTC(2026, 10, 20, 10)
const at = (ms: number) => formatLedgerTime((origin + ms) * 1000)

function edge(event_id: string, ms: number, status: SessionStatusRow['status'], thread_id = '') {
  const scope = event_id === 'observed:idle' ? 'observed' : thread_id === '' ? 'session' : 'thread'
  const row = { session_id: 's', event_id, scope, thread_id, status, occurred_at: at(ms) } as const
  return { ...row, reason: '', ver: 0 } as const
}

function statedBy(checkpoints: readonly (readonly [ms: number, activeMs: number])[]): StatedTimeRow {
  const rows = checkpoints.map(([ms, active_ms]) => ({ observed_at: at(ms), active_ms }))
  const latest = rows.at(-1) ?? { observed_at: at(0), active_ms: 0 }
  return { session_id: 's', ...latest, checkpoints: rows, snapshots: rows.length }
}

const charged = (intervals: readonly Interval[]) =>
  intervals
    .filter((interval) => interval.status === 'running' && !interval.provisional)
    .reduce((sum, { startedAtMs, endedAtMs }) => sum + (endedAtMs ?? Number.NaN) - startedAtMs, 0)

const runs = (intervals: readonly Interval[]) =>
  intervals
    .filter((interval) => interval.status === 'running')
    .map(({ startedAtMs, endedAtMs, provisional }) => [
      startedAtMs - origin,
      endedAtMs === null ? null : endedAtMs - origin,
      provisional,
    ])

test('a run followed by a run is not charged up to it', () => {
  const edges = [edge('e1', 0, 'running'), edge('e3', 1000, 'running'), edge('e4', 1010, 'idle')]
  expect(runs(deriveIntervals(edges))).toEqual([
    [0, 1000, true],
    [1000, 1010, false],
  ])
  expect(runs(deriveIntervals(edges, statedBy([[1010, 70]])))).toEqual([
    [0, 60, false],
    [1000, 1010, false],
  ])
})

test.each([
  ['an archive', [edge('archived', 1000, 'terminated')]],
  ['a deletion', [edge('deleted', 1000, 'terminated')]],
  [
    'the termination an archive causes',
    [edge('e2', 1000, 'terminated'), edge('archived', 1001, 'terminated')],
  ],
] as const)(
  '%s is not the end of a run: only what is not running can be archived or deleted',
  (_name, ends) => {
    const edges = [
      edge('created', 0, 'idle'),
      edge('e1', 10, 'running'),
      edge('p1', 10, 'running', 'p'),
      ...ends,
    ]
    expect(charged(deriveIntervals(edges))).toBe(0)
    expect(runs(deriveIntervals(edges, { ...statedBy([]), active_ms: 30, observed_at: at(2000) }))).toEqual([
      [10, 40, false],
    ])
  },
)

test('a termination by itself ends a run', () => {
  const edges = [edge('e1', 10, 'running'), edge('e2', 50, 'terminated')]
  expect(runs(deriveIntervals(edges))).toEqual([[10, 50, false]])
})

test('a checkpoint cuts a run that hides a pause', () => {
  const edges = [edge('e1', 0, 'running'), edge('e4', 1000, 'idle')]
  expect(charged(deriveIntervals(edges, statedBy([[1000, 70]])))).toBe(70)
})

test('a count of zero or one that falls says nothing', () => {
  const edges = [edge('e1', 0, 'running'), edge('e2', 100, 'idle')]
  const falling = statedBy([
    [100, 100],
    [200, 40],
    [300, 0],
  ])
  expect(charged(deriveIntervals(edges, statedBy([[100, 0]])))).toBe(100)
  expect(charged(deriveIntervals(edges, falling))).toBe(100)
})

test('an object adds what is missing and takes nothing away, for its time is by our clock', () => {
  const edges = [edge('created', 0, 'idle'), edge('e1', 500, 'running'), edge('e2', 600, 'idle')]
  const object = (active_ms: number, ms: number) => ({ ...statedBy([]), active_ms, observed_at: at(ms) })
  expect(charged(deriveIntervals(edges, object(40, 300)))).toBe(100)
  expect(charged(deriveIntervals(edges, object(150, 700)))).toBe(150)
})

test('a session left idle counts as idle until it was last seen so, and not for ever', () => {
  const edges = [edge('e1', 0, 'running'), edge('e2', 100, 'idle')]
  const idle = (rows: readonly SessionStatusRow[]) =>
    deriveIntervals(rows).filter((interval) => interval.status === 'idle')
  expect(idle(edges)).toEqual([])
  expect(idle([...edges, edge('observed:idle', 700, 'idle')])).toMatchObject([
    { startedAtMs: origin + 100, endedAtMs: origin + 700, provisional: true },
  ])
})

/** A life: runs with pauses before them, and for each whether its beginning and its end were watched. */
const lives = fc.array(
  fc.record({
    pauseMs: fc.integer({ min: 1, max: 500 }),
    runMs: fc.integer({ min: 1, max: 500 }),
    childMs: fc.nat(400),
    beginning: fc.boolean(),
    end: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
)

function watch(life: typeof lives extends fc.Arbitrary<infer Life> ? Life : never) {
  const edges: SessionStatusRow[] = [edge('created', 0, 'idle'), edge('role:c', 0, 'child', 'c')]
  const checkpoints: (readonly [number, number])[] = []
  let now = 0
  let truth = 0
  for (const [n, { pauseMs, runMs, childMs, beginning, end }] of life.entries()) {
    now += pauseMs
    if (beginning) edges.push(edge(`s${n}`, now, 'running'), edge(`p${n}`, now, 'running', 'p'))
    if (beginning && childMs > 0) {
      edges.push(
        edge(`c${n}`, now, 'running', 'c'),
        edge(`d${n}`, now + Math.min(childMs, runMs), 'idle', 'c'),
      )
    }
    now += runMs
    truth += runMs
    if (!end) continue
    edges.push(edge(`q${n}`, now, 'idle', 'p'), edge(`t${n}`, now, 'idle'))
    checkpoints.push([now, truth])
  }
  return { edges, checkpoints, now, truth }
}

test('however much of a life was missed, no more is charged than was counted, and all of it once it is stated', () => {
  fc.assert(
    fc.property(lives, fc.integer({ min: -300, max: 5000 }), (life, skewMs) => {
      const { edges, checkpoints, now, truth } = watch(life)
      const partly = charged(deriveIntervals(edges, statedBy(checkpoints)))
      expect(partly).toBeLessThanOrEqual(truth)
      if (life.at(-1)?.end) expect(partly).toBe(truth)

      // Retrieved at the end, by a clock that is not the upstream's.
      const seen = [...edges, edge('observed:idle', now + skewMs, 'idle')]
      const object = { ...statedBy(checkpoints), active_ms: truth, observed_at: at(now + skewMs) }
      const whole = charged(deriveIntervals(seen, object))
      expect(whole).toBeLessThanOrEqual(truth)
      if (skewMs >= 0) expect(whole).toBe(truth)
    }),
    { numRuns: 2_000 },
  )
})
