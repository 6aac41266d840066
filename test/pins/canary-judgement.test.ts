// When a canary is worse than stable: beyond its bounds, with enough sessions, and not otherwise.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeCanary, nothingYet } from '../../src/pin/judge-canary.ts'

const bounds = {
  ...{ sessionsMin: 10, windowMs: 3_600_000, errorRate: 0.05, denialRate: 0.05 },
  ...{ costPerSession: 1.5, medianRunningTime: 1.5 },
}
const usual = {
  ...{ sessions: 100, failed_sessions: 10, cost_usd: 20, median_running_ms: 4_000 },
  ...{ exchanges: 1_000, denials: 20 },
}

test.each([
  ['error rate', { failed_sessions: 16 }, 'error rate 16% where stable has 10%; the bound is 5% more'],
  ['denial rate', { denials: 71 }, 'denial rate 7.1% where stable has 2%; the bound is 5% more'],
  [
    'cost',
    { cost_usd: 30.1 },
    'cost per session $0.3010 where stable has $0.2000; the bound is 1.5 times that',
  ],
  [
    'time',
    { median_running_ms: 6_100 },
    'median running time 6.1 s where stable has 4 s; the bound is 1.5 times that',
  ],
])('a canary with a worse %s is held, in a sentence', (_name, worse, sentence) => {
  expect(judgeCanary(bounds, usual, { ...usual, ...worse })).toEqual({ kind: 'worse', reasons: [sentence] })
})

test('what lies on a bound is within it', () => {
  const onBound = { ...usual, failed_sessions: 15, denials: 70, cost_usd: 30, median_running_ms: 6_000 }
  expect(judgeCanary(bounds, usual, onBound)).toEqual({ kind: 'within' })
})

test('too few sessions of either say nothing, however bad', () => {
  const awful = { ...usual, failed_sessions: 9, sessions: 9 }
  expect(judgeCanary(bounds, usual, awful)).toEqual({ kind: 'too_early' })
  expect(judgeCanary(bounds, nothingYet, usual)).toEqual({ kind: 'too_early' })
})

test('a bound that is not set holds nobody', () => {
  const none = { ...bounds, errorRate: null, denialRate: null, costPerSession: null, medianRunningTime: null }
  const awful = { ...usual, failed_sessions: 100, denials: 1_000, cost_usd: 1e6, median_running_ms: 1e9 }
  expect(judgeCanary(none, usual, awful)).toEqual({ kind: 'within' })
})

test('a canary that does the same as stable is never held', () => {
  const count = fc.nat(1_000)
  const facts = fc.record({
    sessions: count,
    failed_sessions: count,
    cost_usd: fc.double({ min: 0, max: 1e6, noNaN: true }),
    median_running_ms: count,
    exchanges: count,
    denials: count,
  })
  fc.assert(
    fc.property(facts, (same) => {
      expect(judgeCanary(bounds, same, same).kind).not.toBe('worse')
    }),
  )
})
