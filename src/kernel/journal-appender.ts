// The journal's writing side: group commit. Lines that arrive while one fdatasync runs share the next one, so
// the price of durability falls as load rises and waiting is bounded by one group.

import { TollgateError } from './errors.ts'
import type { Extents, ReportTrouble } from './journal-extents.ts'
import {
  type CreateSegment,
  removeSegment,
  type SegmentFile,
  segmentPath,
  syncFolder,
} from './journal-files.ts'
import { lineBytesMax } from './journal-lines.ts'

/** A group is written at once, so this bounds both the copy and the time between two turns of the event loop. */
const groupBytesMax = 1024 * 1024

type Group = {
  readonly lines: string[]
  bytes: number
  readonly durable: Promise<void>
  readonly settle: (error?: unknown) => void
}

type OpenSegment = { readonly segment: number; readonly file: SegmentFile; bytes: number }

export type AppenderOptions = {
  readonly dir: string
  readonly extents: Extents
  readonly firstSegment: number
  readonly segmentBytes: number
  /** Lines accepted and not yet durable may take this much memory; a stalled disk refuses the rest. */
  readonly waitingBytesMax: number
  readonly groupDelayMs: number
  readonly createSegment: CreateSegment
  readonly report: ReportTrouble
  readonly onDurable: () => void
}

export type Appender = {
  /** Resolves when the line is on disk; rejects with `journal.unavailable`. */
  readonly append: (line: string, bytes: number) => Promise<void>
  readonly waitingBytes: () => number
  /** Resolves when the lines accepted so far are durable or refused. */
  readonly settled: () => Promise<void>
  /** Makes the accepted lines durable and closes the segment. Nothing may be appended afterwards. */
  readonly close: () => Promise<void>
}

export function createAppender(options: AppenderOptions): Appender {
  const writer = createSegmentWriter(options)
  const groups: Group[] = []
  let waitingBytes = 0
  let flushing: Promise<void> | null = null
  let writing: Promise<void> = Promise.resolve()

  const flush = async (): Promise<void> => {
    while (groups.length > 0) {
      await gather(options.groupDelayMs)
      const group = groups.shift()
      if (group === undefined) break
      writing = group.durable
      try {
        await writer.write(Buffer.from(group.lines.join('')))
        group.settle()
        // A listener that throws is a bug of its owner: it must not look like a failed write.
        queueMicrotask(options.onDurable)
      } catch (cause) {
        options.report({ kind: 'write_failed', cause })
        group.settle(new TollgateError('journal.unavailable', undefined, { cause }))
      }
      waitingBytes -= group.bytes
    }
    flushing = null
  }

  return {
    append: (line, bytes) => {
      if (bytes > lineBytesMax)
        return refuse(`a record of ${bytes} bytes is over the limit of ${lineBytesMax}`)
      if (waitingBytes + bytes > options.waitingBytesMax) return refuse('the disk does not keep up')
      let group = groups.at(-1)
      if (group === undefined || group.bytes + bytes > groupBytesMax) {
        group = newGroup()
        groups.push(group)
      }
      group.lines.push(line)
      group.bytes += bytes
      waitingBytes += bytes
      flushing ??= flush()
      return group.durable
    },
    waitingBytes: () => waitingBytes,
    // The group that is being written has left the list, and the newest comes last.
    settled: async () => {
      const newest = groups.at(-1)?.durable ?? writing
      await newest.catch(() => {})
    },
    close: async () => {
      await flushing
      await writer.close()
    },
  }
}

/** A refusal of the journal; `why` goes to the log, the caller reads the code's own sentence. */
export function refuse(why: string): Promise<never> {
  return Promise.reject(new TollgateError('journal.unavailable', undefined, { cause: new Error(why) }))
}

function newGroup(): Group {
  let settle: Group['settle'] = () => {}
  const durable = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error))
  })
  return { lines: [], bytes: 0, durable, settle }
}

/** Lets everything that is ready to append join the group before it is written. */
async function gather(delayMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    if (delayMs > 0) setTimeout(resolve, delayMs)
    else setImmediate(resolve)
  })
}

type SegmentWriter = {
  readonly write: (bytes: Buffer) => Promise<void>
  readonly close: () => Promise<void>
}

/** Writes groups into numbered segments, one life per file: a segment of an earlier life is never appended to. */
function createSegmentWriter(options: AppenderOptions): SegmentWriter {
  let nextSegment = options.firstSegment
  let current: OpenSegment | null = null

  const start = async (): Promise<OpenSegment> => {
    const segment = nextSegment
    nextSegment += 1
    const file = await options.createSegment(segmentPath(options.dir, segment))
    try {
      // Without this a power cut could take the file's name, and all its records with it.
      await syncFolder(options.dir)
    } catch (error) {
      await file.close()
      throw error
    }
    return { segment, file, bytes: 0 }
  }

  /**
   * After a failed write or fsync the file's tail is unknown (a failed fsync may have dropped the pages and the
   * next would succeed), so the segment ends at its last durable byte and is never written again.
   */
  const abandon = async ({ segment, file, bytes }: OpenSegment): Promise<void> => {
    await file.truncate(bytes).catch(() => {})
    await file.close().catch(() => {})
    if (bytes === 0) await removeSegment(options.dir, segment).catch(() => {})
  }

  return {
    write: async (bytes) => {
      if (current !== null && current.bytes >= options.segmentBytes) {
        const full = current
        current = null
        await full.file.close()
      }
      current ??= await start()
      const open = current
      try {
        await writeAll(open.file, bytes, open.bytes)
        await open.file.datasync()
      } catch (error) {
        current = null
        await abandon(open)
        throw error
      }
      open.bytes += bytes.length
      options.extents.set(open.segment, open.bytes)
    },
    close: async () => {
      await current?.file.close()
      current = null
    },
  }
}

async function writeAll(file: SegmentFile, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
