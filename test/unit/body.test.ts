import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TollgateError } from '../../src/kernel/errors.ts'
import { readJsonBody } from '../../src/upstream/body.ts'

const json = { 'content-type': 'application/json' }
const read = (text: string): unknown => readJsonBody(Buffer.from(text), json)

const refusal = (bytes: Buffer, headers: Parameters<typeof readJsonBody>[1] = json) => {
  try {
    readJsonBody(bytes, headers)
    return { code: 'accepted', message: '' }
  } catch (error) {
    if (error instanceof TollgateError) return { code: error.code, message: error.message }
    throw error
  }
}

test.each([
  ['a repeated key', '{"a":1,"a":2}', 'body.ambiguous', '`a` at line 1, column 8'],
  ['a repeated key under an escape', '{"a":{"b":[{"x":1,"\\u0078":2}]}}', 'body.ambiguous', '`x`'],
  ['a repeated `__proto__`', '{"__proto__":1,"__proto__":2}', 'body.ambiguous', '`__proto__`'],
  ['a repeated empty key', '{"":1,"":2}', 'body.ambiguous', 'duplicate key'],
  ['a byte order mark', '\ufeff{}', 'body.ambiguous', 'byte order mark'],
  ['a key cut by NUL', '{"agent\\u0000":1}', 'body.ambiguous', 'NUL'],
  ['half a surrogate pair in a key', '{"\\ud800":1}', 'body.ambiguous', 'surrogate'],
  ['65 levels', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'body.ambiguous', 'deeper than 64'],
  ['five million levels', '['.repeat(5_000_000), 'body.ambiguous', 'deeper than 64'],
  ['NaN', '{"a":NaN}', 'body.malformed', 'line 1, column 6'],
  ['-Infinity', '{"a":-Infinity}', 'body.malformed', 'line 1'],
  ['trailing text', '{"a":1}x', 'body.malformed', 'column 8'],
  ['a second document', '{"a":1}{}', 'body.malformed', 'column 8'],
  ['a trailing comma', '{\n  "a": 1,\n}', 'body.malformed', 'line 3'],
  ['a comment', '{"a":1 /* c */}', 'body.malformed', 'comment'],
  ['a raw control character', '{"a":"\u0001"}', 'body.malformed', 'line 1'],
  ['a leading zero', '{"a":01}', 'body.malformed', 'line 1'],
  ['single quotes', "{'a':1}", 'body.malformed', 'line 1'],
  ['an open string', '{"a":"x', 'body.malformed', 'line 1'],
  ['a no-break space', '\u00a0{}', 'body.malformed', 'line 1'],
  ['nothing', '', 'body.malformed', 'empty'],
  ['an array', '[]', 'body.shape', 'object'],
  ['null', 'null', 'body.shape', 'object'],
  ['a string', '"agent"', 'body.shape', 'object'],
])('a body with %s is refused, and the sentence says why', (_name, text, code, why) => {
  const { code: got, message } = refusal(Buffer.from(text))
  expect(got).toBe(code)
  expect(message).toContain(why)
})

test('invalid UTF-8 is refused, in whatever form another decoder might accept it', () => {
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])
    expect(refusal(body).code).toBe('body.ambiguous')
  }
  expect(refusal(Buffer.from('{"a":1}', 'utf16le')).code).toBe('body.malformed')
})

test('only plain JSON in UTF-8 is accepted by its headers', () => {
  const body = Buffer.from('{}')
  const code = (type?: string, encoding?: string) =>
    refusal(body, { 'content-type': type, 'content-encoding': encoding }).code
  expect(code('application/json')).toBe('accepted')
  expect(code('Application/JSON; charset="UTF-8"; x=y')).toBe('accepted')
  expect(code('application/json', 'identity')).toBe('accepted')
  for (const type of [undefined, '', 'text/plain', 'application/json5', 'application/vnd.api+json']) {
    expect(code(type)).toBe('body.type_unsupported')
  }
  expect(code('application/json; charset=utf-16')).toBe('body.type_unsupported')
  expect(code('application/json', 'gzip')).toBe('body.encoding_unsupported')
})

test('what is legal JSON passes: repeated keys in different objects, odd strings, `__proto__`, huge numbers', () => {
  expect(read('{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}')).toBeTypeOf('object')
  expect(read('{"a":"\\\\\\":{[\\\\","b":"\\ud83d"}')).toEqual({ a: '\\":{[\\', b: '\ud83d' })
  expect(read('{"n":9223372036854775807,"e":1e999}')).toEqual({ n: 2 ** 63, e: Infinity })
  expect(read(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`)).toBeTypeOf('object')
  const hostile = read('{"__proto__":{"polluted":true}}')
  expect(Object.keys(Object(hostile))).toEqual(['__proto__'])
  expect({}).not.toHaveProperty('polluted')
})

// JSON text with free choice of keys, so that duplicates happen, and of escapes, so that they hide.
type Node = { readonly text: string; readonly isAmbiguous: boolean }
const spell = (key: string, isEscaped: boolean): string =>
  isEscaped
    ? `"\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${JSON.stringify(key.slice(1)).slice(1)}`
    : JSON.stringify(key)
const documents = fc.letrec<{ node: Node; object: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc
      .oneof(fc.double({ noNaN: true }), fc.string({ unit: 'binary' }), fc.constantFrom(true, null))
      .map((leaf) => ({
        text: JSON.stringify(leaf),
        isAmbiguous: false,
      })),
    fc.array(tie('node'), { maxLength: 3 }).map((nodes) => ({
      text: `[${nodes.map(({ text }) => text).join(' ,')}]`,
      isAmbiguous: nodes.some((node) => node.isAmbiguous),
    })),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'id', 'é', '{":', 'constructor'), fc.boolean(), tie('node')), {
      maxLength: 4,
    })
    .map((members) => ({
      text: `{${members.map(([key, isEscaped, { text }]) => `${spell(key, isEscaped)}\t: ${text}`).join(',\n')}}`,
      isAmbiguous:
        new Set(members.map(([key]) => key)).size < members.length ||
        members.some(([, , node]) => node.isAmbiguous),
    })),
}))

test('a body is refused exactly when some object repeats a key, however it is spelled; else read as JSON.parse', () => {
  fc.assert(
    fc.property(documents.object, ({ text, isAmbiguous }) => {
      if (isAmbiguous) expect(refusal(Buffer.from(text)).code).toBe('body.ambiguous')
      else expect(read(text)).toEqual(JSON.parse(text))
    }),
    { numRuns: 2000 },
  )
})

test('broken bytes are refused by a TollgateError that never quotes them', () => {
  const secret = 'sk-ant-api03-secret'
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(60), (noise, at) => {
      const whole = `{"auth":{"token":"${secret}"},"list":[1,{"b":null}]}`
      const { message } = refusal(Buffer.from(whole.slice(0, at) + noise + whole.slice(at + 3)))
      expect(message).not.toContain(secret)
    }),
    { numRuns: 1000 },
  )
})

test('a body of very many values is refused before it is built', () => {
  const many = Buffer.from(`{"a":[${'{},'.repeat(600_000)}1]}`)
  expect(() => readJsonBody(many, { 'content-type': 'application/json' })).toThrow(/more than 500000 values/)
  const commas = Buffer.from(`{"a":"${','.repeat(600_000)}"}`)
  expect(readJsonBody(commas, { 'content-type': 'application/json' })).toHaveProperty('a')
})

test('a charset in the extended notation is a charset too', () => {
  const type = "application/json; charset*=us-ascii''utf-16"
  expect(() => readJsonBody(Buffer.from('{}'), { 'content-type': type })).toThrow(/charset/)
})
