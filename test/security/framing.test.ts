// Attacks on where a request ends: what two readers could frame differently is refused, and no byte of a body becomes a
// request.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BesiegedHouse, openBesiegedHouse } from '../support/besieged-house.ts'

let besieged: BesiegedHouse

beforeAll(async () => {
  besieged = await openBesiegedHouse()
})
afterAll(() => besieged.destroy())

const post = (key: string, lines: readonly string[], body: string): string =>
  [
    ...['POST /v1/environments HTTP/1.1', 'Host: tollgate', `x-api-key: ${key}`],
    ...['content-type: application/json', ...lines, '', body],
  ].join('\r\n')
const smuggled = (): string =>
  `GET /v1/vaults HTTP/1.1\r\nHost: tollgate\r\nx-api-key: ${besieged.admin}\r\n\r\n`
const chunks = '2\r\n{}\r\n0\r\n\r\n'
const chunked = 'transfer-encoding: chunked'

test.each<[string, readonly string[], string]>([
  ['a length and chunks', ['content-length: 4', chunked], chunks],
  ['chunks and a length', [chunked, 'content-length: 4'], chunks],
  ['two lengths', ['content-length: 2', 'content-length: 40'], '{}'],
  ['the same length twice', ['content-length: 2', 'Content-Length: 2'], '{}'],
  ['lengths in a list', ['content-length: 2, 2'], '{}'],
  ['a signed length', ['content-length: +2'], '{}'],
  ['a negative length', ['content-length: -1'], '{}'],
  ['a hexadecimal length', ['content-length: 0x2'], '{}'],
  ['a length with a point', ['content-length: 2.0'], '{}'],
  ['two numbers for a length', ['content-length: 2 40'], '{}'],
  ['a length beyond all', ['content-length: 99999999999999999999'], '{}'],
  ['an empty length', ['content-length:'], '{}'],
  ['a length before a space', ['content-length : 2'], '{}'],
  ['chunked twice', [chunked, chunked], chunks],
  ['chunked, then identity', ['transfer-encoding: chunked, identity'], chunks],
  ['identity on another line', [chunked, 'transfer-encoding: identity'], chunks],
  ['identity with a length', ['transfer-encoding: identity', 'content-length: 2'], '{}'],
  ['identity alone', ['transfer-encoding: identity'], '{}'],
  ['a coding nobody knows', ['transfer-encoding: xchunked'], chunks],
  ['chunked with a parameter', ['transfer-encoding: chunked;q=1'], chunks],
  ['chunked in quotes', ['transfer-encoding: "chunked"'], chunks],
  ['chunked behind a vertical tab', ['transfer-encoding: \x0bchunked'], chunks],
  ['chunked on a folded line', ['transfer-encoding:', ' chunked'], chunks],
  ['a space before the colon of chunked', ['transfer-encoding : chunked'], chunks],
  ['chunked behind a bare line feed', [`x-a: b\n${chunked}`], chunks],
  ['a negative chunk', [chunked], '-2\r\n{}\r\n0\r\n\r\n'],
  ['a chunk with 0x', [chunked], '0x2\r\n{}\r\n0\r\n\r\n'],
  ['a chunk beyond all', [chunked], 'ffffffffffffffff2\r\n{}\r\n0\r\n\r\n'],
  ['a chunk with a space', [chunked], '2 \r\n{}\r\n0\r\n\r\n'],
  ['chunks by line feeds', [chunked], '2\n{}\n0\n\n'],
  ['a chunk longer than it says', [chunked], '2\r\n{}xx\r\n0\r\n\r\n'],
  ['an extension with a line feed', [chunked], '2;a="b\n"\r\n{}\r\n0\r\n\r\n'],
  ['an extension beyond the limit', [chunked], `2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`],
])('%s is refused, and what stands behind it is no request', async (_, lines, body) => {
  const before = besieged.upstream.seen.length
  const answers = await besieged.attack(post(besieged.admin, lines, body) + smuggled(), 2)
  expect(besieged.codesOf(answers)).toEqual(['arrive.request_malformed'])
  expect(besieged.upstream.seen).toHaveLength(before)
})

