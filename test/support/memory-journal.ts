// A journal in memory with the real one's contract: what is read comes again until it is committed.
import type { Journal, JournalRecord } from '../../src/kernel/journal.ts'

export type MemoryJournal = Journal & {
  /** Makes the next commits fail, as when the process dies between insert and commit. */
  failCommits(times: number): void
}

/** Starts with these records durable and uncommitted. */
export function createMemoryJournal(initial: readonly JournalRecord[] = []): MemoryJournal {
  const records = [...initial]
  const listeners: (() => void)[] = []
  let committed = 0
  let failing = 0
  return {
    append: async (record) => {
      records.push(record)
      for (const listener of listeners) listener()
    },
    read: async (maxRecords) => {
      const batch = records.slice(committed, committed + maxRecords)
      return {
        records: batch,
        from: { segment: 1, offset: committed },
        next: { segment: 1, offset: committed + batch.length },
      }
    },
    commit: async (position) => {
      if (failing > 0) {
        failing -= 1
        throw new Error('the process died before the commit')
      }
      committed = position.offset
    },
    onDurable: (listener) => {
      listeners.push(listener)
    },
    backlogBytes: () => records.length - committed,
    settled: async () => undefined,
    close: async () => undefined,
    failCommits: (times) => {
      failing = times
    },
  }
}
