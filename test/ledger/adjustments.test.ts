// Facts and adjustments together are the upstream's own count, whatever of the events was missed; and what is found later
// takes its adjustment away.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JournalRecord } from '../../src/kernel/journal.ts'
import { parseUsd } from '../../src/kernel/money.ts'
import { readAdjustments } from '../../src/ledger/queries/adjustments.ts'
import { loadBook } from '../../src/price/book.ts'
import { createPricer } from '../../src/price/price.ts'
import type { UpstreamUsage } from '../../src/upstream/usage-schema.ts'
import { useMeteredLedger } from '../support/metered-ledger.ts'
import { creation, cumulative, event, modelRequest, session, status } from '../support/sightings.ts'

const at = Date.UTC(2026, 10, 20, 10)
const minute = 60_000
const house = useMeteredLedger({ fromMs: at - 60 * minute, toMs: at + 24 * 60 * minute })
const price = createPricer(loadBook())
const model = 'claude-opus-5-5'

type Request = {
  readonly input: number
  readonly output: number
  readonly read: number
  readonly write: number
}

/** What the upstream would bill of these requests, in cents, rounded as it rounds; no time has run. */
function centsOf(requests: readonly Request[]): string {
  const pico = requests.reduce((sum, { input, output, read, write }) => {
    const charge = price({
      occurred_at_ms: at,
      model,
      speed: '',
      inference_geo: '',
      service_tier: '',
      input_tokens: input,
      output_tokens: output,
      cache_read_tokens: read,
      cache_write_5m_tokens: write,
      cache_write_1h_tokens: 0,
    })
    if (charge.kind !== 'charge') throw new Error(charge.reason)
    return sum + charge.costPicoUsd
  }, 0n)
  return ((pico + 5_000_000_000n) / 10_000_000_000n).toString()
}

const tokensOf = ({ input, output, read, write }: Request) => ({
  input_tokens: input,
  output_tokens: output,
  cache_read_input_tokens: read,
  cache_write_5m_input_tokens: write,
})

function statedBy(requests: readonly Request[]): UpstreamUsage {
  const sum = (pick: (request: Request) => number) => requests.reduce((total, each) => total + pick(each), 0)
  return cumulative({
    input_tokens: sum(({ input }) => input),
    output_tokens: sum(({ output }) => output),
    cache_read_input_tokens: sum(({ read }) => read),
    cache_write_5m_input_tokens: sum(({ write }) => write),
    list_cost_cents: centsOf(requests),
  })
}

const requestOf = (id: string, n: number, request: Request) =>
  modelRequest(id, `${id}-r${n}`, at + n * 1000, tokensOf(request))

/** The session's frame: its creation, its rest and what the upstream states of it in the end. */
const lifeOf = (id: string, usage: UpstreamUsage): readonly JournalRecord[] => [
  creation(id, 'payments', { model }),
  event({ session_id: id, event_id: `${id}-use`, type: 'session.usage', atMs: at + 5 * minute, usage }),
  status(id, `${id}-idle`, at + 5 * minute, 'idle'),
]

async function lineOf(id: string) {
  const { lines } = await house.report({ groupBy: 'session' })
  const line = lines.find(({ key }) => key === id)
  if (line === undefined) throw new Error(`there is no line of ${id}`)
  return line
}

const count = fc.integer({ min: 0, max: 50_000 })
const request: fc.Arbitrary<Request> = fc.record({
  input: fc.integer({ min: 1, max: 50_000 }),
  output: count,
  read: count,
  write: count,
})

test('whatever is missed, tokens are the upstream’s and cost is within a cent; found later, it needs no adjustment', async () => {
  let worlds = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ request, isMissed: fc.boolean() }), { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      async (made, order) => {
        worlds += 1
        const id = `w${worlds}`
        const requests = made.map((each) => each.request)
        const usage = statedBy(requests)
        const seen = made.flatMap((each, n) => (each.isMissed ? [] : [requestOf(id, n, each.request)]))
        const missed = made.flatMap((each, n) => (each.isMissed ? [requestOf(id, n, each.request)] : []))
        const shuffled = [...lifeOf(id, usage), ...seen]
          .map((record) => ({ record, rank: order.next().value ?? 0 }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ record }) => record)
        await house.write(shuffled)
        const expected = {
          input_tokens: usage.input_tokens,
          output_tokens: usage.output_tokens,
          cache_read_tokens: usage.cache_read_input_tokens,
          cache_write_5m_tokens: usage.cache_write_5m_input_tokens,
        }
        const line = await lineOf(id)
        expect(line).toMatchObject(expected)
        const off = parseUsd(line.token_cost_usd) - BigInt(centsOf(requests)) * 10_000_000_000n
        expect(off <= 10_000_000_000n && off >= -10_000_000_000n).toBe(true)
        expect(line.adjustments > 0).toBe(missed.length > 0)

        await house.write([...missed, ...shuffled])
        expect(await lineOf(id)).toMatchObject({ ...expected, adjustments: 0, adjustment_cost_usd: '0.00' })
      },
    ),
    { numRuns: 12 },
  )
})

