// Why a policy answers as it does, rule by rule: which rules apply to a question, and which nearly do, clause by
// clause. For people; off the path of requests, and without the index, so it can also tell on the index.
import { matchesAction, matchesObject } from './pattern.ts'
import type { PolicyRule } from './policy-file.ts'
import { objectKindOf } from './vocabulary.ts'

/** May somebody with these subjects (itself and every role it reaches), in this team, do this to that? */
export type Question = {
  readonly subjects: ReadonlySet<string>
  readonly team: string
  readonly action: string
  readonly object: string
}

/** The four things a rule asks, in the order in which people look at them. */
export const clauses = ['role', 'team', 'action', 'object'] as const

export type Clause = (typeof clauses)[number]

/** A rule that would allow, and what keeps it from doing so. */
export type Miss = { readonly rule: PolicyRule; readonly missed: readonly Clause[] }

/** Every rule, allow and deny, whose four clauses hold. */
export function applicableRules(rules: readonly PolicyRule[], question: Question): readonly PolicyRule[] {
  return rules.filter((rule) => missedClauses(rule, question).length === 0)
}

/**
 * The allow rules that come nearest without applying: those that miss one clause, or two when none misses one.
 * Rules that could never be about such an object (another kind) are left out.
 */
export function nearestMisses(
  rules: readonly PolicyRule[],
  question: Question,
  countMax: number,
): readonly Miss[] {
  const misses: Miss[] = []
  for (const rule of rules) {
    if (rule.eft === 'deny' || !isAboutKind(rule, question)) continue
    const missed = missedClauses(rule, question)
    if (missed.length === 1 || missed.length === 2) misses.push({ rule, missed })
  }
  const least = Math.min(...misses.map(({ missed }) => missed.length))
  const nearest = misses.filter(({ missed }) => missed.length === least)
  // A miss in what is asked about is easier to mend than one in who asks.
  const rank = ({ missed }: Miss): number => Math.max(...missed.map((clause) => -clauses.indexOf(clause)))
  return nearest.sort((left, right) => rank(left) - rank(right)).slice(0, countMax)
}

/** What of the rule does not hold for the question; nothing when it applies. */
export function missedClauses(rule: PolicyRule, question: Question): readonly Clause[] {
  const missed: Clause[] = []
  if (rule.sub !== '*' && !question.subjects.has(rule.sub)) missed.push('role')
  if (rule.dom !== '*' && rule.dom !== question.team) missed.push('team')
  if (!matchesAction(question.action, rule.act)) missed.push('action')
  if (!matchesObject(question.object, rule.obj)) missed.push('object')
  return missed
}

function isAboutKind({ obj }: PolicyRule, { action }: Question): boolean {
  return obj === '*' || obj.startsWith(`${objectKindOf.get(action) ?? ''}/`)
}

/** A rule in one line, as it stands in the file. */
export function showRule({ sub, dom, act, obj, eft }: PolicyRule): string {
  return `p, ${sub}, ${dom}, ${act}, ${obj}, ${eft}`
}
