// Where the members of a JSON object stand in its text, so that one value can be replaced and no other byte.

/** Character offsets of one member's value: `text.slice(start, end)` is the value as written. */
export type Span = { readonly start: number; readonly end: number }

/**
 * The values of the object's own members, by unescaped key, in written order. `text` must be valid JSON without
 * duplicate keys (`readJsonBody` has seen to it), which is why structure and strings are all that is looked at here;
 * anything but an object gives no members. Strings and nested values are passed over, not built.
 */
export function memberSpans(text: string): ReadonlyMap<string, Span> {
  const spans = new Map<string, Span>()
  let depth = 0
  let key = ''
  let start = -1
  const close = (at: number): void => {
    if (start >= 0) spans.set(key, { start, end: trimmedEnd(text, at) })
    start = -1
  }
  for (let at = skipBlank(text, 0); at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at)
        // At depth 1 a string that no value has begun before is a key.
        if (depth === 1 && start < 0) {
          key = unescaped(text, at, end)
          start = skipBlank(text, text.indexOf(':', end) + 1)
          at = start - 1
        } else at = end
        break
      }
      case comma:
        if (depth === 1) close(at)
        break
      case openBrace:
      case openBracket:
        depth++
        // Members are of an object; an array at the top has none.
        if (depth === 1 && text.charCodeAt(at) === openBracket) return spans
        break
      case closeBrace:
      case closeBracket:
        if (depth === 1) close(at)
        depth--
    }
  }
  return spans
}

/** The object's text with further members, written as JSON, at its end; anything else becomes an object of them. */
export function withMembers(text: string, members: string): string {
  const last = [...memberSpans(text).values()].at(-1)
  if (last !== undefined) return `${text.slice(0, last.end)},${members}${text.slice(last.end)}`
  const open = text.indexOf('{')
  return open < 0 ? `{${members}}` : `${text.slice(0, open + 1)}${members}${text.slice(open + 1)}`
}

const quote = 0x22
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const backslash = 0x5c

const isBlank = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d)

function skipBlank(text: string, from: number): number {
  let at = from
  while (isBlank(text.charCodeAt(at))) at++
  return at
}

function trimmedEnd(text: string, from: number): number {
  let end = from
  while (isBlank(text.charCodeAt(end - 1))) end--
  return end
}

/** Index of the quote that closes the string opened at `open`; the text's length when none does. */
export function endOfString(text: string, open: number): number {
  for (let end = text.indexOf('"', open + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes++
    if (backslashes % 2 === 0) return end
  }
  return text.length
}

/** The key between two quotes. `"\u0061gent"` is `agent` to every parser. */
function unescaped(text: string, open: number, close: number): string {
  const written = text.slice(open + 1, close)
  if (!written.includes('\\')) return written
  const key: unknown = JSON.parse(text.slice(open, close + 1))
  return String(key)
}
