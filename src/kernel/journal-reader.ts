// The journal's reading side: durable records in order, in bounded bites. What is not a record is kept in a
// file of its own and reported; it is never dropped in silence and never stops the records behind it.
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import type { JournalBatch, JournalPosition, JournalRecord } from './journal.ts'
import type { Extents, ReportTrouble } from './journal-extents.ts'
import { segmentPath, writeDurably } from './journal-files.ts'
import { decodeLine, lineBytesMax, splitLines } from './journal-lines.ts'

/** One bite is parsed in one turn of the event loop: about 2 ms of work. */
const biteBytes = 256 * 1024
/** A batch ends after this much, however many records were asked for; bounds the reader's memory. */
const batchBytesMax = 8 * 1024 * 1024

export type ReaderOptions = {
  readonly dir: string
  readonly extents: Extents
  readonly report: ReportTrouble
}

export type Reader = {
  /** Up to `maxRecords` durable records from a position on. Reading twice gives the same records. */
  readonly readFrom: (from: JournalPosition, maxRecords: number) => Promise<JournalBatch>
}

export function createReader({ dir, extents, report }: ReaderOptions): Reader {
  /** Damage already reported, so that reading it again (the batch failed elsewhere) is not counted again. */
  const reported = new Set<string>()

  const setAside = async (segment: number, offset: number, bytes: Buffer): Promise<void> => {
    const file = path.join(dir, `damaged-${segment}-${offset}.bin`)
    if (reported.has(file)) return
    await writeDurably(file, bytes)
    reported.add(file)
    report({ kind: 'damage_set_aside', segment, offset, bytes: bytes.length, file })
  }

  /** Reads one segment from an offset until it ends or the limits are reached; returns the new offset. */
  const readSegment = async (
    segment: number,
    from: number,
    end: number,
    into: JournalRecord[],
    limits: { readonly records: number; readonly bytes: number },
  ): Promise<number> => {
    const file = await open(segmentPath(dir, segment), 'r')
    let offset = from
    try {
      while (offset < end && offset - from < limits.bytes && into.length < limits.records) {
        const bite = await readBite(file, offset, end)
        const { lines, rest } = splitLines(bite)
        if (lines.length === 0) {
          await setAside(segment, offset, bite)
          offset += bite.length
          continue
        }
        let consumed = rest
        for (const { start, end: lineEnd } of lines) {
          if (into.length >= limits.records) {
            consumed = start
            break
          }
          const line = bite.subarray(start, lineEnd)
          const record = decodeLine(line)
          if (record === null) await setAside(segment, offset + start, line)
          else into.push(record)
        }
        offset += consumed
      }
    } finally {
      await file.close()
    }
    return offset
  }

  return {
    readFrom: async (from, maxRecords) => {
      const records: JournalRecord[] = []
      let { segment, offset } = from
      let bytes = 0
      while (records.length < maxRecords && bytes < batchBytesMax) {
        const end = extents.end(segment)
        if (end !== undefined && offset < end) {
          const limits = { records: maxRecords, bytes: batchBytesMax - bytes }
          const reached = await readSegment(segment, offset, end, records, limits)
          bytes += reached - offset
          offset = reached
          continue
        }
        const next = extents.after(segment)
        if (next === undefined) break
        segment = next
        offset = 0
      }
      return { records, from, next: { segment, offset } }
    },
  }
}

/** Reads until at least one whole line is there, the segment ends, or no line can be that long. */
async function readBite(file: FileHandle, offset: number, end: number): Promise<Buffer> {
  for (let size = biteBytes; ; size *= 2) {
    const wanted = Math.min(size, end - offset)
    const bite = Buffer.allocUnsafe(wanted)
    let filled = 0
    while (filled < wanted) {
      const { bytesRead } = await file.read(bite, filled, wanted - filled, offset + filled)
      if (bytesRead === 0)
        throw new Error(`the segment ends before its ${end} durable bytes; the file was cut`)
      filled += bytesRead
    }
    if (bite.includes('\n') || wanted === end - offset || wanted > lineBytesMax) return bite
  }
}
