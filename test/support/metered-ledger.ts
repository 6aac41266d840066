// A migrated embedded ledger with real projection and prices: what writer tests share. Empty it before each test.
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import type { Journal, JournalRecord } from '../../src/kernel/journal.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { ClickHouseLedger } from '../../src/ledger/clickhouse.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import type { Ledger } from '../../src/ledger/port.ts'
import { createWriter, type WriterDeps } from '../../src/ledger/writer.ts'
import { createProjector } from '../../src/meter/projector.ts'
import { loadBook } from '../../src/price/book.ts'
import { chargeColumns, createPricer } from '../../src/price/price.ts'
import { rateStated } from '../../src/price/rates.ts'
import { loadUsageReport, type UsageQuery, type UsageReport } from '../../src/price/usage-report.ts'
import { startEmbeddedLedger, temporaryFolder } from './embedded-ledger.ts'
import { createMemoryJournal } from './memory-journal.ts'

const tables = [
  'usage_events',
  'usage_snapshots',
  'sessions',
  'threads',
  'session_status',
  'session_intervals',
  'session_adjustments',
  'session_limits',
  'budget_notices',
  'exchanges',
  'quarantined_records',
]
const book = loadBook()
const price = createPricer(book)

export const projector = createProjector({
  price: (fact) => chargeColumns(price(fact)),
  rateStated: (used) => rateStated(book, used),
})

export type MeteredLedger = {
  readonly ledger: () => ClickHouseLedger
  /** A writer on this ledger that does nothing until told, unless `given` says otherwise. */
  readonly writer: (journal: Journal, given?: Partial<WriterDeps>) => ReturnType<typeof createWriter>
  /** Writes records as one gateway would that starts with them in its journal; rejects when that fails. */
  readonly write: (records: readonly JournalRecord[], given?: Partial<WriterDeps>) => Promise<void>
  readonly report: (query?: Partial<UsageQuery>) => Promise<UsageReport>
  readonly empty: () => Promise<void>
}

/** Call at the top of a test file: one engine for the file, empty tables for each test. */
export function useMeteredLedger(range: { readonly fromMs: number; readonly toMs: number }): MeteredLedger {
  let started: Awaited<ReturnType<typeof startEmbeddedLedger>> | undefined
  const folder = temporaryFolder()
  const ledger = (): ClickHouseLedger => {
    if (started === undefined) throw new Error('the engine has not started')
    return started.ledger
  }
  const empty = async (): Promise<void> => {
    for (const table of tables) await ledger().command(`TRUNCATE TABLE tollgate.${table}`)
  }
  beforeAll(async () => {
    started = await startEmbeddedLedger(folder)
    await migrate(started.ledger)
  })
  beforeEach(empty)
  afterAll(() => started?.close())

  const writer = (journal: Journal, given: Partial<WriterDeps> = {}) =>
    createWriter({ journal, ledger: ledger(), projector, clock: systemClock, logger: silentLogger, ...given })
  return {
    ledger,
    writer,
    write: async (records, given) => {
      const journal = createMemoryJournal(records)
      const each = writer(journal, given)
      const done = await each.flush()
      await each.close()
      if (!done) throw new Error('the writer did not finish')
    },
    report: (query) => loadUsageReport({ ledger: ledger(), book }, { groupBy: 'team', ...range, ...query }),
    empty,
  }
}

/** A ledger that fails as told: `fault` is asked before each insert and may throw. */
export function withFaults(ledger: Ledger, fault: (table: string) => void): Ledger {
  return {
    ...ledger,
    insert: async (table, rows, token) => {
      fault(table)
      await ledger.insert(table, rows, token)
    },
  }
}
