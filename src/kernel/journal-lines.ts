// The journal's line: eight hex digits of CRC-32, a space, the record as JSON, a newline. JSON text holds no
// raw newline, so a damaged line ends where the next begins and costs nothing but itself.
import { crc32 } from 'node:zlib'
import type { JournalRecord } from './journal.ts'

/** A longer line is refused when written and taken for damage when read; bounds the memory of both sides. */
export const lineBytesMax = 1024 * 1024

const newline = 0x0a
const checksumBytes = 8

/** The record's line, newline included. Throws TypeError when the record is not JSON (a bigint, a cycle). */
export function encodeLine(record: JournalRecord): string {
  const json = JSON.stringify(record)
  return `${checksumOf(json)} ${json}\n`
}

/** The record of one line (newline excluded), or null when the line is not exactly what was written. */
export function decodeLine(line: Buffer): JournalRecord | null {
  if (line.length <= checksumBytes + 1) return null
  const json = line.subarray(checksumBytes + 1)
  if (line.toString('latin1', 0, checksumBytes + 1) !== `${checksumOf(json)} `) return null
  return parseRecord(json.toString('utf8'))
}

type LineSpan = { readonly start: number; readonly end: number }

/** The complete lines of a chunk (newlines excluded), and where the unfinished rest begins. */
export function splitLines(chunk: Buffer): { readonly lines: readonly LineSpan[]; readonly rest: number } {
  const lines: LineSpan[] = []
  let start = 0
  for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
    lines.push({ start, end })
    start = end + 1
  }
  return { lines, rest: start }
}

function checksumOf(json: string | Buffer): string {
  return crc32(json).toString(16).padStart(checksumBytes, '0')
}

function parseRecord(json: string): JournalRecord | null {
  try {
    const value: unknown = JSON.parse(json)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is JournalRecord {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string'
}
