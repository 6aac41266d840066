// The diff of two texts names every line that one has more of, where it stands, and no other.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changedLines, type NumberedLine } from '../../src/changed-lines.ts'
import { runAtOnce } from '../../src/kernel/turns.ts'

const linesOf = (text: string): readonly string[] => text.split('\n').map((line) => line.trim())

function countsOf(lines: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const line of lines) if (line !== '') counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}

/** Lines that `text` has more of than `other`, without places. */
function surplus(text: string, other: string): readonly string[] {
  const others = countsOf(linesOf(other))
  return [...countsOf(linesOf(text))].flatMap(([line, count]) =>
    Array.from({ length: Math.max(0, count - (others.get(line) ?? 0)) }, () => line),
  )
}

const wordsOf = (found: readonly NumberedLine[]): readonly string[] => found.map(({ line }) => line).sort()

// Few words, so that texts share lines, ends and beginnings; some long, so that they are compared in several blocks.
const line = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', '', ' a', 'b\r'),
  fc.constantFrom('x', 'y').map((c) => c.repeat(5_000)),
)
const text = fc
  .tuple(fc.array(line, { maxLength: 8 }), fc.boolean())
  .map(([lines, ends]) => lines.join('\n') + (ends ? '\n' : ''))
const pair = fc
  .tuple(text, text, text, text)
  .map(([head, one, two, tail]) => [head + one + tail, head + two + tail] as const)

test('every line that one text has more of is told with its place, and no other', () => {
  fc.assert(
    fc.property(pair, ([before, after]) => {
      const { removed, added } = runAtOnce(changedLines(before, after))
      expect(wordsOf(removed)).toEqual(surplus(before, after).toSorted())
      expect(wordsOf(added)).toEqual(surplus(after, before).toSorted())
      for (const { number, line: told } of removed) expect(linesOf(before)[number - 1]).toBe(told)
      for (const { number, line: told } of added) expect(linesOf(after)[number - 1]).toBe(told)
    }),
    { numRuns: 500 },
  )
})

test('one change among many lines is one line', () => {
  const lines = Array.from({ length: 3_000 }, (_, at) => `p, role:r${at}, *, vault.read, vault/x, allow`)
  const change = (at: number, by: readonly string[]) =>
    runAtOnce(changedLines(lines.join('\n'), lines.toSpliced(at, 1, ...by).join('\n')))
  expect(change(1_500, ['# gone'])).toEqual({
    removed: [{ number: 1_501, line: lines[1_500] }],
    added: [{ number: 1_501, line: '# gone' }],
  })
  expect(change(0, []).removed).toEqual([{ number: 1, line: lines[0] }])
  expect(change(2_999, []).removed).toEqual([{ number: 3_000, line: lines[2_999] }])
  expect(runAtOnce(changedLines(lines.join('\n'), lines.join('\n')))).toEqual({ removed: [], added: [] })
})
