// A whole form: its text fields and its files, the files stored as they arrive; or a 400, with nothing left behind.

import type { IncomingMessage } from 'node:http'
import { ApiError, invalidRequest } from '../http/api-error.ts'
import type { Content } from './content.ts'
import { type Part, readBoundary, readMultipart } from './multipart.ts'

export type FormFile = {
  /** As it was sent; null when the part had none. */
  readonly filename: string | null
  readonly contentType: string | null
  readonly content: Content
}

export type Form = { readonly fields: ReadonlyMap<string, string>; readonly files: readonly FormFile[] }

/** What a form may hold. Anything else is refused by name. */
type FormRules = {
  readonly textFields: readonly string[]
  /** The names under which files may come. */
  readonly fileFields: readonly string[]
  readonly filesMax: number
  /** Stores one file; `receivedBytes` is what the form's earlier files had. */
  readonly receive: (content: AsyncIterable<Buffer>, receivedBytes: number) => Promise<Content>
}

const textBytesMax = 64 * 1024

async function readText(part: Part): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of part.content) {
    bytes += piece.length
    if (bytes > textBytesMax) throw invalidRequest(`${part.name}: at most ${textBytesMax} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

/** Reads the form of a request to its end. On a fault it releases the files, drains the body and throws. */
export async function readForm(request: IncomingMessage, rules: FormRules): Promise<Form> {
  const fields = new Map<string, string>()
  const files: FormFile[] = []
  // Leaving the loop early must not cut the connection: the refusal has to travel back on it.
  const source: AsyncIterator<unknown> = request.iterator({ destroyOnReturn: false })
  try {
    const boundary = readBoundary(request.headers['content-type'])
    for await (const part of readMultipart(source, boundary)) {
      if (rules.fileFields.includes(part.name)) {
        if (files.length === rules.filesMax) throw invalidRequest(`${part.name}: at most ${rules.filesMax}`)
        const receivedBytes = files.reduce((sum, { content }) => sum + content.sizeBytes, 0)
        const content = await rules.receive(part.content, receivedBytes)
        files.push({ filename: part.filename, contentType: part.contentType, content })
      } else {
        if (!rules.textFields.includes(part.name)) {
          throw invalidRequest(`${part.name}: Extra inputs are not permitted`)
        }
        if (fields.has(part.name)) throw invalidRequest(`${part.name}: given twice`)
        fields.set(part.name, await readText(part))
      }
    }
    if (files.length === 0) throw invalidRequest(`${rules.fileFields[0] ?? 'file'}: Field required`)
    return { fields, files }
  } catch (error) {
    for (const { content } of files) await content.release()
    if (error instanceof ApiError) await drain(source)
    throw error
  }
}

/** Reads what is left, so that a client that writes before it reads gets its answer. */
async function drain(source: AsyncIterator<unknown>): Promise<void> {
  while ((await source.next()).done !== true);
}
