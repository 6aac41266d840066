// Proof by worlds: what sessions of ten scenarios left behind, told to the ledger in any order, any number of times, by one to three
// gateways, with a third of the stream lost at first, with crashes and a ledger that goes away, is always the same ledger:
// the upstream's own bill, and the same charge lines to the byte. The seed is printed; give it back by PROOF_SEED.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JournalRecord } from '../../src/kernel/journal.ts'
import { parseUsd } from '../../src/kernel/money.ts'
import { readPeriodQuantities } from '../../src/ledger/queries/period-quantities.ts'
import { loadBook } from '../../src/price/book.ts'
import { ratesOfBook } from '../../src/price/book-rates.ts'
import { hashLines } from '../../src/price/chargeback/charge-line.ts'
import { makeLines } from '../../src/price/chargeback/make-lines.ts'
import { noTerms } from '../../src/price/prices-file.ts'
import { createPriceOf } from '../../src/price/terms.ts'
import type { SessionBill } from '../../src/simulator/billing/bill.ts'
import { billed } from '../support/accounting.ts'
import { useMeteredLedger, withFaults } from '../support/metered-ledger.ts'
import { playTurn } from '../support/scenario-driver.ts'
import { creation } from '../support/sightings.ts'
import { openWatchedWorld } from '../support/watched-world.ts'

const day = 86_400_000
const tomorrow = (Math.floor(Date.now() / day) + 1) * day
const house = useMeteredLedger({ fromMs: tomorrow - 60 * day, toMs: tomorrow })
const worlds = Number(process.env['PROOF_WORLDS'] ?? 10)
// The few worlds of `npm test` are the same each time; a long proof draws others.
const seed = Number(
  process.env['PROOF_SEED'] ??
    (process.env['PROOF_WORLDS'] === undefined ? 20_261_124 : Date.now() % 2 ** 31),
)
const priceOf = createPriceOf({ version: 1, rates: ratesOfBook(loadBook()) }, noTerms)

const scenarios = [
  'budget_stop child_thread coding_agent crash_and_reschedule default interrupted',
  'nine_hours_idle refusal tool_change tool_confirmation',
].flatMap((line) => line.split(' '))

/** What happened once, as records; and what the upstream bills for it. */
async function live(): Promise<{
  readonly records: readonly JournalRecord[]
  readonly bills: readonly SessionBill[]
}> {
  const world = await openWatchedWorld()
  const watching = world.watch()
  const owners: JournalRecord[] = []
  for (const [n, scenario] of scenarios.entries()) {
    const { id, agent } = await world.create({ metadata: { simulator_scenario: scenario } })
    const known = { agent_id: agent.id, agent_version: agent.version, model: agent.model.id }
    owners.push(creation(id, n % 2 === 0 ? 'payments' : 'search', known))
    await playTurn(world, id)
    await world.agrees(id)
  }
  await watching.close()
  const records = [...world.records, ...owners].filter(({ kind }) => kind === 'sighting')
  return { records, bills: world.simulator.bill().sessions }
}

/** How one world tells it. */
type Telling = {
  /** Ranks for an order; rather many than too few. */
  readonly order: readonly number[]
  /** Of 10 records, so many come twice. */
  readonly doubled: number
  readonly gateways: number
  /** Inserts after which the ledger is away once, for so many tries. */
  readonly faults: readonly { readonly after: number; readonly times: number }[]
}

const telling: fc.Arbitrary<Telling> = fc.record({
  order: fc.array(fc.nat(), { minLength: 64, maxLength: 64 }),
  doubled: fc.integer({ min: 0, max: 5 }),
  gateways: fc.integer({ min: 1, max: 3 }),
  faults: fc.array(
    fc.record({ after: fc.integer({ min: 0, max: 30 }), times: fc.integer({ min: 1, max: 3 }) }),
    { maxLength: 2 },
  ),
})

