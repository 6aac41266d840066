// Where the elements of a JSON array stand in its text, and the array without some of them: no other byte changes.
import { endOfString, type Span } from './member-spans.ts'

const isBlank = (mark: string | undefined): boolean =>
  mark === ' ' || mark === '\n' || mark === '\r' || mark === '\t'

/** The elements of the array that stands in `text` from `array.start` to `array.end`, which must be valid JSON. */
export function elementSpans(text: string, array: Span): readonly Span[] {
  const spans: Span[] = []
  let depth = 0
  let start = -1
  const close = (at: number): void => {
    let end = at
    while (isBlank(text[end - 1])) end--
    if (start >= 0 && end > start) spans.push({ start, end })
    start = -1
  }
  for (let at = array.start + 1; at < array.end - 1; at++) {
    const mark = text[at]
    if (start < 0 && !isBlank(mark) && mark !== ',') start = at
    if (mark === '"') at = endOfString(text, at)
    else if (mark === '{' || mark === '[') depth++
    else if (mark === '}' || mark === ']') depth--
    else if (mark === ',' && depth === 0) close(at)
  }
  close(array.end - 1)
  return spans
}

/**
 * The text with only those elements left for which `isKept` holds, by position. Separators stay as they were written:
 * each element keeps what stands before it, the first one left takes the place of the first.
 */
export function cutElements(
  text: string,
  array: Span,
  elements: readonly Span[],
  isKept: (at: number) => boolean,
): string {
  const [first] = elements
  const last = elements.at(-1)
  if (first === undefined || last === undefined) return text
  const kept = elements.flatMap((span, at) => (isKept(at) ? [{ span, at }] : []))
  if (kept.length === elements.length) return text
  const [head] = kept
  if (head === undefined) return `${text.slice(0, array.start)}[]${text.slice(array.end)}`
  const inside = kept.map(({ span, at }, position) => {
    const before = elements[at - 1]
    const separator = position === 0 || before === undefined ? '' : text.slice(before.end, span.start)
    return separator + text.slice(span.start, span.end)
  })
  return text.slice(0, first.start) + inside.join('') + text.slice(last.end)
}
