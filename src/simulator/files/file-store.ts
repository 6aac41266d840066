// The files of a simulator: uploaded ones, copies mounted into sessions, and what sessions wrote.

import type { SimulatorClock } from '../clock.ts'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import { timestamp } from '../sessions/live-session.ts'
import { type Content, createContentStore } from './content.ts'
import { mimeTypeOf } from './mime-names.ts'

/** A file as the API shows it (SDK 1.12.0 resources/beta/files `BetaFileMetadata`). */
export type FileView = {
  readonly id: string
  readonly type: 'file'
  readonly filename: string
  readonly mime_type: string
  readonly size_bytes: number
  readonly created_at: string
  /** Only what a session wrote can be downloaded, never what was uploaded. */
  readonly downloadable: boolean
  readonly expires_at: string | null
  readonly scope: { readonly type: 'session'; readonly id: string } | null
}

export type FileRecord = { readonly order: number; readonly view: FileView; readonly content: Content }

type NewFile = {
  readonly filename: string
  /** Default: as the filename says. */
  readonly mimeType?: string
  readonly content: Content
  readonly sessionId?: string
  readonly isDownloadable: boolean
  readonly expiresInSeconds?: number
}

export type FileStore = {
  /** Where contents are kept; whoever adds a file hands its hold on the content over. */
  readonly contents: ReturnType<typeof createContentStore>
  readonly add: (file: NewFile) => FileRecord
  /** The file of an id. Throws a 404 when there is none. */
  readonly find: (id: string) => FileRecord
  /** Every file that is not deleted, oldest first. */
  readonly list: () => readonly FileRecord[]
  /** A copy of a file in the scope of a session, under an id of its own. Throws a 404 without the file, a 400 when it has expired. */
  readonly mount: (id: string, sessionId: string) => FileView
  /** A file that a session wrote: it can be downloaded. The media type follows from the name. */
  readonly write: (sessionId: string, filename: string, bytes: Buffer | string) => FileView
  readonly remove: (id: string) => Promise<void>
  readonly isExpired: (file: FileView) => boolean
  /** Deletes every content. Safe to call twice. */
  readonly close: () => Promise<void>
}

/** An empty store. Contents over 1 MiB lie in a directory of their own inside `temporaryDirectory`. */
export function createFileStore(
  clock: SimulatorClock,
  nextOrder: () => number,
  temporaryDirectory?: string,
): FileStore {
  const records = new Map<string, FileRecord>()
  const contents = createContentStore(temporaryDirectory)

  const find = (id: string): FileRecord => {
    const found = records.get(id)
    if (found === undefined) throw notFound(`file \`${id}\` not found`)
    return found
  }
  const isExpired = ({ expires_at }: FileView): boolean =>
    expires_at !== null && Date.parse(expires_at) <= clock.nowMs()

  const add = (file: NewFile): FileRecord => {
    const nowMs = clock.nowMs()
    const { expiresInSeconds, sessionId } = file
    const view: FileView = {
      id: newId('file'),
      type: 'file',
      filename: file.filename,
      mime_type: file.mimeType ?? mimeTypeOf(file.filename),
      size_bytes: file.content.sizeBytes,
      created_at: timestamp(nowMs),
      downloadable: file.isDownloadable,
      expires_at: expiresInSeconds === undefined ? null : timestamp(nowMs + expiresInSeconds * 1000),
      scope: sessionId === undefined ? null : { type: 'session', id: sessionId },
    }
    const record = { order: nextOrder(), view, content: file.content }
    records.set(view.id, record)
    return record
  }

  return {
    contents,
    add,
    find,
    isExpired,
    list: () => [...records.values()],
    mount: (id, sessionId) => {
      const { view, content } = find(id)
      if (isExpired(view)) throw invalidRequest(`file \`${id}\` has expired`, 'file_expired')
      content.retain()
      const { filename, mime_type: mimeType, downloadable: isDownloadable } = view
      return add({ filename, mimeType, content, sessionId, isDownloadable }).view
    },
    write: (sessionId, filename, bytes) => {
      const content = contents.keep(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
      return add({ filename, content, sessionId, isDownloadable: true }).view
    },
    remove: async (id) => {
      const { content } = find(id)
      records.delete(id)
      await content.release()
    },
    close: contents.close,
  }
}
