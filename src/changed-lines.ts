// Which lines two texts do not share. What both begin and end with is passed over, so that one changed rule among ten
// thousand costs next to nothing; the rest is counted line by line, in steps.
import type { Steps } from './kernel/turns.ts'

/** A line without the blanks around it, and its number in the text it is from, from 1. */
export type NumberedLine = { readonly number: number; readonly line: string }

export type ChangedLines = {
  readonly removed: readonly NumberedLine[]
  readonly added: readonly NumberedLine[]
}

/** Lines that only one of the texts has, each as often as it has more of them; empty ones are no change. Linear. */
export function* changedLines(before: string, after: string): Steps<ChangedLines> {
  const head = yield* sameHead(before, after)
  const tail = yield* sameTail(before, after, head)
  const first = countLines(before, head) + 1
  const left: Stretch = { text: before, start: head, end: before.length - tail, first }
  const right: Stretch = { text: after, start: head, end: after.length - tail, first }
  return { removed: yield* onlyIn(left, right), added: yield* onlyIn(right, left) }
}

/** Whole lines of a text, from one offset to another; `first` is the number of the line at `start`. */
type Stretch = {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly first: number
}

function* onlyIn(stretch: Stretch, other: Stretch): Steps<readonly NumberedLine[]> {
  const left = new Map<string, number>()
  for (const { line } of linesOf(other)) {
    left.set(line, (left.get(line) ?? 0) + 1)
    yield
  }
  const found: NumberedLine[] = []
  for (const each of linesOf(stretch)) {
    const count = left.get(each.line) ?? 0
    if (count > 0) left.set(each.line, count - 1)
    else if (each.line !== '') found.push(each)
    yield
  }
  return found
}

function* linesOf({ text, start, end, first }: Stretch): Generator<NumberedLine, void, undefined> {
  let number = first
  for (let from = start; from < end; number++) {
    const found = text.indexOf('\n', from)
    const to = found === -1 || found > end ? end : found
    yield { number, line: text.slice(from, to).trim() }
    from = to + 1
  }
}

/** Characters compared at once; a step of some microseconds. */
const blockLength = 4_096

/** How many characters both texts begin with, as whole lines. */
function* sameHead(left: string, right: string): Steps<number> {
  const most = Math.min(left.length, right.length)
  let at = 0
  while (at + blockLength <= most && left.startsWith(right.slice(at, at + blockLength), at)) {
    at += blockLength
    yield
  }
  while (at < most && left.charCodeAt(at) === right.charCodeAt(at)) at++
  return at === left.length && at === right.length ? at : left.slice(0, at).lastIndexOf('\n') + 1
}

/** How many characters both texts end with after `head`, as whole lines. */
function* sameTail(left: string, right: string, head: number): Steps<number> {
  const most = Math.min(left.length, right.length) - head
  const isSame = (from: number, to: number): boolean =>
    left.slice(left.length - to, left.length - from) === right.slice(right.length - to, right.length - from)
  let at = 0
  while (at + blockLength <= most && isSame(at, at + blockLength)) {
    at += blockLength
    yield
  }
  while (at < most && isSame(at, at + 1)) at++
  // What is left of it begins behind a line's end, in both.
  const lineEnd = left.indexOf('\n', left.length - at)
  return at === 0 || lineEnd === -1 ? 0 : left.length - lineEnd - 1
}

function countLines(text: string, end: number): number {
  let lines = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
