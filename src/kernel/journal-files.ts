// The journal's folder: segment files, the cursor file, and the few file operations that must be durable.
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { JournalPosition } from './journal.ts'

/** What the journal needs of an open segment; tests hand in one that fails. */
export type SegmentFile = {
  readonly write: (
    bytes: Buffer,
    offset: number,
    length: number,
    position: number,
  ) => Promise<{ readonly bytesWritten: number }>
  readonly datasync: () => Promise<void>
  readonly truncate: (bytes: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Creates a segment file that must not exist yet. */
export type CreateSegment = (file: string) => Promise<SegmentFile>

const segmentName = /^(\d{10})\.segment$/
const cursorShape = z.strictObject({ segment: z.int().nonnegative(), offset: z.int().nonnegative() })
const tailChunkBytes = 64 * 1024

/** Records may name callers and sessions: nobody but the owner reads them. */
export const createSegment: CreateSegment = (file) => open(file, 'wx', 0o600)

export function segmentPath(dir: string, segment: number): string {
  return path.join(dir, `${String(segment).padStart(10, '0')}.segment`)
}

/** Numbers of the segments in the folder, ascending. */
export async function listSegments(dir: string): Promise<readonly number[]> {
  const numbers: number[] = []
  for (const name of await readdir(dir)) {
    const digits = segmentName.exec(name)?.[1]
    if (digits !== undefined) numbers.push(Number(digits))
  }
  return numbers.sort((a, b) => a - b)
}

/**
 * Cuts an unfinished last line off a segment and makes what is left durable: after a kill, written lines may
 * be in the page cache alone, and a reader must not act on what a power cut can still take back.
 */
export async function cutTornTail(
  file: string,
): Promise<{ readonly bytes: number; readonly tornBytes: number }> {
  const handle = await open(file, constants.O_RDWR)
  try {
    const { size } = await handle.stat()
    const bytes = await endOfLastLine(handle, size)
    if (bytes < size) await handle.truncate(bytes)
    await handle.sync()
    return { bytes, tornBytes: size - bytes }
  } finally {
    await handle.close()
  }
}

async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const chunk = Buffer.allocUnsafe(tailChunkBytes)
  for (let end = size; end > 0; end -= tailChunkBytes) {
    const start = Math.max(0, end - tailChunkBytes)
    const { bytesRead } = await handle.read(chunk, 0, end - start, start)
    const at = chunk.subarray(0, bytesRead).lastIndexOf('\n')
    if (at !== -1) return start + at + 1
  }
  return 0
}

/** The committed position; null when none was ever stored; 'unreadable' when the file makes no sense. */
export async function loadCursor(dir: string): Promise<JournalPosition | null | 'unreadable'> {
  const text = await readIfThere(path.join(dir, 'cursor.json'))
  if (text === null) return null
  try {
    const parsed = cursorShape.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : 'unreadable'
  } catch {
    return 'unreadable'
  }
}

/** Stores the position durably; after a crash the file holds the old position or the new one, whole. */
export async function storeCursor(dir: string, position: JournalPosition): Promise<void> {
  await writeDurably(path.join(dir, 'cursor.json'), `${JSON.stringify(position)}\n`)
}

/** Writes a file so that a crash leaves the old content or the new: temporary file, fsync, rename, fsync folder. */
export async function writeDurably(file: string, content: string | Buffer): Promise<void> {
  const temporary = `${file}.new`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  await syncFolder(path.dirname(file))
}

/** Makes created, renamed and deleted names of a folder durable. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export async function removeSegment(dir: string, segment: number): Promise<void> {
  await unlink(segmentPath(dir, segment)).catch(ignoreMissing)
}

async function readIfThere(file: string): Promise<string | null> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch (error) {
    ignoreMissing(error)
    return null
  }
  try {
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}
