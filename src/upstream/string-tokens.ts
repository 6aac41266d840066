// Strings in the text of a JSON document, replaced one by one wherever they stand as a value: no other byte changes.
import { endOfString } from './member-spans.ts'

/**
 * The text with every string value that reads as a key of `replacements`, escapes or not, written as its value. Names
 * of members stay. `text` must be valid JSON, decoded as latin1 or UTF-8; what is replaced is ASCII.
 */
export function replaceStrings(text: string, replacements: ReadonlyMap<string, string>): string {
  let out = ''
  let from = 0
  for (let open = text.indexOf('"'); open >= 0; open = text.indexOf('"', open)) {
    const close = endOfString(text, open)
    const replacement = replacements.get(read(text.slice(open, close + 1)))
    if (replacement !== undefined && !isName(text, close + 1)) {
      out += text.slice(from, open) + JSON.stringify(replacement)
      from = close + 1
    }
    open = close + 1
  }
  return out + text.slice(from)
}

function read(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1)
  const value: unknown = JSON.parse(token)
  return String(value)
}

function isName(text: string, from: number): boolean {
  return /^[ \t\r\n]*:/.test(text.slice(from, from + 64))
}
