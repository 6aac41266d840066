// The durable journal: numbered segment files of checksummed JSON lines, written by group commit, read from a
// committed cursor on. Nothing acknowledged is lost to a kill -9 or a power cut; nothing half-written surfaces.
import { mkdir } from 'node:fs/promises'
import type { Journal, JournalPosition } from './journal.ts'
import { createAppender, refuse } from './journal-appender.ts'
import { createExtents, type Extents, type JournalTrouble, type ReportTrouble } from './journal-extents.ts'
import {
  type CreateSegment,
  createSegment,
  cutTornTail,
  listSegments,
  loadCursor,
  removeSegment,
  segmentPath,
  storeCursor,
} from './journal-files.ts'
import { encodeLine } from './journal-lines.ts'
import { lockFolder } from './journal-lock.ts'
import { createReader } from './journal-reader.ts'

export type { JournalTrouble }

export type JournalOptions = {
  /** The journal's own folder; made when missing. */
  readonly dir: string
  /** Told about damage, torn tails and failed writes; the caller logs and counts them. */
  readonly report: ReportTrouble
  /** A segment takes no further group once it is this long. Default 64 MiB. */
  readonly segmentBytes?: number
  /** Appends are refused beyond this much uncommitted. Default 2 GiB. */
  readonly backlogBytesMax?: number
  /** Appends are refused when this much waits in memory for the disk. Default 32 MiB. */
  readonly waitingBytesMax?: number
  /** Waits this long for company before a group is written. Default 0: one turn of the event loop. */
  readonly groupDelayMs?: number
  /** Creates a segment file; tests hand in one on a full disk. */
  readonly createSegment?: CreateSegment
}

/** What is durable: bytes of each segment, oldest first, and the place up to which it was consumed. */
export type DurableExtent = {
  readonly cursor: JournalPosition
  readonly segments: readonly (readonly [segment: number, bytes: number])[]
}

export type SegmentJournal = Journal & {
  /** What a reader in another process may read of this folder now. */
  readonly durable: () => DurableExtent
}

/**
 * Opens the journal of a folder: takes the folder's lock, cuts what the last life left half-written, removes
 * consumed segments. Throws when another process holds the folder or the disk refuses.
 * `read` expects one reader; records come again until committed.
 */
export async function openJournal(options: JournalOptions): Promise<SegmentJournal> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(options.dir)
  try {
    return createJournal(options, await recover(options.dir, options.report), lock.release)
  } catch (error) {
    await lock.release()
    throw error
  }
}

type Recovered = {
  readonly extents: Extents
  readonly cursor: JournalPosition
  /** Above every segment there ever was. */
  readonly firstSegment: number
}

async function recover(dir: string, report: ReportTrouble): Promise<Recovered> {
  const segments = await listSegments(dir)
  const stored = await loadCursor(dir)
  if (stored === 'unreadable') report({ kind: 'cursor_unreadable' })
  const cursor =
    stored === null || stored === 'unreadable' ? { segment: segments[0] ?? 0, offset: 0 } : stored
  const extents = createExtents()
  for (const segment of segments) {
    if (segment < cursor.segment) {
      await removeSegment(dir, segment)
      continue
    }
    const { bytes, tornBytes } = await cutTornTail(segmentPath(dir, segment))
    if (tornBytes > 0) report({ kind: 'torn_tail_cut', segment, bytes: tornBytes })
    if (bytes > 0) extents.set(segment, bytes)
  }
  return { extents, cursor, firstSegment: Math.max(cursor.segment, segments.at(-1) ?? 0) + 1 }
}

function createJournal(
  options: JournalOptions,
  recovered: Recovered,
  release: () => Promise<void>,
): SegmentJournal {
  const { extents, firstSegment } = recovered
  const { dir, report, backlogBytesMax = 2 * 1024 ** 3 } = options
  const listeners: (() => void)[] = []
  const reader = createReader({ dir, extents, report })
  const appender = createAppender({
    dir,
    extents,
    report,
    firstSegment,
    segmentBytes: options.segmentBytes ?? 64 * 1024 ** 2,
    waitingBytesMax: options.waitingBytesMax ?? 32 * 1024 ** 2,
    groupDelayMs: options.groupDelayMs ?? 0,
    createSegment: options.createSegment ?? createSegment,
    onDurable: () => {
      for (const listener of listeners) listener()
    },
  })
  let cursor = recovered.cursor
  let committing: Promise<void> = Promise.resolve()
  let closing: Promise<void> | null = null

  const backlogBytes = (): number => {
    const readInSegment = Math.min(cursor.offset, extents.end(cursor.segment) ?? 0)
    return extents.totalBytes() - readInSegment + appender.waitingBytes()
  }

  const moveCursor = async (position: JournalPosition): Promise<void> => {
    if (!isAfter(position, cursor)) return
    if (position.offset > (extents.end(position.segment) ?? -1)) {
      throw new Error(
        `position ${position.segment}:${position.offset} is not in the journal; commit what read gave`,
      )
    }
    await storeCursor(dir, position)
    cursor = position
    for (const segment of extents.before(position.segment)) {
      extents.drop(segment)
      // The stored cursor already excludes it, so a failure costs room, not correctness.
      await removeSegment(dir, segment).catch((cause: unknown) => {
        report({ kind: 'segment_not_removed', segment, cause })
      })
    }
  }

  return {
    // Not async: all records of a group share one promise, which at thousands a second is worth having.
    append: (record) => {
      if (closing !== null) return refuse('the journal is closed')
      let line: string
      try {
        line = encodeLine(record)
      } catch (error) {
        return Promise.reject(error)
      }
      const bytes = Buffer.byteLength(line)
      if (backlogBytes() + bytes > backlogBytesMax) {
        return refuse(`the backlog is over ${backlogBytesMax} bytes`)
      }
      return appender.append(line, bytes)
    },
    read: (maxRecords) => reader.readFrom(cursor, maxRecords),
    commit: (position) => {
      const moved = committing.then(() => moveCursor(position))
      committing = moved.catch(() => {})
      return moved
    },
    onDurable: (listener) => {
      listeners.push(listener)
    },
    backlogBytes,
    settled: appender.settled,
    durable: () => ({ cursor, segments: extents.entries() }),
    close: () => {
      closing ??= appender
        .close()
        .then(() => committing)
        .finally(release)
      return closing
    },
  }
}

function isAfter(a: JournalPosition, b: JournalPosition): boolean {
  return a.segment > b.segment || (a.segment === b.segment && a.offset > b.offset)
}
