// A JSON text with some of its values changed and no other byte: what `force` does to a body.
import { elementSpans } from '../upstream/element-spans.ts'
import { memberSpans, type Span } from '../upstream/member-spans.ts'
import type { Edit, JsonPath } from './rule.ts'

/**
 * The text with every edit made. All paths are of the text as it was, so an edit does not move the positions of
 * another; of several edits of one value the last counts. `set` adds a member after the last one, and an element where
 * the position is the array's length. Removing what is not there changes nothing. Throws a plain `Error` for a path that
 * leads through something that is neither object nor array. `text` must be valid JSON without duplicate keys.
 */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return text
  const root = newChange()
  for (const edit of edits) plan(root, edit)
  return rewrite(text, root)
}

/** Where the value at `path` stands in the text; null when there is none. */
export function findSpan(text: string, path: JsonPath): Span | null {
  const from = text.search(/[^\s]/)
  let span: Span = { start: Math.max(from, 0), end: text.trimEnd().length }
  for (const step of path) {
    const inside = text.slice(span.start, span.end)
    const found: Span | undefined =
      typeof step === 'number'
        ? inside.startsWith('[')
          ? elementSpans(inside, { start: 0, end: inside.length })[step]
          : undefined
        : memberSpans(inside).get(step)
    if (found === undefined) return null
    span = { start: span.start + found.start, end: span.start + found.end }
  }
  return span
}

/** What becomes of one value: another text, nothing at all, or changes within. */
type Change = {
  text: string | null
  isRemoved: boolean
  readonly within: Map<string | number, Change>
}

const newChange = (): Change => ({ text: null, isRemoved: false, within: new Map() })

function plan(root: Change, edit: Edit): void {
  let change = root
  for (const step of edit.path) {
    const next = change.within.get(step) ?? newChange()
    change.within.set(step, next)
    change = next
  }
  change.within.clear()
  change.isRemoved = edit.kind === 'remove'
  change.text = edit.kind === 'set' ? edit.text.trim() : null
}

function rewrite(written: string, change: Change): string {
  const text = change.text ?? written
  if (change.within.size === 0) return text
  const open = text.search(/[^\s]/)
  if (text[open] === '{') return rewriteItems(text, open, members(text, open), change)
  if (text[open] === '[') return rewriteItems(text, open, elements(text, open), change)
  throw new Error('an edit leads through a value that has no members')
}

/** One member or element: where it begins (at its key), where its value begins, where it ends. */
type Item = {
  readonly step: string | number
  readonly start: number
  readonly value: number
  readonly end: number
}

function members(text: string, open: number): readonly Item[] {
  let after = open + 1
  return [...memberSpans(text)].map(([step, span]) => {
    // Between two members there are blanks and a comma only.
    const start = text.indexOf('"', after)
    after = span.end
    return { step, start, value: span.start, end: span.end }
  })
}

function elements(text: string, open: number): readonly Item[] {
  return elementSpans(text, { start: open, end: text.trimEnd().length }).map(({ start, end }, step) => ({
    step,
    start,
    value: start,
    end,
  }))
}

// Each item keeps what stands before it; the first one left takes the place of the first.
function rewriteItems(text: string, open: number, items: readonly Item[], { within }: Change): string {
  const kept: string[] = []
  for (const [at, item] of items.entries()) {
    const change = within.get(item.step)
    if (change?.isRemoved === true) continue
    const before = items[at - 1]
    if (kept.length > 0 && before !== undefined) kept.push(text.slice(before.end, item.start))
    const value = text.slice(item.value, item.end)
    kept.push(text.slice(item.start, item.value), change === undefined ? value : rewrite(value, change))
  }
  const known = new Set(items.map(({ step }) => step))
  const isArray = text[open] === '['
  for (const [step, change] of within) {
    if (known.has(step) || change.isRemoved) continue
    if (isArray !== (typeof step === 'number')) throw new Error('an edit takes an array for an object')
    if (kept.length > 0) kept.push(',')
    kept.push(isArray ? '' : `${JSON.stringify(step)}:`, rewrite('{}', change))
  }
  const first = items[0]?.start ?? open + 1
  const last = items.at(-1)?.end ?? open + 1
  return text.slice(0, first) + kept.join('') + text.slice(last)
}
