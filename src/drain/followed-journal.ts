// The journal as the drain process sees it: it reads the segment files itself, is told how far they are durable, and
// asks the gateway, which owns the folder, to move the cursor.
import type { JournalPosition, JournalReading } from '../kernel/journal.ts'
import { createExtents, type ReportTrouble } from '../kernel/journal-extents.ts'
import { createReader } from '../kernel/journal-reader.ts'
import type { DurableExtent } from '../kernel/segment-journal.ts'

export type FollowedJournal = JournalReading & {
  /** More became durable. */
  readonly extend: (durable: DurableExtent) => void
}

/** `commit` resolves when the gateway has stored the place, and rejects when it has not. */
export function followJournal(deps: {
  readonly dir: string
  readonly durable: DurableExtent
  readonly commit: (position: JournalPosition) => Promise<void>
  readonly report: ReportTrouble
}): FollowedJournal {
  const extents = createExtents()
  const reader = createReader({ dir: deps.dir, extents, report: deps.report })
  const listeners: (() => void)[] = []
  let { cursor } = deps.durable

  const extend = (durable: DurableExtent): void => {
    for (const [segment, bytes] of durable.segments) {
      if (segment >= cursor.segment && bytes > (extents.end(segment) ?? 0)) extents.set(segment, bytes)
    }
  }
  extend(deps.durable)

  return {
    extend: (durable) => {
      extend(durable)
      for (const listener of listeners) listener()
    },
    read: (maxRecords) => reader.readFrom(cursor, maxRecords),
    commit: async (position) => {
      await deps.commit(position)
      cursor = position
      for (const segment of extents.before(position.segment)) extents.drop(segment)
    },
    onDurable: (listener) => void listeners.push(listener),
    backlogBytes: () => extents.totalBytes() - Math.min(cursor.offset, extents.end(cursor.segment) ?? 0),
  }
}
