// Attacks on how a body is to be read: encodings, charsets and types under which its bytes would mean something else than
// what was judged.
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BesiegedHouse, openBesiegedHouse } from '../support/besieged-house.ts'

let besieged: BesiegedHouse

beforeAll(async () => {
  besieged = await openBesiegedHouse()
})
afterAll(() => besieged.destroy())

const json = Buffer.from('{"name":"a"}')
const form = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n'

function post(path: string, lines: readonly string[], body: Buffer | string): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: tollgate',
    `x-api-key: ${besieged.admin}`,
    'connection: close',
  ]
  const bytes = Buffer.from(body)
  return Buffer.concat([
    Buffer.from([...head, ...lines, `content-length: ${bytes.length}`, '', ''].join('\r\n'), 'latin1'),
    bytes,
  ])
}

const type = 'content-type: application/json'
const encoded = 'body.encoding_unsupported'
const unsupported = 'body.type_unsupported'
const malformed = 'arrive.request_malformed'
const utf16 = Buffer.from(json.toString(), 'utf16le')

test.each<[string, string, readonly string[], Buffer | string]>([
  ['gzip', encoded, [type, 'content-encoding: gzip'], gzipSync(json)],
  ['brotli', encoded, [type, 'content-encoding: br'], brotliCompressSync(json)],
  ['deflate', encoded, [type, 'Content-Encoding: deflate'], deflateSync(json)],
  ['gzip that is none', encoded, [type, 'content-encoding: gzip'], json],
  ['gzip in other letters', encoded, [type, 'content-encoding: GZip'], gzipSync(json)],
  ['identity, then gzip', encoded, [type, 'content-encoding: identity, gzip'], json],
  [
    'identity and gzip on two lines',
    encoded,
    [type, 'content-encoding: identity', 'content-encoding: gzip'],
    json,
  ],
  ['an encoding nobody knows', encoded, [type, 'content-encoding: x'], json],
  ['gzip unsaid', 'body.ambiguous', [type], gzipSync(json)],
  ['UTF-16', unsupported, [`${type}; charset=utf-16`], utf16],
  ['UTF-16 unsaid', 'body.malformed', [type], utf16],
  ['UTF-16 with a mark, unsaid', 'body.ambiguous', [type], Buffer.concat([Buffer.from([0xff, 0xfe]), utf16])],
  ['UTF-7', unsupported, [`${type}; charset=UTF-7`], '+AHsAfQ-'],
  ['a second charset', unsupported, [`${type}; charset=utf-8; charset=utf-16`], json],
  ['a charset in pieces', unsupported, [`${type}; charset*0=utf-; charset*1=16`], json],
  ['a charset in the extended notation', unsupported, [`${type}; charset*=us-ascii''utf-16`], json],
  ['a charset in quotes with another in it', unsupported, [`${type}; charset="utf-8; charset=utf-16"`], json],
  ['a charset behind a space', unsupported, [`${type}; charset =utf-16`], json],
  ['text', unsupported, ['content-type: text/plain'], json],
  ['text that says JSON', unsupported, ['content-type: text/plain; application/json'], json],
  ['another JSON', unsupported, ['content-type: application/json-patch+json'], json],
  ['JSON lines', unsupported, ['content-type: application/jsonl'], json],
  ['a form', unsupported, ['content-type: application/x-www-form-urlencoded'], json],
  ['a multipart form', unsupported, ['content-type: multipart/form-data; boundary=b'], form],
  ['JSON as a multipart form', unsupported, ['content-type: multipart/form-data; boundary=b'], json],
  ['two types in a list', unsupported, [`${type}, multipart/form-data; boundary=b`], json],
  [
    'two types in a list, the other way',
    unsupported,
    ['content-type: multipart/form-data, application/json'],
    json,
  ],
  ['two types on two lines', malformed, [type, 'Content-Type: text/plain'], json],
  ['one type on two lines', malformed, [type, type], json],
  ['no type', unsupported, [], json],
  ['an empty type', unsupported, ['content-type:'], json],
  ['a type that is none', unsupported, ['content-type: json'], json],
])('JSON sent as %s is refused', async (_, code, lines, body) => {
  expect(besieged.codesOf(await besieged.attack(post('/v1/environments', lines, body)))).toEqual([code])
  expect(besieged.upstream.seen).toEqual([])
})

test.each<[string, string, readonly string[]]>([
  ['JSON', unsupported, [type]],
  ['multipart of another kind', unsupported, ['content-type: multipart/mixed; boundary=b']],
  ['a form and JSON on two lines', malformed, ['content-type: multipart/form-data; boundary=b', type]],
  [
    'two boundaries on two lines',
    malformed,
    ['content-type: multipart/form-data; boundary=b', 'content-type: multipart/form-data; boundary=c'],
  ],
  ['gzip', encoded, ['content-type: multipart/form-data; boundary=b', 'content-encoding: gzip']],
])('an upload sent as %s is refused', async (_, code, lines) => {
  expect(besieged.codesOf(await besieged.attack(post('/v1/files', lines, form)))).toEqual([code])
  expect(besieged.upstream.seen).toEqual([])
})

test('plain JSON in UTF-8 passes, however its type is written', async () => {
  for (const written of [
    'application/json',
    'Application/JSON',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
  ]) {
    expect(
      besieged.codesOf(await besieged.attack(post('/v1/environments', [`content-type: ${written}`], json))),
    ).toEqual([200])
  }
  expect(besieged.upstream.seen.map(({ body }) => body.toString())).toEqual(Array(4).fill(json.toString()))
})

test('every refusal was counted', () => besieged.expectAllCounted())
