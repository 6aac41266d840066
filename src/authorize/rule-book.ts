// The rules of one policy as Casbin takes them, with the index in front and the way back to their lines.
// Made once per policy; the snapshot in force and the one that runs the cases share it.
import type { Steps } from '../kernel/turns.ts'
import type { Policy } from './policy-file.ts'
import { createRuleIndex, type RuleIndex, type RuleRow } from './rule-index.ts'

export type RuleBook = {
  /** In file order. */
  readonly rows: readonly RuleRow[]
  readonly index: RuleIndex
  /** A row's name for people, e.g. `policy.csv:14`. The row must be one of `rows`, the same object. */
  readonly nameOf: (row: readonly string[]) => string
}

/** Makes the book, pausing wherever it may. */
export function* createRuleBook({ file, rules }: Policy): Steps<RuleBook> {
  const fileName = file.replace(/^.*\//, '')
  const lineOf = new Map<readonly string[], number>()
  const rows: RuleRow[] = []
  for (const { line, sub, dom, act, obj, eft } of rules) {
    const row: RuleRow = [sub, dom, act, obj, eft]
    rows.push(row)
    lineOf.set(row, line)
    yield
  }
  const index = yield* createRuleIndex(rows)
  return { rows, index, nameOf: (row) => `${fileName}:${lineOf.get(row) ?? 0}` }
}
