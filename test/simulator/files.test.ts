// Files of the stand-in upstream, as the SDK sees them, small and large.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Anthropic, { APIError, toFile } from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { createFileStore } from '../../src/simulator/files/file-store.ts'
import { readBoundary, readMultipart } from '../../src/simulator/files/multipart.ts'
import { createManualClock, startSimulator } from '../../src/simulator/simulator.ts'
import { send } from '../support/raw-client.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'
import { until } from '../support/until.ts'

const managedAgents = ['managed-agents-2026-04-01']

async function house() {
  const clock = createManualClock()
  const temporaryDirectory = await mkdtemp(join(tmpdir(), 'files-test-'))
  const simulator = await startSimulator({ clock, temporaryDirectory })
  onTestFinished(async () => {
    await simulator.close()
    await rm(temporaryDirectory, { recursive: true, force: true })
  })
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const headers = { 'x-api-key': simulator.apiKey, 'anthropic-version': '2026-10-21' }
  /** A file as a session would have written it. */
  const write = async (filename: string, body: string, sessionId = 'sesn_1') => {
    const query = new URLSearchParams({ filename, scope_id: sessionId })
    const answer = await send(`${simulator.url}/simulator/files?${query}`, { method: 'POST', body })
    return idOf(answer.body)
  }
  const upload = async (name: string, extra: { expires_in_seconds?: number } = {}) =>
    client.beta.files.upload({ file: await toFile(Buffer.from('hello'), name), ...extra })
  return { simulator, clock, client, headers, temporaryDirectory, write, upload }
}

const idOf = (body: Buffer): string => /"id":"(file_\w+)"/.exec(body.toString())?.[1] ?? ''

async function refusalOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof APIError)) throw new Error('the call was not refused')
  return { status: error.status, code: error.errorCode, message: error.message }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

test('an upload is described by its metadata through both clients, and gone once it is deleted', async () => {
  const { client, clock, upload } = await house()
  const file = await upload('a/b\\report "ü".txt'.replaceAll('"', ''))
  expectInterface(file, 'files', 'BetaFileMetadata')
  expect(file).toMatchObject({
    filename: 'report ü.txt',
    mime_type: 'application/octet-stream',
    size_bytes: 5,
    created_at: new Date(clock.nowMs()).toISOString(),
    downloadable: false,
    expires_at: null,
    scope: null,
  })
  const plain = await client.files.upload({ file: new File(['x'], 'x.md', { type: 'text/markdown' }) })
  expect(plain).toMatchObject({ mime_type: 'text/markdown', size_bytes: 1 })
  expect(await client.files.retrieveMetadata(file.id)).toEqual(file)
  expect(await client.beta.files.retrieveMetadata(plain.id)).toEqual(plain)
  expect(await client.beta.files.delete(file.id)).toEqual({ id: file.id, type: 'file_deleted' })
  await client.files.delete(plain.id)
  expect(await refusalOf(client.files.retrieveMetadata(file.id))).toMatchObject({ status: 404 })
  expect(await refusalOf(client.files.delete(file.id))).toMatchObject({ status: 404 })
})

test('a file without a name is called unnamed, with the ending of its type', async () => {
  const { client } = await house()
  const file = await client.files.upload({ file: new File(['{}'], '', { type: 'application/json' }) })
  expect(file.filename).toBe('unnamed.json')
})

