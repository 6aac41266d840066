// Whatever happens between the journal and the ledger, totals do not move and nothing is lost.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JournalRecord } from '../../src/kernel/journal.ts'
import { LedgerError } from '../../src/ledger/clickhouse.ts'
import { createMemoryJournal } from '../support/memory-journal.ts'
import { useMeteredLedger, withFaults } from '../support/metered-ledger.ts'
import {
  creation,
  cumulative,
  event,
  modelRequest,
  session,
  status,
  thread,
  threadStatus,
} from '../support/sightings.ts'

const at = Date.UTC(2026, 10, 20, 10)
const minute = 60_000
const house = useMeteredLedger({ fromMs: at - 60 * minute, toMs: at + 24 * 60 * minute })

/** Two sessions of two teams, one with a child thread on another model, across an hour boundary. */
const story: readonly JournalRecord[] = [
  creation('s1', 'payments'),
  creation('s2', 'search', { model: 'claude-sonnet-5-5' }),
  status('s1', 's1-run', at, 'running'),
  threadStatus('s1', 's1-prun', at, 'sthr_p', 'running'),
  modelRequest('s1', 's1-r1', at + minute, { input_tokens: 1000, output_tokens: 500 }),
  event({
    session_id: 's1',
    event_id: 's1-made',
    type: 'session.thread_created',
    atMs: at + minute,
    about_thread_id: 't1',
  }),
  thread('s1', 't1'),
  threadStatus('s1', 's1-crun', at + minute, 't1', 'running'),
  modelRequest('s1', 's1-c1', at + 2 * minute, { input_tokens: 10 }, { thread_id: 't1' }),
  threadStatus('s1', 's1-cidle', at + 70 * minute, 't1', 'idle'),
  threadStatus('s1', 's1-pidle', at + 65 * minute, 'sthr_p', 'idle'),
  event({
    session_id: 's1',
    event_id: 's1-use',
    type: 'session.usage',
    atMs: at + 70 * minute,
    usage: cumulative({ active_seconds: 70 * 60 }),
  }),
  status('s1', 's1-idle', at + 70 * minute, 'idle'),
  status('s1', 's1-end', at + 80 * minute, 'terminated'),
  status('s2', 's2-run', at, 'running'),
  modelRequest('s2', 's2-r1', at + minute, { input_tokens: 7, cache_read_input_tokens: 100_000 }),
  modelRequest('s2', 's2-r2', at + 2 * minute, { output_tokens: 3 }, { is_error: true }),
  event({
    session_id: 's2',
    event_id: 's2-use',
    type: 'session.usage',
    atMs: at + 3 * minute,
    usage: cumulative({ web_search_requests: 2 }),
  }),
  status('s2', 's2-idle', at + 3 * minute, 'idle'),
  status('s2', 's2-end', at + 4 * minute, 'terminated'),
  // Nobody saw the end of its first run; the upstream counts five minutes of it.
  creation('s3', 'ads'),
  status('s3', 's3-run', at, 'running'),
  status('s3', 's3-again', at + 60 * minute, 'running'),
  event({
    session_id: 's3',
    event_id: 's3-use',
    type: 'session.usage',
    atMs: at + 65 * minute,
    usage: cumulative({ active_seconds: 10 * 60 }),
  }),
  session('s3', {
    status: 'idle',
    usage: cumulative({ active_seconds: 10 * 60 }),
    seen_at_ms: at + 90 * minute,
  }),
  status('s3', 's3-idle', at + 65 * minute, 'idle'),
]

// s1: 1000 x $4 + 500 x $20 per million (opus 5.5), 10 x $1 per million (haiku 4.5), 70 min x $0.08 an hour.
// s2: 7 x $2 + 100,000 x $0.10 + 3 x $10 per million (sonnet 5.5), 3 min x $0.08 an hour, 2 searches x $0.01.
// s3: 10 min x $0.08 an hour. The one pico-dollar of rounding goes to the first of equal remainders.
const bill = [
  {
    key: 'payments',
    token_cost_usd: '0.01401',
    runtime_cost_usd: '0.093333333333',
    web_search_cost_usd: '0.00',
    running_ms: 70 * minute,
  },
  {
    key: 'search',
    token_cost_usd: '0.010044',
    runtime_cost_usd: '0.004',
    web_search_cost_usd: '0.02',
    running_ms: 3 * minute,
  },
  {
    key: 'ads',
    token_cost_usd: '0.00',
    runtime_cost_usd: '0.013333333334',
    web_search_cost_usd: '0.00',
    running_ms: 10 * minute,
  },
]
const total = { cost_usd: '0.154720666667', model_requests: 4, unpriced_requests: 0, sessions: 3 }

async function expectTheBill(): Promise<void> {
  const report = await house.report()
  expect(report.lines).toMatchObject(bill)
  expect(report.total).toMatchObject(total)
}

test('the bill computed by hand is the bill', async () => {
  await house.write(story)
  await expectTheBill()
})

test('four identical writes count once', async () => {
  for (let time = 0; time < 4; time += 1) await house.write(story)
  await expectTheBill()
})

