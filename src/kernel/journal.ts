// The journal's port: what was seen is durable here before it counts. `segment-journal.ts` implements it.

/** One record: plain JSON. `kind` tells its reader which row or fact it becomes. */
export type JournalRecord = { readonly kind: string } & { readonly [key: string]: unknown }

/** A place in the journal, opaque to everybody but the journal; ordered within one journal. */
export type JournalPosition = { readonly segment: number; readonly offset: number }

export type JournalBatch = {
  readonly records: readonly JournalRecord[]
  /** Where it begins; what was read from there once is read from there again. */
  readonly from: JournalPosition
  /** Commit this after the batch has taken effect elsewhere. */
  readonly next: JournalPosition
}

/** What the reader needs; it may run in another process. */
export type JournalReading = Pick<Journal, 'read' | 'commit' | 'onDurable' | 'backlogBytes'>

export interface Journal {
  /**
   * Resolves when the record is on disk (one fsync serves all records of a group).
   * Rejects with `TollgateError('journal.unavailable')` when the disk refuses or the journal is full or closed.
   */
  append(record: JournalRecord): Promise<void>
  /** Durable records after the committed position, oldest first; an empty batch when there are none. */
  read(maxRecords: number): Promise<JournalBatch>
  /** Makes the position durable; records before it are never read again and their segments are deleted. */
  commit(position: JournalPosition): Promise<void>
  /** Calls back (at most once per group commit) when new records became durable. */
  onDurable(listener: () => void): void
  /** Bytes appended and not yet committed by the reader. */
  backlogBytes(): number
  /** Resolves when every record appended so far is durable or refused. */
  settled(): Promise<void>
  /** Refuses new records, makes the accepted ones durable, releases the files. */
  close(): Promise<void>
}
