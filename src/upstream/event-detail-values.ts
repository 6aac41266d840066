// Single values out of a raw event, each in a form that cannot carry a sentence: ids, codes, short names, counts, sizes.

export type Plain = { readonly [key: string]: unknown }

/** A digest of a tool's input that shows equality and nothing else. */
export type HashInput = (input: unknown) => string

export const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const identifierPattern = /^[A-Za-z0-9_.:@/-]{1,256}$/
const codePattern = /^[A-Za-z0-9_.-]{1,64}$/
const nameCharsMax = 128

/** An id as the upstream gives them out; undefined for anything else. */
export function identifierOf(raw: unknown): string | undefined {
  return typeof raw === 'string' && identifierPattern.test(raw) ? raw : undefined
}

/** A word of the upstream's own; `other` for a string that is none, undefined for anything else. */
export function codeOf(raw: unknown): string | undefined {
  if (typeof raw !== 'string') return undefined
  return codePattern.test(raw) ? raw : 'other'
}

/** A name that a person chose for a tool, server or agent, cut to 128 characters. */
export function nameOf(raw: unknown): string | undefined {
  return typeof raw === 'string' && raw !== '' ? raw.slice(0, nameCharsMax).toWellFormed() : undefined
}

/** A whole, exact, non-negative number. */
export function countOf(raw: unknown): number | undefined {
  return typeof raw === 'number' && Number.isSafeInteger(raw) && raw >= 0 ? raw : undefined
}

/** Size of a text in bytes of UTF-8; undefined when it is none. */
export function bytesOf(raw: unknown): number | undefined {
  return typeof raw === 'string' ? Buffer.byteLength(raw) : undefined
}