test('four identical writes count once even when no insert is recognised as a repeat', async () => {
  let salt = 0
  const ledger = house.ledger()
  const unrecognised = {
    ...ledger,
    insert: (table: string, rows: readonly object[], token: string) =>
      ledger.insert(table, rows, `${token}-${salt++}`),
  }
  for (let time = 0; time < 4; time += 1) await house.write(story, { ledger: unrecognised })
  await expectTheBill()
})

test('two gateways writing overlapping batches at once count once', async () => {
  const left = story.filter((_, index) => index % 3 !== 0)
  const right = story.filter((_, index) => index % 3 !== 1).toReversed()
  await Promise.all([house.write(left, { batchRows: 4 }), house.write(right, { batchRows: 3 })])
  await expectTheBill()
})

test('any order, any duplication, any packaging over two gateways: the same bill', async () => {
  const shuffled = fc.shuffledSubarray([...story, ...story], { minLength: 2 * story.length })
  await fc.assert(
    fc.asyncProperty(
      shuffled,
      fc.nat(story.length),
      fc.integer({ min: 3, max: 40 }),
      async (seen, cut, batchRows) => {
        await house.empty()
        await Promise.all([
          house.write(seen.slice(0, cut), { batchRows }),
          house.write(seen.slice(cut), { batchRows }),
        ])
        await expectTheBill()
      },
    ),
    { numRuns: 8 },
  )
})

test('a crash between insert and commit repeats the batch and counts it once', async () => {
  const journal = createMemoryJournal(story)
  journal.failCommits(3)
  const dying = house.writer(journal, { batchRows: 5, retryMinMs: 1 })
  expect(await dying.flush()).toBe(false)
  await dying.close()
  const next = house.writer(journal, { batchRows: 7, retryMinMs: 1 })
  await next.flush()
  await next.close()
  expect(journal.backlogBytes()).toBe(0)
  await expectTheBill()
})

test.each(['sessions', 'session_status', 'usage_events', 'session_intervals'])(
  'a failure while writing %s leaves the batch to the next attempt, which completes it',
  async (table) => {
    const journal = createMemoryJournal(story)
    let failures = 1
    const faulty = withFaults(house.ledger(), (name) => {
      if (name === table && failures-- > 0) throw new LedgerError('ECONNREFUSED', 'away')
    })
    const writer = house.writer(journal, { ledger: faulty, retryMinMs: 60_000 })
    expect(await writer.flush()).toBe(false)
    expect(writer.status().healthy).toBe(false)
    expect(journal.backlogBytes()).toBe(story.length)
    expect(await writer.flush()).toBe(true)
    expect(writer.status().healthy).toBe(true)
    await writer.close()
    await expectTheBill()
  },
)

test('while ClickHouse is away the writer waits, says how far behind it is, and catches up by itself', async () => {
  const journal = createMemoryJournal()
  let away = true
  const faulty = withFaults(house.ledger(), () => {
    if (away) throw new LedgerError('ECONNREFUSED', 'away')
  })
  const writer = house.writer(journal, { ledger: faulty, lingerMs: 1, retryMinMs: 1, retryMaxMs: 5 })
  for (const record of story) await journal.append(record)
  await expect.poll(() => writer.status().failures).toBeGreaterThan(2)
  expect(writer.status()).toMatchObject({ healthy: false, lagRecords: story.length, lagBytes: story.length })
  expect(writer.lagAgeMs()).toBeGreaterThan(0)
  away = false
  await expect.poll(() => writer.status().records).toBe(story.length)
  await expect.poll(() => writer.status().healthy).toBe(true)
  expect(writer.lagAgeMs()).toBe(0)
  await writer.close()
  await expectTheBill()
})

test('closing does not wait for ever for a ClickHouse that does not answer', async () => {
  const stuck = { ...house.ledger(), insert: () => new Promise<void>(() => {}) }
  const journal = createMemoryJournal(story)
  await house.writer(journal, { ledger: stuck }).close(20)
  expect(journal.backlogBytes()).toBe(story.length)
})

test('nothing is written before the schema is there', async () => {
  let attempts = 0
  const prepare = async (): Promise<void> => {
    attempts += 1
    if (attempts === 1) throw new LedgerError('ECONNREFUSED', 'away')
  }
  const writer = house.writer(createMemoryJournal(story), { prepare, retryMinMs: 60_000 })
  expect(await writer.flush()).toBe(false)
  expect(await writer.flush()).toBe(true)
  expect(await writer.flush()).toBe(true)
  expect(attempts).toBe(2)
  await writer.close()
})

test('a record nobody can read is set aside, once, and holds nothing up', async () => {
  const broken = { kind: 'sighting', about: 'event', session_id: 's1', tokens: { input_tokens: 'many' } }
  const alien = { kind: 'postcard', text: 'hello' }
  for (let time = 0; time < 2; time += 1) await house.write([broken, ...story, alien])
  await expectTheBill()
  expect(await setAside()).toEqual([JSON.stringify(alien), JSON.stringify(broken)].toSorted())
})

