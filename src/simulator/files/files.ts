// The routes of /v1/files: upload as a form, metadata, lists, download, delete.

import { pipeline } from 'node:stream/promises'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { betasOf } from '../http/known-betas.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiReply, type ApiRequest, json, queryList, type Route } from '../http/router.ts'
import type { World } from '../world.ts'
import { attachmentNamed } from './content-disposition.ts'
import type { FileView } from './file-store.ts'
import { readForm } from './form.ts'
import { paginateLegacy } from './legacy-page.ts'
import { extensionOf, mimeTypeOf } from './mime-names.ts'

const fileBytesMax = 500 * 1024 * 1024
const idsMax = 100
const expiryRange = { minSeconds: 3600, maxSeconds: 7_776_000 }

/** The name a file is stored under: the last component of what was sent, or `unnamed` with a fitting ending. */
function storedName(sent: string | null, mimeType: string | null): string {
  const name = (sent ?? '').split(/[\\/]/).at(-1) ?? ''
  if (name === '') return `unnamed${extensionOf(mimeType ?? '')}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is forbidden
  if (name.length <= 255 && !/[<>:"|?*\x00-\x1f]/.test(name)) return name
  throw invalidRequest(
    'file: the filename must be 1 to 255 characters without `<>:"|?*` and control characters',
  )
}

function readExpiry(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const { minSeconds, maxSeconds } = expiryRange
  const seconds = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (seconds >= minSeconds && seconds <= maxSeconds) return seconds
  throw invalidRequest(`expires_in_seconds: must be a whole number from ${minSeconds} to ${maxSeconds}`)
}

async function uploadFile({ files }: World, request: ApiRequest): Promise<FileView> {
  const form = await readForm(request.raw, {
    textFields: ['expires_in_seconds'],
    fileFields: ['file'],
    filesMax: 1,
    receive: (content) => files.contents.receive(content, fileBytesMax),
  })
  const [sent] = form.files
  if (sent === undefined) throw invalidRequest('file: Field required')
  try {
    const filename = storedName(sent.filename, sent.contentType)
    const mimeType = sent.contentType ?? mimeTypeOf(filename)
    const expiresInSeconds = readExpiry(form.fields.get('expires_in_seconds'))
    return files.add({
      filename,
      mimeType,
      content: sent.content,
      isDownloadable: false,
      ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
    }).view
  } catch (error) {
    await sent.content.release()
    throw error
  }
}

function listFiles({ files }: World, request: ApiRequest) {
  const { query } = request
  const ids = new Set(queryList(query, 'ids'))
  const scopeId = query.get('scope_id')
  const betas = betasOf(request.headers)
  if (scopeId !== null && !betas.includes('managed-agents-2026-04-01')) {
    throw invalidRequest('scope_id: needs the beta `managed-agents-2026-04-01`')
  }
  const items = files
    .list()
    .filter(({ view }) => scopeId === null || view.scope?.id === scopeId)
    .map(({ order, view }) => ({ order, item: view }))
  if (ids.size > 0) {
    if (ids.size > idsMax) throw invalidRequest(`ids: at most ${idsMax}`)
    if (query.has('page') || query.has('limit'))
      throw invalidRequest('ids: cannot be used with `page` or `limit`')
    const data = items.filter(({ item }) => ids.has(item.id)).map(({ item }) => item)
    return { data: data.toReversed(), next_page: null }
  }
  return paginateLegacy(items, query, betas) ?? paginateForward(items, query, 'desc')
}

function downloadFile({ files }: World, request: ApiRequest): ApiReply {
  const { view, content } = files.find(request.param('id'))
  if (files.isExpired(view)) throw notFound(`file \`${view.id}\` has expired`, 'file_expired')
  if (!view.downloadable) {
    throw invalidRequest(`file \`${view.id}\` is not downloadable: it was uploaded`, 'file_not_downloadable')
  }
  const { filename, mime_type: mimeType } = view
  return {
    kind: 'stream',
    attach: (response) => {
      response.writeHead(200, {
        'content-type': mimeType,
        'content-length': content.sizeBytes,
        'content-disposition': attachmentNamed(filename),
      })
      // A reader that leaves, or a file deleted while it is read, cuts the response: there is nobody else to tell.
      content.retain()
      void pipeline(content.read(), response)
        .catch(() => {})
        .finally(content.release)
    },
  }
}

/**
 * Puts the body under a session as if a tool of it had written the file, so that there is something to download:
 * `POST /simulator/files?scope_id=sesn_…&filename=report.pdf`, no form around it.
 */
async function writeFile({ files }: World, { query, raw }: ApiRequest): Promise<FileView> {
  const sessionId = query.get('scope_id')
  const filename = storedName(query.get('filename'), null)
  const content = await files.contents.receive(raw, fileBytesMax)
  return files.add({ filename, content, isDownloadable: true, ...(sessionId === null ? {} : { sessionId }) })
    .view
}

/** The file routes over `world`. They need no beta, but for the filter by session. */
export function fileRoutes(world: World): readonly Route[] {
  const access = 'key-only'
  const { files } = world
  return [
    {
      method: 'POST',
      pattern: '/v1/files',
      access,
      body: 'raw',
      run: async (request) => json(await uploadFile(world, request)),
    },
    { method: 'GET', pattern: '/v1/files', access, run: (request) => json(listFiles(world, request)) },
    {
      method: 'GET',
      pattern: '/v1/files/:id',
      access,
      run: (request) => json(files.find(request.param('id')).view),
    },
    {
      method: 'GET',
      pattern: '/v1/files/:id/content',
      access,
      run: (request) => downloadFile(world, request),
    },
    {
      method: 'DELETE',
      pattern: '/v1/files/:id',
      access,
      run: async (request) => {
        const id = request.param('id')
        await files.remove(id)
        return json({ id, type: 'file_deleted' })
      },
    },
    {
      method: 'POST',
      pattern: '/simulator/files',
      access: 'open',
      body: 'raw',
      run: async (request) => json(await writeFile(world, request)),
    },
  ]
}
