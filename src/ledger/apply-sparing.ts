// A batch into the ledger, sparing the good records from the bad: a value ClickHouse refuses stops only its own record.
import type { JournalRecord } from '../kernel/journal.ts'
import type { Logger } from '../kernel/logger.ts'
import { applyBatch, applyQuarantine, type BatchDeps } from './apply-batch.ts'
import { LedgerError } from './clickhouse.ts'

/** ClickHouse's codes for "this value does not fit": the fault is in a row, and trying again cannot help. */
const refusedValueCodes = new Set([
  ...[
    '6',
    '25',
    '26',
    '27',
    '33',
    '38',
    '41',
    '53',
    '69',
    '70',
    '72',
    '117',
    '130',
    '131',
    '246',
    '321',
    '349',
  ],
  ...['407', '467'],
])

/** A statement that failed for any other reason, e.g. because ClickHouse is away, says nothing about the records. */
const isOfRecord = (error: unknown): error is Error =>
  error instanceof LedgerError ? refusedValueCodes.has(error.code) : error instanceof Error

type Trial = {
  fits: number
  unread: number
  readonly misfits: { readonly record: JournalRecord; readonly error: Error }[]
}

/** Records that fail by themselves before it is the code, and not they, that is taken to be broken. */
const misfitsMax = 8

/**
 * Brings records into effect; one that is refused for its values, or that our own code stumbles over while it takes
 * others, is found by halving and set aside whole. Returns how many were set aside. Rejects when the fault is not in
 * a record: ClickHouse is away, or our code takes none at all.
 */
export async function applySparing(
  deps: BatchDeps & { readonly logger: Logger },
  records: readonly JournalRecord[],
): Promise<number> {
  const trial: Trial = { fits: 0, unread: 0, misfits: [] }
  await tryAll(deps, records, trial)
  const ours = trial.misfits.find(({ error }) => !(error instanceof LedgerError))
  if (ours !== undefined && trial.fits === 0) throw ours.error
  for (const { record, error } of trial.misfits) {
    deps.logger.error({ err: error, kind: record.kind }, 'a record does not fit the ledger and is set aside')
    await applyQuarantine(deps.ledger, [deps.projector.quarantine(record, error.message)])
  }
  return trial.unread + trial.misfits.length
}

async function tryAll(deps: BatchDeps, records: readonly JournalRecord[], trial: Trial): Promise<void> {
  try {
    trial.unread += await applyBatch(deps, records)
    trial.fits += records.length
  } catch (error) {
    const [record] = records
    if (record === undefined || !isOfRecord(error)) throw error
    if (records.length === 1) {
      trial.misfits.push({ record, error })
      const isOurs = !(error instanceof LedgerError)
      if (isOurs && trial.fits === 0 && trial.misfits.length >= misfitsMax) throw error
      return
    }
    const middle = Math.ceil(records.length / 2)
    await tryAll(deps, records.slice(0, middle), trial)
    await tryAll(deps, records.slice(middle), trial)
  }
}
