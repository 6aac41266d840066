// What the appender has made durable and the reader may read: bytes per segment, and the trouble both report.

/** Durable bytes of each segment that still exists, by segment number. */
export type Extents = {
  /** undefined when the segment holds nothing durable, or no longer exists. */
  readonly end: (segment: number) => number | undefined
  /** The lowest segment above the given one. */
  readonly after: (segment: number) => number | undefined
  readonly before: (segment: number) => readonly number[]
  readonly set: (segment: number, bytes: number) => void
  readonly drop: (segment: number) => void
  readonly totalBytes: () => number
  /** Segments and their durable bytes, oldest first. */
  readonly entries: () => readonly (readonly [segment: number, bytes: number])[]
}

/** Something an operator must hear of; the journal goes on. */
export type JournalTrouble =
  /** A line the last life never finished (so never acknowledged) was cut off. */
  | { readonly kind: 'torn_tail_cut'; readonly segment: number; readonly bytes: number }
  /** Bytes that are not a record were kept in `file` for inspection and passed over. */
  | {
      readonly kind: 'damage_set_aside'
      readonly segment: number
      readonly offset: number
      readonly bytes: number
      readonly file: string
    }
  /** Reading starts again at the oldest segment: records come twice, none is lost. */
  | { readonly kind: 'cursor_unreadable' }
  /** A group was refused; the next one tries a fresh segment. */
  | { readonly kind: 'write_failed'; readonly cause: unknown }
  /** A consumed segment still takes up room; the next start removes it. */
  | { readonly kind: 'segment_not_removed'; readonly segment: number; readonly cause: unknown }

export type ReportTrouble = (trouble: JournalTrouble) => void

export function createExtents(): Extents {
  const ends = new Map<number, number>()
  let total = 0
  const set = (segment: number, bytes: number): void => {
    total += bytes - (ends.get(segment) ?? 0)
    ends.set(segment, bytes)
  }
  return {
    end: (segment) => ends.get(segment),
    // Segments are numbered upwards, so the map's insertion order is their order.
    after: (segment) => [...ends.keys()].find((candidate) => candidate > segment),
    before: (segment) => [...ends.keys()].filter((candidate) => candidate < segment),
    set,
    drop: (segment) => {
      total -= ends.get(segment) ?? 0
      ends.delete(segment)
    },
    totalBytes: () => total,
    entries: () => [...ends],
  }
}