test.each<[string, readonly string[], string]>([
  ['white space around chunked', ['transfer-encoding:\tchunked '], chunks],
  ['chunked in other letters', ['Transfer-Encoding: CHUNKED'], chunks],
  ['leading zeros', ['content-length: 0002'], '{}'],
  ['extensions', [chunked], '2;a=b;c\r\n{}\r\n0\r\n\r\n'],
  [
    'trailers that look like headers',
    [chunked],
    `2\r\n{}\r\n0\r\nx-api-key: z\r\nanthropic-workspace-id: w\r\n\r\n`,
  ],
])('%s: one body goes up, framed anew', async (_, lines, body) => {
  const before = besieged.upstream.seen.length
  const answers = await besieged.attack(post(besieged.admin, [...lines, 'connection: close'], body))
  expect(besieged.codesOf(answers)).toEqual([200])
  const seen = besieged.upstream.seen.slice(before)
  expect(seen.map(({ method, url, body: sent }) => [method, url, sent.toString()])).toEqual([
    ['POST', '/v1/environments', '{}'],
  ])
  expect(seen[0]?.headers['content-length']).toBe('2')
  for (const name of ['transfer-encoding', 'trailer', 'anthropic-workspace-id', 'x-api-key']) {
    expect(seen[0]?.headers[name]).toBeUndefined()
  }
})

test.each<[string, (body: string) => readonly [readonly string[], string]]>([
  ['with a length', (body) => [[`content-length: ${body.length}`], body]],
  ['in chunks', (body) => [[chunked], `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`]],
])(
  'the body %s of a denied request never becomes a request, and the one behind it is judged alone',
  async (_, framed) => {
    const before = besieged.upstream.seen.length
    const [lines, body] = framed(smuggled())
    const behind = `GET /v1/agents HTTP/1.1\r\nHost: tollgate\r\nx-api-key: ${besieged.viewer}\r\n\r\n`
    const bytes = post(mangled(besieged.viewer), lines, body) + behind
    expect(besieged.codesOf(await besieged.attack(bytes, 2))).toEqual(['identify.credential_malformed', 200])
    expect(besieged.upstream.seen.slice(before).map(({ url }) => url)).toEqual(['/v1/agents'])
  },
)

test('a body in another coding under its chunks is refused; its end is clear, so what stands behind it is judged', async () => {
  const before = besieged.upstream.seen.length
  const bytes = post(besieged.admin, ['transfer-encoding: gzip, chunked'], chunks) + smuggled()
  expect(besieged.codesOf(await besieged.attack(bytes, 2))).toEqual(['arrive.request_malformed', 200])
  expect(besieged.upstream.seen.slice(before).map(({ url }) => url)).toEqual(['/v1/vaults'])
})

test.each(['GET /v1/agents', 'DELETE /v1/sessions/sesn_1', 'POST /v1/sessions/sesn_1/archive'])(
  '%s has no body, however it is framed',
  async (line) => {
    const before = besieged.upstream.seen.length
    for (const [lines, body] of [
      [[`content-length: ${smuggled().length}`], smuggled()],
      [[chunked], chunks],
      [['content-length: 00'], ''],
    ] as const) {
      const bytes = [
        `${line} HTTP/1.1`,
        'Host: tollgate',
        `x-api-key: ${besieged.admin}`,
        'connection: close',
        ...lines,
        '',
        body,
      ].join('\r\n')
      expect(besieged.codesOf(await besieged.attack(bytes))).toEqual(['arrive.body_unexpected'])
    }
    expect(besieged.upstream.seen).toHaveLength(before)
  },
)

test('a body in chunks has no meaning in HTTP/1.0', async () => {
  const bytes = post(besieged.admin, [chunked], chunks).replace('HTTP/1.1', 'HTTP/1.0')
  expect(besieged.codesOf(await besieged.attack(bytes))).toEqual(['arrive.request_malformed'])
})

test('every refusal was counted', () => besieged.expectAllCounted())

/** One character off: no key any more. */
const mangled = (key: string): string => key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')
