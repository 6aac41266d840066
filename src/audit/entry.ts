// An audit entry: one journal record, its place in its gateway's sequence, and the hash of the entry before it, as one
// canonical JSON text. The text is what is hashed and kept; it is made of the record alone, so making it twice is one.
import { hash } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { JournalRecord } from '../kernel/journal.ts'
import { hashLeaf } from './merkle.ts'

/** An entry as the ledger keeps it: the text, and what of it can be asked for. */
export type EntryRow = {
  readonly gateway: string
  readonly seq: number
  readonly kind: string
  /** The record's own id. */
  readonly record_id: string
  readonly occurred_at_ms: number
  /** Hex. */
  readonly leaf_hash: string
  readonly entry: string
}

export type Entry = { readonly row: EntryRow; readonly leaf: Buffer }

/** What stands for the entry before the first one. */
export const noEntry = '-'

// What was seen counts in the ledger under its own key; how far the watcher has read is nobody's act.
const unaudited: ReadonlySet<string> = new Set(['sighting', 'watched'])

/** Whether a record becomes an entry: every kind that is not named here does. */
export const isAudited = ({ kind }: JournalRecord): boolean => !unaudited.has(kind)

/** Makes entries; `prev` is the leaf hash of the entry before (base64), or `noEntry`. */
export type CreateEntry = (
  record: JournalRecord,
  place: { readonly gateway: string; readonly seq: number; readonly prev: string },
) => Entry

/** Makes the maker of entries. It remembers the last record's member names, for most records have the same. */
export function createEntryMaker(): CreateEntry {
  const write = createRecordWriter()
  return (record, { gateway, seq, prev }) => {
    // The members in the order that canonical JSON asks for; neither a gateway nor a hash has anything to quote.
    const entry = `{"gateway":"${gateway}","prev":"${prev}","record":${write(record)},"seq":${seq}}`
    const leaf = hashLeaf(entry)
    return { row: { gateway, seq, ...describeRecord(record), leaf_hash: leaf.toString('hex'), entry }, leaf }
  }
}

const idNames = ['exchange_id', 'change_id', 'decision_id', 'act_id', 'id'] as const
const timeNames = 'started changed checked decided occurred seen'.split(' ').map((did) => `${did}_at_ms`)

/**
 * What is asked of a record: its kind, its id (a hash where it has none), its time (0 where it has none). The same of a
 * record and of what is read back from its entry.
 */
export function describeRecord(
  record: JournalRecord,
): Pick<EntryRow, 'kind' | 'record_id' | 'occurred_at_ms'> {
  const idName = idNames.find((name) => typeof record[name] === 'string' && record[name] !== '')
  const timeName = timeNames.find((name) => Number.isFinite(record[name]))
  return {
    kind: record.kind.toWellFormed(),
    record_id:
      idName === undefined
        ? hash('sha256', canonicalText(record)).slice(0, 32)
        : String(record[idName]).toWellFormed(),
    occurred_at_ms: timeName === undefined ? 0 : boundTime(Number(record[timeName])),
  }
}

/** What the ledger's time column can hold. */
const boundTime = (ms: number): number => Math.min(Math.max(0, Math.floor(ms)), 7_258_118_400_000)

const entryShape = z.object({
  gateway: z.string(),
  prev: z.string(),
  record: z.object({ kind: z.string() }).catchall(z.unknown()),
  seq: z.int().nonnegative(),
})

/** Reads an entry's text; null when it is none. */
export function readEntry(text: string): z.output<typeof entryShape> | null {
  try {
    const parsed = entryShape.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** The same text as `canonicalJson` gives, without sorting names that were sorted for the record before. */
function createRecordWriter(): (record: JournalRecord) => string {
  let names: readonly string[] = []
  let sorted: string[] = []
  const write = (record: JournalRecord): string => {
    const found = Object.keys(record)
    if (found.length !== names.length || found.some((name, index) => name !== names[index])) {
      names = found
      sorted = found.toSorted()
    }
    if (found.some((name) => typeof record[name] === 'object' && record[name] !== null)) {
      return canonicalJson(record)
    }
    // The list of names says their order too. Half a surrogate pair would be escaped; canonical JSON has none.
    const text = JSON.stringify(record, sorted)
    return text.includes('\\ud') ? canonicalJson(record) : text
  }
  return (record) => {
    try {
      return write(record)
    } catch {
      return canonicalText(record)
    }
  }
}

/** Half a surrogate pair, from a header or a path, may not keep everything behind it from being written. */
const canonicalText = (record: JournalRecord): string => canonicalJson(wellFormed(record))

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return value.map(wellFormed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key.toWellFormed(), wellFormed(of)]))
}
