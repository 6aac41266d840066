// Two texts line by line, as people compare them: what went, what came, in the order of the text.

/** One line of a comparison: only in the old text, only in the new, or left out because both have it. */
export type DifferingLine = { readonly kind: 'removed' | 'added'; readonly line: string }

/** Beyond so many comparisons the differing middle is told as a whole: no order is worth a minute. */
const comparisonsMax = 4_000_000

/** Lines that are in one of the texts only, by the longest sequence that both share; none when they are the same. */
export function compareLines(before: string, after: string): readonly DifferingLine[] {
  if (before === after) return []
  const left = splitLines(before)
  const right = splitLines(after)
  let head = 0
  while (head < left.length && head < right.length && left[head] === right[head]) head++
  let tail = 0
  const most = Math.min(left.length, right.length) - head
  while (tail < most && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail++
  return compareMiddle(left.slice(head, left.length - tail), right.slice(head, right.length - tail))
}

const splitLines = (text: string): readonly string[] => (text === '' ? [] : text.split('\n'))
const removed = (line: string): DifferingLine => ({ kind: 'removed', line })
const added = (line: string): DifferingLine => ({ kind: 'added', line })

function compareMiddle(left: readonly string[], right: readonly string[]): readonly DifferingLine[] {
  if (left.length * right.length > comparisonsMax) return [...left.map(removed), ...right.map(added)]
  const width = right.length + 1
  // Cell (i, j): how many lines the rests of both texts share from i and j on.
  const shared = new Uint32Array((left.length + 1) * width)
  const at = (i: number, j: number): number => shared[i * width + j] ?? 0
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      const isSame = left[i] === right[j]
      shared[i * width + j] = isSame ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: DifferingLine[] = []
  let j = 0
  for (const [i, line] of left.entries()) {
    while (j < right.length && right[j] !== line && at(i, j + 1) > at(i + 1, j)) {
      lines.push(added(right[j] ?? ''))
      j++
    }
    if (j < right.length && right[j] === line) j++
    else lines.push(removed(line))
  }
  return [...lines, ...right.slice(j).map(added)]
}
