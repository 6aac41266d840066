// Grants from budgets: never more than is left, by however many at once, at one gateway or several, whatever they last saw.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runAtOnce } from '../../src/kernel/turns.ts'
import type { LiveSession } from '../../src/ledger/queries/live-sessions.ts'
import { loadBook } from '../../src/price/book.ts'
import { ratesOfBook } from '../../src/price/book-rates.ts'
import { type Budgets, parseBudgets } from '../../src/price/budgets/budgets-file.ts'
import { type FundingDesk, type FundingRequest, openFundingDesk } from '../../src/price/budgets/funding.ts'
import { takeStanding, windowOf } from '../../src/price/budgets/standing.ts'
import { parsePrices } from '../../src/price/prices-file.ts'
import { createPriceOf } from '../../src/price/terms.ts'

const startMs = Date.UTC(2026, 10, 24, 12)
const rates = ratesOfBook(loadBook())
const overlapMs = 10_000

const budgetsOf = (entries: string): Budgets => parseBudgets(`budgets:\n${entries}`, 'budgets.yaml')
const request = (ticket: string, given: Partial<FundingRequest> = {}): FundingRequest => ({
  ticket,
  kind: 'session',
  dims: { team: 'a', caller: 'c', agent: 'agent_1', model: '', session: ticket },
  askedCents: null,
  removes: false,
  session: null,
  ...given,
})
const session = (id: string, limit: bigint, given: Partial<LiveSession> = {}): LiveSession => ({
  session_id: id,
  ...{
    team: 'a',
    caller: 'c',
    agent_id: 'agent_1',
    model: 'claude-opus-5-5',
    agent_version: 1,
    deployment_id: '',
  },
  limit_cents: limit,
  ...{ spent_cents: 0n, tokens: 0n, active_ms: 0n },
  last_edge_ms: startMs,
  is_at_work: true,
  has_ended: false,
  ...given,
})

function world(budgets: Budgets, terms = '') {
  let nowMs = startMs
  const desk = openFundingDesk({ budgets: () => budgets, nowMs: () => nowMs, overlapMs })
  const priceOf = createPriceOf({ version: 1, rates }, parsePrices(terms, 'prices.yaml'))
  return {
    desk,
    wait: (ms: number) => {
      nowMs += ms
    },
    see: (live: readonly LiveSession[], gateways = 1, runningMs = 0n) => {
      const used = {
        ...{ day: Math.floor(startMs / 86_400_000), team: 'a', caller: 'c', agent_id: 'agent_1' },
        ...{ agent_version: 1, model: '', environment_id: '', sku: 'session-hour', quantity: runningMs },
      }
      const quantities = runningMs === 0n ? [] : [used]
      const skus = rates.map(({ sku }) => sku)
      desk.take(runAtOnce(takeStanding({ budgets, atMs: nowMs, gateways, quantities, live, priceOf, skus })))
    },
  }
}
const centsOf = (desk: FundingDesk, asked: FundingRequest): bigint => {
  const funding = desk.fund(asked)
  return 'kind' in funding ? 0n : (funding.limitCents ?? asked.askedCents ?? 0n)
}

const dollar = budgetsOf('  - { name: d, team: a, period: day, usd: "1.00", per_session_usd: "0.30" }\n')

test('fifty creators at once get no more than what is left, and the others a sentence', () => {
  const { desk, see } = world(dollar)
  see([])
  const granted = Array.from({ length: 50 }, (_, at) => centsOf(desk, request(`req_${at}`)))
  expect(granted.slice(0, 5)).toEqual([30n, 30n, 30n, 10n, 0n])
  expect(granted.reduce((sum, each) => sum + each, 0n)).toBe(100n)
  expect(desk.fund(request('req_x'))).toMatchObject({
    kind: 'denial',
    code: 'budget.exhausted',
    rule: 'budgets.yaml:2',
    message: expect.stringMatching(/budget `d` has nothing left .* 1\.00 USD is held by live sessions/),
  })
})

test('what nobody has looked at yet is refused, and what no budget counts is free', () => {
  const { desk } = world(dollar)
  expect(desk.fund(request('r'))).toMatchObject({ code: 'budget.unavailable' })
  const other = request('r', { dims: { ...request('r').dims, team: 'b' } })
  expect(desk.fund(other)).toEqual({ limitCents: null, rule: '', near: '' })
})

test('a grant is given back when nothing came of it, and kept while nobody knows', () => {
  const { desk, see, wait } = world(dollar)
  see([])
  for (const id of ['a', 'b', 'c', 'd']) desk.fund(request(id))
  desk.settle('a', { kind: 'void' })
  expect(centsOf(desk, request('e'))).toBe(30n)
  desk.settle('b', { kind: 'unknown' })
  see([])
  expect(centsOf(desk, request('f'))).toBe(0n)
  wait(121_000)
  see([])
  expect(centsOf(desk, request('g'))).toBe(30n)
})

test('what a session spent less than its limit comes back when it ends, and when it rests long enough', () => {
  const { desk, see, wait } = world(dollar)
  see([session('s1', 100n)])
  expect(centsOf(desk, request('a'))).toBe(0n)
  see([session('s1', 100n, { spent_cents: 40n })])
  // Spent is counted by the ledger's own facts, which are not here.
  expect(centsOf(desk, request('b'))).toBe(30n)
  desk.settle('b', { kind: 'void' })
  see([session('s1', 100n, { is_at_work: false })])
  expect(centsOf(desk, request('c'))).toBe(0n)
  wait(15 * 60_000)
  see([session('s1', 100n, { is_at_work: false })])
  expect(centsOf(desk, request('d'))).toBe(30n)
  // Its own next message takes back what it may still spend, and there is not so much.
  const goOn = request('e', {
    kind: 'work',
    dims: { ...request('e').dims, session: 's1' },
    session: session('s1', 100n, { is_at_work: false, last_edge_ms: startMs }),
  })
  expect(desk.fund(goOn)).toMatchObject({
    code: 'budget.exhausted',
    message: expect.stringContaining('may still spend 1.00 USD'),
  })
  desk.settle('d', { kind: 'void' })
  expect(desk.fund(goOn)).toEqual({ limitCents: null, rule: '', near: '' })
  expect(centsOf(desk, request('f'))).toBe(0n)
})

