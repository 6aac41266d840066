// Reading values that somebody sent: own members only, nothing taken for what it is not.
import { ownValue } from './agent-reference.ts'

export type JsonObject = { readonly [key: string]: unknown }

/** An object of JSON, not null and no array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own member of an object; undefined for anything else. */
export function member(value: unknown, key: string): unknown {
  return isObject(value) ? ownValue(value, key) : undefined
}

/** An own member that is a text; undefined for anything else. */
export function textMember(value: unknown, key: string): string | undefined {
  const found = member(value, key)
  return typeof found === 'string' ? found : undefined
}

/** Printable and short, for sentences, headers and records. */
export function shorten(text: string, lengthMax = 64): string {
  const printable = text.replaceAll(/[^\x20-\x7e]/g, '?')
  return printable.length > lengthMax ? `${printable.slice(0, lengthMax)}…` : printable
}