test('an upload is refused with the field at fault, and nothing of it stays', async () => {
  const { client, simulator, headers, upload } = await house()
  expect((await refusalOf(upload('a?.txt'))).message).toMatch(/file: the filename/)
  expect((await refusalOf(upload('a', { expires_in_seconds: 3599 }))).message).toMatch(/expires_in_seconds/)
  const post = async (type: string, body: string) => {
    const answer = await send(`${simulator.url}/v1/files`, {
      method: 'POST',
      headers: { ...headers, 'content-type': type },
      body,
    })
    return `${answer.status} ${answer.body.toString()}`
  }
  const form = 'multipart/form-data; boundary=b'
  const part = (name: string) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\nx\r\n`
  expect(await post('application/json', '{}')).toMatch(/^400 .*content-type/)
  expect(await post(form, `${part('colour')}--b--`)).toMatch(/^400 .*colour: Extra inputs/)
  expect(await post(form, '--b--\r\n')).toMatch(/^400 .*file: Field required/)
  expect(await post(form, part('file') + part('file'))).toMatch(/^400 .*at most 1/)
  expect(await post(form, part('file'))).toMatch(/^400 .*ends before its last boundary/)
  expect((await client.files.list()).data).toEqual([])
})

test('a list walks its pages newest first, takes ids, and shows what one session wrote', async () => {
  const { client, upload, write } = await house()
  const names = ['1', '2', '3', '4', '5']
  for (const name of names) await upload(name)
  const written = await write('out.csv', 'a,b')
  await write('other.csv', 'c', 'sesn_2')

  const all = await collect(client.beta.files.list({ limit: 2 }))
  expect(all.map(({ filename }) => filename)).toEqual(['other.csv', 'out.csv', ...names.toReversed()])
  expect(await collect(client.files.list({ limit: 3 }))).toEqual(all)
  const ids = [all[6]?.id ?? '', written, written, 'file_nobody']
  const chosen = await client.files.list({ ids })
  expect([chosen.data.map(({ filename }) => filename), chosen.next_page]).toEqual([['out.csv', '1'], null])
  expect((await refusalOf(client.files.list({ ids, limit: 2 }).then())).message).toMatch(/ids/)
  const many = Array.from({ length: 101 }, (_, at) => `file_${at}`)
  expect((await refusalOf(client.files.list({ ids: many }).then())).message).toMatch(/at most 100/)

  const [output, ...rest] = (await client.beta.files.list({ scope_id: 'sesn_1', betas: managedAgents })).data
  expect(output).toMatchObject({
    id: written,
    downloadable: true,
    mime_type: 'text/csv',
    scope: { type: 'session', id: 'sesn_1' },
  })
  expect(rest).toEqual([])
  expect(await refusalOf(client.beta.files.list({ scope_id: 'sesn_1' }).then())).toMatchObject({
    status: 400,
  })
})

test('a client of the old beta walks the pages it knows, by object id', async () => {
  const { simulator, headers, upload } = await house()
  for (const name of ['1', '2', '3']) await upload(name)
  const seen: string[] = []
  for (let query = '?limit=2'; ; ) {
    const old = { ...headers, 'anthropic-beta': 'files-api-2025-04-14' }
    const { body } = await send(`${simulator.url}/v1/files${query}`, { headers: old })
    const page: unknown = JSON.parse(body.toString())
    seen.push(...[...body.toString().matchAll(/"filename":"(\d)"/g)].map(([, name = '']) => name))
    expect(page).toMatchObject({ first_id: expect.any(String), last_id: expect.any(String) })
    const [, last = ''] = /"last_id":"(\w+)"/.exec(body.toString()) ?? []
    if (body.includes('"has_more":false')) break
    query = `?limit=2&after_id=${last}`
  }
  expect(seen).toEqual(['3', '2', '1'])
})

test('what a session wrote downloads as it is; what was uploaded does not download', async () => {
  const { client, upload, write } = await house()
  const id = await write('päge.html', '<p>ü</p>')
  for (const files of [client.files, client.beta.files]) {
    const response = await files.download(id)
    expect(await response.text()).toBe('<p>ü</p>')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html',
      'content-length': '9',
      'content-disposition': `attachment; filename="p_ge.html"; filename*=UTF-8''p%C3%A4ge.html`,
    })
  }
  const { id: uploaded } = await upload('a.txt')
  const refused = await refusalOf(client.files.download(uploaded))
  expect(refused).toMatchObject({ status: 400, code: 'file_not_downloadable' })
  await client.files.delete(id)
  expect(await refusalOf(client.files.download(id))).toMatchObject({ status: 404 })
})

test('an expired file keeps its metadata and loses its content', async () => {
  const { client, clock, upload } = await house()
  const file = await upload('a.txt', { expires_in_seconds: 3600 })
  expect(file.expires_at).toBe(new Date(clock.nowMs() + 3_600_000).toISOString())
  expect(await refusalOf(client.files.download(file.id))).toMatchObject({ code: 'file_not_downloadable' })
  clock.advance(3_600_000)
  expect(await refusalOf(client.files.download(file.id))).toMatchObject({ status: 404, code: 'file_expired' })
  expect(await client.files.retrieveMetadata(file.id)).toEqual(file)
})

test('a mounted file is a copy with an id and a scope of its own, which outlives the original', async () => {
  let order = 0
  const files = createFileStore(createManualClock(), () => order++)
  const original = files.write('sesn_1', 'notes.md', 'remember')
  const copy = files.mount(original.id, 'sesn_2')
  expect(copy).toMatchObject({
    filename: 'notes.md',
    size_bytes: 8,
    scope: { type: 'session', id: 'sesn_2' },
  })
  expect(copy.id).not.toBe(original.id)
  await files.remove(original.id)
  expect(() => files.find(original.id)).toThrow(/not found/)
  expect(Buffer.concat(await collect(files.find(copy.id).content.read())).toString()).toBe('remember')
})

// 64 MiB in blocks that differ, made once, so that the sender itself holds next to nothing.
const blockBytes = 64 * 1024
const blockCount = 1024
const blocks = Array.from({ length: 16 }, (_, at) =>
  Buffer.alloc(blockBytes, createHash('sha512').update(`${at}`).digest()),
)
const largeBytes = blockBytes * blockCount
const blockAt = (at: number): Buffer => blocks[(at * 7 + (at >> 4)) % blocks.length] ?? Buffer.alloc(0)

const largeDigest = (): string => {
  const hash = createHash('sha256')
  for (let at = 0; at < blockCount; at += 1) hash.update(blockAt(at))
  return hash.digest('hex')
}

setFlagsFromString('--expose-gc')
const collectGarbage: unknown = runInNewContext('gc')

/** Bytes of buffers that somebody still holds. */
function heldBytes(): number {
  if (typeof collectGarbage !== 'function') throw new Error('no collector')
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}
const heldBytesMax = 8 * 1024 * 1024

/** Sends the large body with backpressure, watching how much is held meanwhile. */
async function sendLarge(url: string, headers: http.OutgoingHttpHeaders, before: string, after: string) {
  const baseline = heldBytes()
  let heldMost = 0
  const body = function* () {
    if (before !== '') yield Buffer.from(before)
    for (let at = 0; at < blockCount; at += 1) {
      if (at % 128 === 127) heldMost = Math.max(heldMost, heldBytes() - baseline)
      yield blockAt(at)
    }
    if (after !== '') yield Buffer.from(after)
  }
  const request = http.request(url, { method: 'POST', agent: false, headers })
  const answered = once(request, 'response')
  await pipeline(Readable.from(body()), request)
  const [response]: unknown[] = await answered
  if (!(response instanceof http.IncomingMessage)) throw new Error('no response')
  const text = Buffer.concat(await collect(response)).toString()
  return { status: response.statusCode, text, heldMost }
}

test('64 MB go up and come down unchanged while next to nothing is held, and the disk is clean afterwards', async () => {
  const { simulator, client, headers, temporaryDirectory } = await house()
  const stored = async () => (await readdir(temporaryDirectory, { recursive: true })).length

  const before =
    '--frontier\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\nContent-Type: application/x-big\r\n\r\n'
  const type = { 'content-type': 'multipart/form-data; boundary=frontier' }
  const up = await sendLarge(
    `${simulator.url}/v1/files`,
    { ...headers, ...type },
    before,
    '\r\n--frontier--\r\n',
  )
  expect(up.status).toBe(200)
  expect(await client.files.retrieveMetadata(idOf(Buffer.from(up.text)))).toMatchObject({
    size_bytes: largeBytes,
    mime_type: 'application/x-big',
  })
  expect(up.heldMost).toBeLessThan(heldBytesMax)
  expect(await stored()).toBe(2)
  await client.files.delete(idOf(Buffer.from(up.text)))
  expect(await stored()).toBe(1)

  const written = await sendLarge(
    `${simulator.url}/simulator/files?filename=big.bin&scope_id=sesn_1`,
    {},
    '',
    '',
  )
  const baseline = heldBytes()
  const response = await client.files.download(idOf(Buffer.from(written.text)))
  // Nobody reads: what is held grows until both sides have had enough, and stays there.
  let held = Number.POSITIVE_INFINITY
  await until(heldBytes, (now) => {
    const isStill = Math.abs(now - held) < blockBytes
    held = now
    return isStill
  })
  expect(held - baseline).toBeLessThan(heldBytesMax)
  const hash = createHash('sha256')
  for await (const chunk of response.body ?? []) hash.update(chunk)
  expect(hash.digest('hex')).toBe(largeDigest())

  await simulator.close()
  expect(await stored()).toBe(0)
})

test('an upload that breaks off leaves nothing behind', async () => {
  const { simulator, client, headers, temporaryDirectory } = await house()
  const type = { 'content-type': 'multipart/form-data; boundary=b' }
  const request = http.request(`${simulator.url}/v1/files`, {
    method: 'POST',
    agent: false,
    headers: { ...headers, ...type },
  })
  request.on('error', () => {})
  request.write('--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n')
  for (let at = 0; at < 32; at += 1) request.write(blockAt(at))
  const count = async () => (await readdir(temporaryDirectory, { recursive: true })).length
  await until(count, (files) => files === 2)
  request.destroy()
  await until(count, (files) => files === 1)
  expect((await client.files.list()).data).toEqual([])
})

/** The parts of a body that arrives in the given pieces. */
async function partsOf(body: Buffer, cuts: readonly number[], boundary: string) {
  const edges = [0, ...cuts.map((cut) => cut % (body.length + 1)).sort((a, b) => a - b), body.length]
  const pieces = edges.slice(1).map((end, at) => body.subarray(edges[at], end))
  const found: { name: string; filename: string | null; content: string }[] = []
  for await (const part of readMultipart(Readable.from(pieces)[Symbol.asyncIterator](), boundary)) {
    const content = Buffer.concat(await collect(part.content)).toString('latin1')
    found.push({ name: part.name, filename: part.filename, content })
  }
  return found
}

const writeBody = (parts: readonly { name: string; content: string }[]): Buffer =>
  Buffer.from(
    `${parts
      .map(
        ({ name, content }) =>
          `--XyX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`,
      )
      .join('')}--XyX--\r\n`,
    'latin1',
  )

test('a form reads the same however its bytes are cut, whatever of a boundary its content holds', async () => {
  const fragment = fc.constantFrom(
    '\r',
    '\n',
    '-',
    '\r\n',
    '\r\n-',
    '\r\n--',
    '\r\n--X',
    '\r\n--Xy',
    'XyX',
    '--XyX',
    'x',
    '\xff',
    '',
  )
  const content = fc.array(fragment, { maxLength: 12 }).map((pieces) => pieces.join(''))
  const part = fc.record({ name: fc.constantFrom('a', 'b', 'c'), content })
  await fc.assert(
    fc.asyncProperty(
      fc
        .array(part, { maxLength: 4 })
        .filter((parts) => parts.every(({ content: text }) => !`\r\n${text}`.includes('\r\n--XyX'))),
      fc.array(fc.nat(), { maxLength: 8 }),
      async (parts, cuts) => {
        const expected = parts.map((each) => ({ ...each, filename: null }))
        expect(await partsOf(writeBody(parts), cuts, 'XyX')).toEqual(expected)
      },
    ),
  )
})

test('a form cut at every single byte reads the same, and one that ends early anywhere is refused', async () => {
  const parts = [
    { name: 'a', content: 'one\r\n--Xy' },
    { name: 'b', content: '' },
  ]
  const body = writeBody(parts)
  const every = Array.from({ length: body.length }, (_, at) => at)
  const expected = parts.map((each) => ({ ...each, filename: null }))
  expect(await partsOf(body, every, 'XyX')).toEqual(expected)
  // The line end behind the last boundary is not needed.
  for (const length of every.slice(0, -2)) {
    await expect(partsOf(body.subarray(0, length), [], 'XyX'), `${length} bytes`).rejects.toThrow()
  }
})

test('a form that bends the rules is refused', async () => {
  const read = (text: string) => partsOf(Buffer.from(text), [], 'b')
  const head = 'Content-Disposition: form-data; name="a"\r\n'
  await expect(read(`--bogus\r\n${head}\r\nx\r\n--b--`)).rejects.toThrow(/something behind it/)
  await expect(read('--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--')).rejects.toThrow(/form-data/)
  await expect(read(`--b\r\n${head}X-Long: ${'x'.repeat(20_000)}\r\n\r\nx\r\n--b--`)).rejects.toThrow(
    /headers/,
  )
  expect(() => readBoundary('multipart/form-data')).toThrow(/boundary/)
  expect(() => readBoundary(`multipart/form-data; boundary=${'x'.repeat(71)}`)).toThrow(/boundary/)
  expect(readBoundary('Multipart/Form-Data; charset=utf-8; boundary="a b:c"')).toBe('a b:c')
})