test('a smaller limit that is asked for stays, a larger one is lowered, and none may be taken away', () => {
  const { desk, see } = world(dollar)
  see([session('s1', 20n)])
  expect(desk.fund(request('a', { askedCents: 5n }))).toEqual({ limitCents: null, rule: '', near: '' })
  expect(desk.fund(request('b', { askedCents: 500n }))).toEqual({
    limitCents: 30n,
    rule: 'budgets.yaml:2',
    near: '',
  })
  const about = {
    kind: 'raise' as const,
    session: session('s1', 20n),
    dims: { ...request('c').dims, session: 's1' },
  }
  expect(desk.fund(request('c', { ...about, removes: true }))).toMatchObject({
    code: 'budget.limit_required',
  })
  expect(desk.fund(request('d', { ...about, askedCents: 31n }))).toMatchObject({
    code: 'budget.exhausted',
  })
  expect(desk.fund(request('e', { ...about, askedCents: 30n }))).toMatchObject({
    limitCents: null,
  })
  expect(desk.fund(request('f', { ...about, askedCents: 10n }))).toMatchObject({
    limitCents: null,
  })
})

test('a budget of billed cost gives limits at the dearest factor between list and bill', () => {
  const half = budgetsOf(
    '  - { name: d, team: a, period: day, usd: "1.00", cost: billed, per_session_usd: "1.00" }\n',
  )
  const { desk, see } = world(half, 'version: 1\nmarkups:\n  - { from: 2026-01-01, factor: "2.0" }\n')
  see([])
  expect(centsOf(desk, request('a'))).toBe(50n)
})

test('running hours refuse new work when they are used up, and warn before', () => {
  const hours = budgetsOf('  - { name: h, team: a, period: day, running_hours: "10", warn_at: [50, 90] }\n')
  const { desk, see } = world(hours)
  see([], 1, 9n * 3_600_000n)
  expect(desk.fund(request('a'))).toEqual({ limitCents: null, rule: '', near: 'h;used=90%' })
  see([], 1, 10n * 3_600_000n)
  expect(desk.fund(request('b'))).toMatchObject({ code: 'budget.exhausted' })
})

test('each session has its own limit at its creation', () => {
  const each = budgetsOf('  - { name: e, per: session, usd: "2.00" }\n')
  const { desk, see } = world(each)
  see([])
  expect([centsOf(desk, request('a')), centsOf(desk, request('b'))]).toEqual([200n, 200n])
})

test('several gateways with looks of any age never grant more than what was left, seeds printed on failure', () => {
  type Step = { readonly at: number; readonly what: 'create' | 'look' | 'land'; readonly ms: number }
  const step: fc.Arbitrary<Step> = fc.record({
    at: fc.nat(2),
    what: fc.constantFrom('create', 'create', 'look', 'land'),
    ms: fc.nat(4_000),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const gateways = [world(dollar), world(dollar), world(dollar)]
      const lookedAt = [startMs, startMs, startMs]
      for (const each of gateways) each.see([], 3)
      let nowMs = startMs
      let total = 0n
      // What reached the ledger, and what is still on its way.
      const ledger: LiveSession[] = []
      const landing: LiveSession[] = []
      for (const [count, { at, what, ms }] of steps.entries()) {
        nowMs += ms
        for (const [index, each] of gateways.entries()) {
          each.wait(ms)
          // No gateway's look is ever older than the overlap: it looks again before.
          if (nowMs - (lookedAt[index] ?? 0) > overlapMs / 2) {
            each.see(
              ledger.map((live) => ({ ...live, last_edge_ms: nowMs })),
              3,
            )
            lookedAt[index] = nowMs
          }
        }
        const gateway = gateways[at]
        if (gateway === undefined) continue
        if (what === 'create') {
          const cents = centsOf(gateway.desk, request(`req_${count}`))
          total += cents
          if (cents > 0n) {
            landing.push(session(`s_${count}`, cents))
            gateway.desk.settle(`req_${count}`, { kind: 'given', sessionId: `s_${count}` })
          }
        } else if (what === 'land') ledger.push(...landing.splice(0))
        else {
          gateway.see(ledger, 3)
          lookedAt[at] = nowMs
        }
        expect(total).toBeLessThanOrEqual(100n)
      }
    }),
    { numRuns: 300 },
  )
})

test('periods are calendar days, weeks from Monday and months, UTC', () => {
  const at = Date.UTC(2026, 10, 24, 23, 59)
  const of = (period: 'day' | 'week' | 'month') => windowOf({ period }, at)
  expect(of('day')).toEqual({ fromMs: Date.UTC(2026, 10, 24), untilMs: Date.UTC(2026, 10, 25) })
  expect(of('week')).toEqual({ fromMs: Date.UTC(2026, 10, 23), untilMs: Date.UTC(2026, 10, 30) })
  expect(of('month')).toEqual({ fromMs: Date.UTC(2026, 10, 1), untilMs: Date.UTC(2026, 11, 1) })
  expect(windowOf({ period: { fromMs: 0, untilMs: 10 } }, at)).toBeNull()
})
