// What a snapshot must show before it may decide anything: that the index loses no rule, that an empty list allows
// nothing, and that a stranger gets only what is written for everybody. A slip of ours then stops a reload, not a gate.
import { PolicyFileError } from '../kernel/errors.ts'
import type { Steps } from '../kernel/turns.ts'
import type { Judge } from './judge.ts'
import { matchesAction, matchesObject } from './pattern.ts'
import type { Policy } from './policy-file.ts'
import { unknownTeam } from './roles.ts'
import type { RuleBook } from './rule-book.ts'
import type { RuleRow } from './rule-index.ts'
import { objectKindOf } from './vocabulary.ts'

export type SelfTestParts = {
  readonly policy: Policy
  readonly book: RuleBook
  readonly judge: Judge
  readonly closureOf: (sub: string, dom: string) => ReadonlySet<string>
}

/** Rules that are looked at one by one, spread over the file. */
const samplesMax = 32

/** Throws PolicyFileError at the rule for which the parts do not agree with each other. Pauses between questions. */
export function* selfTest(parts: SelfTestParts): Steps<void> {
  const { book, policy } = parts
  const step = Math.max(1, Math.floor(book.rows.length / samplesMax))
  for (let at = 0; at < book.rows.length; at += step) {
    const row = book.rows[at]
    if (row !== undefined) checkRow(parts, row, policy.rules[at]?.line ?? 0)
    yield
  }
  for (const [action, kind] of objectKindOf) {
    checkStranger(parts, action, `${kind}/*`)
    yield
  }
}

type Question = readonly [sub: string, dom: string, act: string, obj: string]

const stranger = 'caller:?'

/** A question that this rule answers: the index must find the rules that reading all of them finds. */
function checkRow({ policy, book, judge, closureOf }: SelfTestParts, row: RuleRow, line: number): void {
  const question = questionFor(row)
  const [sub, dom, act, obj] = question
  const closure = closureOf(sub, dom)
  const found = book.index.find(closure, dom, act, obj).map((each) => each.row)
  const all = book.rows.filter(
    ([who, team, action, object]) =>
      (who === '*' || closure.has(who)) &&
      (team === '*' || team === dom) &&
      matchesAction(act, action) &&
      matchesObject(obj, object),
  )
  const isSame = found.length === all.length && all.every((each, at) => each === found[at])
  if (!isSame || !found.includes(row)) {
    throw new PolicyFileError(
      policy.file,
      line,
      'the rule index does not find this rule; this is a defect of ours',
    )
  }
  const [allowed, by] = judge(found, ...question)
  if (allowed && by?.[4] !== 'allow') {
    throw new PolicyFileError(
      policy.file,
      line,
      'allowed without a rule; this is a defect of ours, or of Casbin',
    )
  }
}

function questionFor([sub, dom, act, obj]: RuleRow): Question {
  const action = act.endsWith('*') ? anyAction(act) : act
  const object =
    obj === '*'
      ? `${objectKindOf.get(action) ?? 'session'}/x`
      : obj.endsWith('*')
        ? `${obj.slice(0, -1)}x`
        : obj
  return [sub === '*' ? stranger : sub, dom === '*' ? unknownTeam : dom, action, object]
}

function anyAction(pattern: string): string {
  return [...objectKindOf.keys()].find((action) => matchesAction(action, pattern)) ?? pattern
}

/** Whoever nobody has heard of is allowed what is written for `*`, and denied by an empty list even that. */
function checkStranger({ policy, book, judge, closureOf }: SelfTestParts, act: string, obj: string): void {
  const question = [stranger, unknownTeam, act, obj] as const
  const found = book.index.find(closureOf(stranger, unknownTeam), unknownTeam, act, obj)
  const [allowed, by] = judge(
    found.map(({ row }) => row),
    ...question,
  )
  if (allowed && by?.[0] !== '*') {
    throw new PolicyFileError(
      policy.file,
      0,
      `a stranger is allowed \`${act}\`; the model is not what it should be`,
    )
  }
  if (judge([], ...question)[0]) {
    throw new PolicyFileError(
      policy.file,
      0,
      `without any rule \`${act}\` is allowed; the model is not what it should be`,
    )
  }
}
