// Where the members of a JSON object stand in its text, so that one value can be replaced and no other byte.
import { visit } from 'jsonc-parser'

/** Character offsets of one member's value: `text.slice(start, end)` is the value as written. */
export type Span = { readonly start: number; readonly end: number }

/**
 * The values of the object's own members, by unescaped key, in written order. `text` must be valid JSON without
 * duplicate keys (`readJsonBody` has seen to it); anything but an object gives no members. Nested values are
 * skipped, not built, so a large body costs time but no memory.
 */
export function memberSpans(text: string): ReadonlyMap<string, Span> {
  const spans = new Map<string, Span>()
  let depth = 0
  let key = ''
  let start = 0
  /** `false` tells the visitor to skip the inside; it still reports the end. */
  const begin = (entered: boolean) => (offset: number) => {
    depth++
    start = offset
    return depth === 1 && entered
  }
  const end = (offset: number, length: number): void => {
    if (depth === 2) spans.set(key, { start, end: offset + length })
    depth--
  }
  visit(text, {
    onObjectBegin: begin(true),
    onArrayBegin: begin(false),
    onObjectEnd: end,
    onArrayEnd: end,
    onObjectProperty: (property) => {
      key = property
    },
    onLiteralValue: (_value, offset, length) => {
      if (depth === 1) spans.set(key, { start: offset, end: offset + length })
    },
  })
  return spans
}
