// One reading of a request body. A body that two parsers could read differently is refused here, so the bytes
// we judge are the bytes the upstream acts on; they are never re-serialised.
import { isUtf8 } from 'node:buffer'
import { type ErrorCode, TollgateError } from '../kernel/errors.ts'
import { firstDuplicateKey, firstSyntaxError } from './body-fault.ts'
import { endOfString } from './member-spans.ts'

/** A parsed JSON object. Own keys only: `__proto__` is an ordinary key here, so never `Object.assign` it. */
export type JsonObject = { readonly [key: string]: unknown }

/** The two headers that say how the bytes are to be read; names in lower case, as Node gives them. */
export type BodyHeaders = {
  readonly 'content-type'?: string | undefined
  readonly 'content-encoding'?: string | undefined
}

const maxDepth = 64
// No request of the API comes near it; a body of nothing but `{},` would stop the process for ten seconds.
const maxValues = 500_000
// Keys that a C-string or a replacing decoder would read as another key.
const ambiguousKey = /\0|\p{Surrogate}/u

/**
 * Parses a JSON request body. Numbers beyond a double's precision are rounded in the result only: judge by it,
 * send the bytes. Throws `TollgateError` with a sentence that names the position or the key:
 * `body.type_unsupported` and `body.encoding_unsupported` for the headers, `body.malformed` for what is not JSON
 * (also NaN, comments, trailing text), `body.ambiguous` for a BOM, invalid UTF-8, duplicate keys at any depth
 * and nesting over 64, `body.too_large` for more than 500,000 values, `body.shape` when the top level is not an object.
 */
export function readJsonBody(bytes: Buffer, headers: BodyHeaders): JsonObject {
  checkHeaders(headers)
  if (bytes.length === 0) refuse('body.malformed', 'the body is empty; send a JSON object')
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    refuse('body.ambiguous', 'the body begins with a byte order mark; send plain UTF-8')
  }
  if (!isUtf8(bytes)) refuse('body.ambiguous', 'the body is not valid UTF-8')
  const text = bytes.toString('utf8')
  // Before JSON.parse, which would build any depth it is given.
  const colons = countColons(text)
  const parsed = parse(text)
  // Each colon outside a string is one member written; each own key is one member read.
  if (countMembers(parsed) !== colons) {
    refuse('body.ambiguous', `the body has a duplicate key: ${firstDuplicateKey(text)}; send it once`)
  }
  if (!isObject(parsed)) refuse('body.shape', 'the body must be a JSON object')
  return parsed
}

function refuse(code: ErrorCode, sentence: string): never {
  throw new TollgateError(code, sentence)
}

function checkHeaders(headers: BodyHeaders): void {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    refuse('body.encoding_unsupported', 'a content encoding is not accepted; send the body uncompressed')
  }
  const [type = '', ...parameters] = (headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json') {
    refuse('body.type_unsupported', 'the content type is not accepted; send `content-type: application/json`')
  }
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=')
    const charset = value.trim().replaceAll('"', '').toLowerCase()
    // Also in pieces, `charset*0=utf-; charset*1=16` (RFC 2231).
    if (/^charset/i.test(name.trim()) && charset !== 'utf-8' && charset !== 'utf8') {
      refuse('body.type_unsupported', 'the charset is not accepted; send the body as UTF-8')
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // V8's own message quotes the body, which may hold a secret: ours gives the place only.
    return refuse('body.malformed', `the body is not valid JSON: ${firstSyntaxError(text)}`)
  }
}

/**
 * Counts the colons outside strings, in one pass. On valid JSON that is the number of members written; on
 * anything else the count is never used, because parsing fails first. Throws `body.ambiguous` beyond `maxDepth` and
 * `body.too_large` beyond `maxValues`.
 */
function countColons(text: string): number {
  let colons = 0
  let depth = 0
  let values = 0
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // "
        i = endOfString(text, i)
        break
      case 0x3a: // :
        colons++
        break
      case 0x2c: // ,
        if (++values > maxValues) refuse('body.too_large', `the body has more than ${maxValues} values`)
        break
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > maxDepth) {
          refuse('body.ambiguous', `the body is nested deeper than ${maxDepth} levels at character ${i}`)
        }
        break
      case 0x7d: // }
      case 0x5d: // ]
        depth--
    }
  }
  return colons
}

/** Own keys in the whole value. Recursion is bounded by `maxDepth`, which was checked on the text. */
function countMembers(value: unknown): number {
  if (Array.isArray(value)) {
    let members = 0
    for (const item of value) if (typeof item === 'object') members += countMembers(item)
    return members
  }
  if (!isObject(value)) return 0
  const keys = Object.keys(value)
  let members = keys.length
  for (const key of keys) {
    if (ambiguousKey.test(key)) {
      refuse('body.ambiguous', 'the body has a key with a NUL or half a surrogate pair; rename it')
    }
    const item = value[key]
    if (typeof item === 'object') members += countMembers(item)
  }
  return members
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