test('a record whose values ClickHouse refuses is found among the others and set aside alone', async () => {
  const cursed = modelRequest('s1', 'cursed', at, {})
  const refusing = {
    ...house.ledger(),
    insert: async (table: string, rows: readonly object[], token: string) => {
      if (table === 'usage_events' && JSON.stringify(rows).includes('cursed'))
        throw new LedgerError('27', 'cannot parse')
      await house.ledger().insert(table, rows, token)
    },
  }
  const writer = house.writer(createMemoryJournal([...story.slice(0, 7), cursed, ...story.slice(7)]), {
    ledger: refusing,
  })
  expect(await writer.flush()).toBe(true)
  expect(writer.status().quarantined).toBe(1)
  await writer.close()
  await expectTheBill()
  expect(await setAside()).toEqual([JSON.stringify(cursed)])
})

test('what a hostile upstream or agent name may hold stops no other record, and breaks no report', async () => {
  const odd = session('odd', { agent_name: 'x\ud800y', model: 'claude-haiku-5-5' })
  const hostile = [
    odd,
    modelRequest('odd\udfff', 'e\ud800', at, { input_tokens: 1 }),
    { ...modelRequest('far', 'far', at, {}), processed_at: '9999-12-31T23:59:59.999999Z' },
    { ...modelRequest('old', 'old', at, {}), processed_at: '0001-01-01T00:00:00Z' },
    modelRequest('huge', 'huge', at, { input_tokens: Number.MAX_SAFE_INTEGER }),
    modelRequest('huge', 'huger', at, { input_tokens: Number.MAX_SAFE_INTEGER }),
    modelRequest("s'] UNION ALL SELECT 1 --\\", 'quoted', at, {}),
  ]
  const writer = house.writer(createMemoryJournal([...hostile, ...story]))
  expect(await writer.flush()).toBe(true)
  expect(writer.status().quarantined).toBe(4)
  await writer.close()
  const report = await house.report({ groupBy: 'session' })
  expect(report.lines.map((line) => line.key)).toContain("s'] UNION ALL SELECT 1 --\\")
})

test('a record our own code stumbles over is set aside alone, but not when it stumbles over all', async () => {
  const cursed = modelRequest('cursed', 'cursed', at, {})
  const stumbling = (over: string) => ({
    ...house.ledger(),
    insert: async (table: string, rows: readonly object[], token: string) => {
      if (table !== 'quarantined_records' && JSON.stringify(rows).includes(over))
        throw new RangeError('stumbled')
      await house.ledger().insert(table, rows, token)
    },
  })
  const one = house.writer(createMemoryJournal([...story, cursed]), { ledger: stumbling('cursed') })
  expect(await one.flush()).toBe(true)
  expect(one.status().quarantined).toBe(1)
  await one.close()
  await expectTheBill()
  const journal = createMemoryJournal(story)
  const all = house.writer(journal, { ledger: stumbling(''), retryMinMs: 60_000 })
  expect(await all.flush()).toBe(false)
  expect(journal.backlogBytes()).toBe(story.length)
  await all.close(20)
})

test('an owner learnt late corrects what was written before', async () => {
  await house.write([session('s1'), modelRequest('s1', 'r1', at, { output_tokens: 100 })])
  expect((await house.report()).lines).toMatchObject([{ key: '(unattributed)', token_cost_usd: '0.002' }])
  await house.write([creation('s1', 'payments')])
  await house.write([session('s1')])
  expect((await house.report()).lines).toMatchObject([{ key: 'payments', token_cost_usd: '0.002' }])
})

test('a model learnt late prices what was written before, of the session and of its threads', async () => {
  await house.write([
    modelRequest('s1', 'r1', at, { output_tokens: 100 }),
    modelRequest('s1', 'r2', at, { output_tokens: 100 }, { thread_id: 't1' }),
  ])
  expect((await house.report()).total).toMatchObject({
    model_requests: 2,
    unpriced_requests: 2,
    token_cost_usd: '0.00',
  })
  await house.write([creation('s1', 'payments')])
  expect((await house.report()).total).toMatchObject({ unpriced_requests: 1, token_cost_usd: '0.002' })
  await house.write([thread('s1', 't1')])
  expect((await house.report()).total).toMatchObject({ unpriced_requests: 0, token_cost_usd: '0.0025' })
})

test('a gateway that knows less never undoes what one that knew more has written', async () => {
  await house.write(story)
  const blind = { ...house.ledger(), query: async () => [] }
  await house.write(story, { ledger: blind })
  await expectTheBill()
})

test('exchanges and snapshots are kept once each', async () => {
  await house.write(story)
  await house.write(story.toReversed())
  const [row] = await house
    .ledger()
    .query<{ n: string }>('SELECT count() AS n FROM tollgate.usage_snapshots FINAL')
  expect(row?.n).toBe('3')
})

async function setAside(): Promise<readonly string[]> {
  const rows = await house
    .ledger()
    .query<{ content: string }>('SELECT content FROM tollgate.quarantined_records FINAL ORDER BY content')
  return rows.map((row) => row.content)
}
