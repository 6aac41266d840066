// Bytes that outlive their request: small ones in memory, large ones in a file of a directory that close() deletes.

import { createReadStream } from 'node:fs'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { tooLarge } from '../http/api-error.ts'

/** Stored bytes that never change. Whoever keeps them retains them once; the last release deletes them. */
export type Content = {
  readonly sizeBytes: number
  /** A fresh stream over all of it, read no faster than its reader takes it. */
  readonly read: () => Readable
  readonly retain: () => void
  readonly release: () => Promise<void>
}

export type ContentStore = {
  /** Bytes already at hand, kept in memory. */
  readonly keep: (bytes: Buffer) => Content
  /**
   * Takes bytes as they come, holding at most the threshold of them in memory.
   * Throws a 413 past `limitBytes`; whatever it throws, nothing is left behind.
   */
  readonly receive: (chunks: AsyncIterable<Buffer>, limitBytes: number) => Promise<Content>
  /** Deletes everything. Safe to call twice; nothing can be received afterwards. */
  readonly close: () => Promise<void>
}

const memoryBytesMax = 1024 * 1024

const counted = (sizeBytes: number, read: () => Readable, remove: () => Promise<void>): Content => {
  let holders = 1
  return {
    sizeBytes,
    read,
    retain: () => {
      holders += 1
    },
    release: async () => {
      holders -= 1
      if (holders === 0) await remove()
    },
  }
}

const inMemory = (bytes: Buffer): Content =>
  counted(
    bytes.length,
    // In slices, so that a slow reader holds up the stream and not one huge write.
    () => Readable.from(slicesOf(bytes), { objectMode: false }),
    async () => {},
  )

function* slicesOf(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024)
}

/** A store whose directory, made when first needed, lies in `parentDirectory` (default the system's for such things). */
export function createContentStore(parentDirectory: string = tmpdir()): ContentStore {
  let directory: Promise<string> | null = null
  let fileCount = 0
  let isClosed = false

  const openFile = async () => {
    if (isClosed) throw new Error('the content store is closed')
    directory ??= mkdtemp(join(parentDirectory, 'simulator-files-'))
    fileCount += 1
    const path = join(await directory, String(fileCount))
    return { path, file: await open(path, 'wx', 0o600) }
  }

  return {
    keep: inMemory,
    receive: async (chunks, limitBytes) => {
      const held: Buffer[] = []
      let sizeBytes = 0
      let spilled: { readonly path: string; readonly file: FileHandle } | null = null
      try {
        for await (const chunk of chunks) {
          sizeBytes += chunk.length
          if (sizeBytes > limitBytes) throw tooLarge(limitBytes)
          held.push(chunk)
          if (sizeBytes <= memoryBytesMax) continue
          spilled ??= await openFile()
          await spilled.file.writev(held)
          held.length = 0
        }
      } catch (error) {
        await spilled?.file.close()
        if (spilled !== null) await rm(spilled.path, { force: true })
        throw error
      }
      if (spilled === null) return inMemory(Buffer.concat(held))
      const { path, file } = spilled
      await file.close()
      return counted(
        sizeBytes,
        () => createReadStream(path),
        () => rm(path, { force: true }),
      )
    },
    close: async () => {
      isClosed = true
      if (directory !== null) await rm(await directory, { recursive: true, force: true })
    },
  }
}
