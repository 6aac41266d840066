// Reading a judged body by hand, field by field: this runs on every request, and a schema library takes ten times as
// long. Whatever is not exactly readable throws; guessing would mean judging something else than what runs.
import { lookalikeOf } from '../../upstream/lookalike.ts'

/** A field that cannot be judged. `at` is its path in the body, e.g. `tools.0.type`. Caught where expansion begins. */
export class UnreadableField extends Error {
  readonly at: string
  readonly reason: string

  constructor(at: string, reason: string) {
    super(`\`${at}\` ${reason}`)
    this.name = 'UnreadableField'
    this.at = at
    this.reason = reason
  }
}

/** A JSON object as read from a body. */
export type Fields = { readonly [key: string]: unknown }

/** The names read from one kind of object: `fieldsOf` refuses keys that a lenient parser could take for one of them. */
export type Names = ReadonlySet<string>

/** Ends the reading of this field. */
export function unreadable(
  at: string,
  reason = 'is not readable, so it cannot be judged; see the API reference',
): never {
  throw new UnreadableField(at, reason)
}

/** The value as an object in which every known key is spelled as known. */
export function fieldsOf(value: unknown, at: string, names: Names): Fields {
  if (!isObject(value)) return unreadable(at)
  for (const key in value) {
    if (!names.has(key) && !plainKey.test(key)) {
      const lookalike = lookalikeOf(value, names)
      if (lookalike !== null)
        unreadable(at, `has the key \`${printable(lookalike)}\`, too close to a known one`)
      return value
    }
  }
  return value
}

/** Null and absence are the same to the upstream wherever this is asked. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null
}

/** The value as a list of at most `itemsMax` items. */
export function listOf(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length > itemsMax) return unreadable(at)
  return value
}

/** An id: what the upstream might trim, decode or take for another one is refused. */
export function idOf(value: unknown, at: string): string {
  if (typeof value !== 'string' || !plainId.test(value)) return unreadable(at)
  return value
}

/** A word that decides something (a type, a model, a tool's name): visible ASCII, nothing to trim or fold. */
export function wordOf(value: unknown, at: string): string {
  if (typeof value !== 'string' || !visible.test(value)) return unreadable(at)
  return value
}

/** Any text that is not empty. */
export function textOf(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '' || value.length > textMax) return unreadable(at)
  return value
}

/** True, false, or the default where it is absent. */
export function flagOf(value: unknown, at: string, ifAbsent: boolean): boolean {
  if (isAbsent(value)) return ifAbsent
  return typeof value === 'boolean' ? value : unreadable(at)
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const itemsMax = 1_000
const textMax = 4_096
// Such a key is its own lower case and compatibility form, so it cannot be a lookalike.
const plainKey = /^[a-z0-9_.-]*$/
const plainId = /^[A-Za-z0-9_-]{1,128}$/
const visible = /^[\x21-\x7e]{1,256}$/

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