async function reasons() {
  const query = { sessionId: '', fromMs: 0, toMs: at + 60 * minute, rowsMax: 100 }
  const lines = await readAdjustments(house.ledger(), query)
  return lines.map(({ category, quantity, reason }) => ({ category, quantity, reason }))
}

const plain: Request = { input: 1000, output: 100, read: 0, write: 0 }

test('while a session runs, facts ahead of the last snapshot are not taken back', async () => {
  await house.write([
    creation('s1', 'payments', { model }),
    status('s1', 'run', at, 'running'),
    event({
      session_id: 's1',
      event_id: 'use',
      type: 'session.usage',
      atMs: at + 1,
      usage: statedBy([plain]),
    }),
    requestOf('s1', 1, plain),
    requestOf('s1', 2, plain),
  ])
  expect(await lineOf('s1')).toMatchObject({ input_tokens: 2000, adjustments: 0 })
})

test('once it rests and was stated since, what the facts have too much is taken back', async () => {
  await house.write([
    ...lifeOf('s1', statedBy([plain])),
    requestOf('s1', 1, plain),
    requestOf('s1', 2, plain),
  ])
  expect(await lineOf('s1')).toMatchObject({ input_tokens: 1000, output_tokens: 100 })
  expect(await reasons()).toEqual([
    { category: 'input', quantity: -1000, reason: 'too_much' },
    { category: 'output', quantity: -100, reason: 'too_much' },
  ])
})

test('cache writes that live for an hour are told by the count, and keep their sum', async () => {
  const usage = cumulative({
    input_tokens: 10,
    cache_write_5m_input_tokens: 100,
    cache_write_1h_input_tokens: 400,
  })
  const request = modelRequest('s1', 'r1', at, { input_tokens: 10, cache_write_5m_input_tokens: 500 })
  await house.write([...lifeOf('s1', usage), request])
  expect(await lineOf('s1')).toMatchObject({ cache_write_5m_tokens: 100, cache_write_1h_tokens: 400 })
  expect(await reasons()).toEqual([
    { category: 'cache_write_1h', quantity: 400, reason: 'cache_lifetime' },
    { category: 'cache_write_5m', quantity: -400, reason: 'cache_lifetime' },
  ])
})

test('tokens of outcome grading are named so, and what is beyond them is a missed event', async () => {
  const graded = event({
    session_id: 's1',
    event_id: 'grade',
    type: 'span.outcome_evaluation_end',
    atMs: at + 1000,
    tokens: { ...cumulative({}), input_tokens: 30 },
  })
  const usage = cumulative({ input_tokens: 1040, output_tokens: 100 })
  await house.write([...lifeOf('s1', usage), requestOf('s1', 1, plain), graded])
  expect(await reasons()).toEqual([
    { category: 'input', quantity: 30, reason: 'judge_tokens' },
    { category: 'input', quantity: 10, reason: 'missed_event' },
  ])
})

test.each([
  ['price_drift', model],
  ['unknown_model', 'claude-of-tomorrow'],
])('money that tokens do not explain is %s', async (reason, runs) => {
  const usage = { ...statedBy([plain]), list_cost_cents: '500' }
  const [, ...rest] = lifeOf('s1', usage)
  await house.write([creation('s1', 'payments', { model: runs }), ...rest, requestOf('s1', 1, plain)])
  expect(await lineOf('s1')).toMatchObject({ cost_usd: '5.00' })
  expect(await reasons()).toEqual([{ category: '', quantity: 0, reason }])
})

test('a cumulative count that became smaller is an alarm and changes no figure', async () => {
  const smaller = cumulative({ input_tokens: 900, output_tokens: 90 })
  await house.write([
    ...lifeOf('s1', statedBy([plain])),
    event({
      session_id: 's1',
      event_id: 'use2',
      type: 'session.usage',
      atMs: at + 6 * minute,
      usage: smaller,
    }),
    requestOf('s1', 1, plain),
  ])
  expect(await lineOf('s1')).toMatchObject({ input_tokens: 1000 })
  expect(await reasons()).toEqual([{ category: '', quantity: 0, reason: 'counted_down' }])
})

test('a snapshot without counts states nothing', async () => {
  await house.write([...lifeOf('s1', cumulative({ active_seconds: 3 })), requestOf('s1', 1, plain)])
  expect(await lineOf('s1')).toMatchObject({ input_tokens: 1000, adjustments: 0 })
})

test('a model learnt late prices what was missed, too', async () => {
  const [, ...rest] = lifeOf('s1', { ...statedBy([plain, plain]), list_cost_cents: null })
  await house.write([...rest, requestOf('s1', 1, plain)])
  expect(await lineOf('s1')).toMatchObject({ input_tokens: 2000, token_cost_usd: '0.00' })
  await house.write([session('s1', { model })])
  const line = await lineOf('s1')
  expect(parseUsd(line.adjustment_cost_usd) * 2n).toBe(parseUsd(line.token_cost_usd))
  expect(parseUsd(line.token_cost_usd) > 0n).toBe(true)
})
