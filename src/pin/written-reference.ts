// The agent reference as it stands in the body's text: which version it names, and how to make it name another
// without touching any other byte.
import { memberSpans, type Span } from '../upstream/member-spans.ts'

/** The value of `agent` as written, and where. */
export type WrittenReference = {
  readonly span: Span
  readonly text: string
  /** The version in plain decimal; null for latest and for anything that is not exactly a version. */
  readonly version: number | null
  /** What was asked for: `latest`, or the version as written. */
  readonly requested: string
}

// `3.0`, `3e0` and `2.9999999999999999999` are 3 to a double and something else to others: none of them names 3.
const plainVersion = /^[1-9]\d{0,14}$/

/**
 * Finds the member `agent` in the text of a JSON object. The version is judged by its text, not its value: only
 * what every parser reads as the same whole number counts. Throws a plain `Error` when there is no such member.
 */
export function findReference(body: string): WrittenReference {
  const span = memberSpans(body).get('agent')
  if (span === undefined) throw new Error('the body has no member `agent`')
  const text = body.slice(span.start, span.end)
  const inside = memberSpans(text).get('version')
  const written = inside === undefined ? 'null' : text.slice(inside.start, inside.end)
  if (written === 'null') return { span, text, version: null, requested: 'latest' }
  const version = plainVersion.test(written) ? Number(written) : null
  return { span, text, version, requested: written.length <= 32 ? written : 'unreadable' }
}

/**
 * The body with the reference naming `version`. An id in a string becomes an object; in an object only the value
 * of `version` is replaced, or the member added after the last one. `text` is the UTF-8 text of `body`.
 */
export function rewriteVersion(
  body: Buffer,
  text: string,
  found: WrittenReference,
  id: string,
  version: number,
): Buffer {
  const start = Buffer.byteLength(text.slice(0, found.span.start))
  const end = start + Buffer.byteLength(found.text)
  const rewritten = withVersion(found.text, id, version)
  return Buffer.concat([body.subarray(0, start), Buffer.from(rewritten), body.subarray(end)])
}

/** The JSON that names this version in full: what a developer should have sent. */
export function referenceTo(id: string, version: number): string {
  return JSON.stringify({ type: 'agent', id, version })
}

function withVersion(text: string, id: string, version: number): string {
  const members = memberSpans(text)
  const written = members.get('version')
  if (written !== undefined) return text.slice(0, written.start) + version + text.slice(written.end)
  const last = [...members.values()].at(-1)
  if (last === undefined) return referenceTo(id, version)
  return `${text.slice(0, last.end)},"version":${version}${text.slice(last.end)}`
}
