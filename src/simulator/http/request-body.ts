// The body of a request: read whole, decoded, parsed; refused as the upstream refuses what it cannot read.

import type { IncomingMessage } from 'node:http'
import { brotliDecompressSync, gunzipSync, inflateSync, type ZlibOptions } from 'node:zlib'
import { invalidRequest, tooLarge } from './api-error.ts'
import type { OpenRecord } from './request-record.ts'

/** The largest JSON body (the documented 32 MB). */
export const bodyLimitBytes = 32 * 1024 * 1024
const recordedBodyBytes = 64 * 1024

const decoders: Readonly<Record<string, (body: Buffer, options: ZlibOptions) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
}

/** What charsets are read as (SDK 1.12.0: `unsupported_charset` names these three). */
const charsets: Readonly<Record<string, BufferEncoding>> = {
  'utf-8': 'utf8',
  utf8: 'utf8',
  'iso-8859-1': 'latin1',
  'us-ascii': 'utf8',
}

/** Reads to the end and notes it in the record. Answers null, with no more than the start recorded, when over the limit. */
export async function readBytes(
  request: IncomingMessage,
  record: OpenRecord,
  limitBytes: number,
): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    record.bodyBytes += bytes.length
    // Leaving the loop early would cut the connection before the 413 could be read.
    if (record.bodyBytes <= limitBytes) chunks.push(bytes)
    else chunks.length = 0
  }
  if (record.bodyBytes > limitBytes) return null
  const body = Buffer.concat(chunks)
  record.bodyText = body.subarray(0, recordedBodyBytes).toString()
  return body
}

/** The JSON of the body, undefined when there is none. Throws 400 or 413. */
export async function readJsonBody(request: IncomingMessage, record: OpenRecord): Promise<unknown> {
  const bytes = await readBytes(request, record, bodyLimitBytes)
  if (bytes === null) throw tooLarge(bodyLimitBytes)
  if (bytes.length === 0) return undefined
  const charset = /charset="?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1] ?? 'utf-8'
  const encoding = charsets[charset.toLowerCase()]
  if (encoding === undefined) {
    throw invalidRequest(`the charset \`${charset}\` is not supported: send utf-8`, 'unsupported_charset')
  }
  const text = decode(bytes, request.headers['content-encoding']).toString(encoding)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalidRequest(`The request body is not valid JSON: ${String(error).replace(/^SyntaxError: /, '')}`)
  }
}

function decode(bytes: Buffer, contentEncoding: string | undefined): Buffer {
  if (contentEncoding === undefined || contentEncoding === 'identity') return bytes
  const decoder = decoders[contentEncoding.toLowerCase()]
  if (decoder === undefined) {
    const message = `the content-encoding \`${contentEncoding}\` is not supported: send gzip, deflate, br or none`
    throw invalidRequest(message, 'request_body_encoding_unsupported')
  }
  try {
    return decoder(bytes, { maxOutputLength: bodyLimitBytes })
  } catch (error) {
    if (error instanceof RangeError) {
      throw tooLarge(bodyLimitBytes, 'request_body_too_large_after_decoding')
    }
    throw invalidRequest(`the request body is not valid ${contentEncoding}`, 'request_body_encoding_invalid')
  }
}