/** A number of record `n` that the world's order decides; the same each time. */
const drawn = ({ order }: Telling, n: number, salt: number): number => {
  const a = order[n % order.length] ?? 0
  const b = order[(n * 7 + salt) % order.length] ?? 0
  return ((a ^ Math.imul(b, 2_654_435_761)) + Math.imul(n + 1, salt * 40_503 + 97)) >>> 0
}

async function tell(records: readonly JournalRecord[], world: Telling): Promise<void> {
  const ranked = (given: readonly JournalRecord[], salt: number) =>
    given
      .map((record, n) => ({ record, rank: drawn(world, n, salt) }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ record }) => record)
  const twice = records.flatMap((record, n) =>
    drawn(world, n, 3) % 10 < world.doubled ? [record, record] : [record],
  )
  // A third of what streams bring is lost, and found by a later look.
  const isLost = (record: JournalRecord, n: number) =>
    record['source'] === 'stream' && drawn(world, n, 5) % 10 < 3
  const ordered = ranked(twice, 11)
  const first = ordered.filter((record, n) => !isLost(record, n))
  const found = ordered.filter(isLost)
  // A little of what was told already comes again with it.
  const again = records.filter((_, n) => drawn(world, n, 13) % 10 === 0)
  for (const told of [first, ranked([...found, ...again], 17)]) {
    const shares = Array.from({ length: world.gateways }, (_, gateway) =>
      told.filter((_record, n) => drawn(world, n, 23) % world.gateways === gateway),
    )
    await Promise.all(shares.map((share) => drainWithFaults(share, world)))
  }
}

/** One gateway: whatever breaks its batches, it begins them again. */
async function drainWithFaults(records: readonly JournalRecord[], { faults }: Telling): Promise<void> {
  let inserts = 0
  const left = faults.map((fault) => ({ ...fault }))
  const ledger = withFaults(house.ledger(), () => {
    inserts += 1
    const due = left.find((fault) => fault.times > 0 && inserts > fault.after)
    if (due === undefined) return
    due.times -= 1
    throw new Error('the ledger is away')
  })
  const most = left.reduce((sum, { times }) => sum + times, 1)
  for (let tries = 0; tries < most; tries += 1) {
    const isDone = await house.write(records, { ledger }).then(
      () => true,
      () => false,
    )
    if (isDone) return
  }
  await house.write(records)
}

async function chargesOf(): Promise<string> {
  const quantities = await readPeriodQuantities(house.ledger(), {
    fromMs: tomorrow - 60 * day,
    toMs: tomorrow,
    rowsMax: 100_000,
  })
  return hashLines(
    makeLines({
      ...{ period: '2026-10', quantities, priceOf },
      ...{ costCentreOf: () => '', rateVersion: 1, termsVersion: 0 },
    }),
  )
}

test(`${worlds} worlds are the upstream's bill, and the same charges to the byte (PROOF_SEED=${seed})`, {
  timeout: 600_000 + worlds * 5_000,
}, async () => {
  const { records, bills } = await live()
  let charges = ''
  await fc.assert(
    fc.asyncProperty(telling, async (world) => {
      await house.empty()
      await tell(records, world)
      const { lines } = await house.report({ groupBy: 'session' })
      for (const bill of bills) {
        const line = lines.find(({ key }) => key === bill.session_id)
        const { cache_write_5m_tokens, ...rest } = billed(bill)
        const written = bill.models.reduce((sum, each) => sum + each.cache_creation_1h_input_tokens, 0)
        expect(line).toMatchObject({ ...rest, unpriced_requests: 0 })
        expect((line?.cache_write_5m_tokens ?? 0) + (line?.cache_write_1h_tokens ?? 0)).toBe(
          cache_write_5m_tokens + written,
        )
        const off = parseUsd(line?.cost_usd ?? '0') - parseUsd(bill.cost_usd ?? '0')
        expect(off >= -1n && off <= 1n).toBe(true)
      }
      const told = await chargesOf()
      if (charges === '') charges = told
      expect(told).toBe(charges)
    }),
    { numRuns: worlds, seed, endOnFailure: true },
  )
  expect(charges).not.toBe('')
})
