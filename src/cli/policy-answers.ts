// How the `policy` commands say what was decided and why: one form for people, one for programs.
import { decideFor, decideOn, type Subject } from '../authorize/decide.ts'
import { applicableRules, type Miss, nearestMisses, type Question, showRule } from '../authorize/explain.ts'
import type { Capability } from '../authorize/permit.ts'
import type { PolicyRule } from '../authorize/policy-file.ts'
import { subjectOf } from '../authorize/roles.ts'
import type { Decision } from '../authorize/snapshot.ts'
import type { Caller } from '../identify/caller.ts'
import type { PolicyFolder } from './policy-folder.ts'
import { printable } from './printable.ts'

/** One question, what was decided, and every rule that has to do with it. */
export type Answer = {
  readonly action: string
  readonly object: string
  readonly decision: Decision
  /** Rules whose clauses all hold; one of them decided, unless there is none. */
  readonly applicable: readonly PolicyRule[]
  /** Empty unless no rule applies. */
  readonly misses: readonly Miss[]
  readonly question: Question
}

const missesMax = 3

/** Asks the folder's snapshot, and looks at its rules for the reasons. */
export function ask(folder: PolicyFolder, as: Subject, capability: Capability): Answer {
  return explainDecision(folder, as, capability, decideOn(folder.snapshot, as, capability))
}

/** As `ask`, for a caller: the scopes of its key come first. */
export function askFor(folder: PolicyFolder, caller: Caller, capability: Capability): Answer {
  const as = { sub: subjectOf(caller), team: caller.team }
  return explainDecision(folder, as, capability, decideFor(folder.snapshot, caller, capability))
}

function explainDecision(
  folder: PolicyFolder,
  { sub, team }: Subject,
  { action, object }: Capability,
  decision: Decision,
): Answer {
  const question = { subjects: folder.closureOf(sub, team), team, action, object }
  const { rules } = folder.policy
  const misses = decision.rule === '' ? nearestMisses(rules, question, missesMax) : []
  return { action, object, decision, applicable: applicableRules(rules, question), misses, question }
}

/** The answer in lines: the verdict, then the deciding rule or the nearest misses. */
export function showAnswer({ policy }: PolicyFolder, answer: Answer): string {
  const { action, object, decision, applicable, misses, question } = answer
  const { rules } = policy
  const head = `${decision.allowed ? 'allowed' : 'denied '}  ${action} ${printable(object)}`
  const deciding = applicable.find(({ line }) => decision.rule === nameOf(policy.file, line))
  if (deciding !== undefined) {
    const others = applicable.filter((rule) => rule !== deciding && rule.eft === deciding.eft)
    const also = others.length === 0 ? '' : ` (and ${others.map(({ line }) => line).join(', ')})`
    return `${head}\n    ${decision.rule}: ${showRule(deciding)}${also}\n`
  }
  if (decision.rule !== '') {
    const rule = rules.find(({ line }) => decision.rule === nameOf(policy.file, line))
    const why = rule === undefined ? 'it is not among these' : `${showRule(rule)} (it may be this one)`
    return `${head}\n    ${decision.rule}: ${why}\n`
  }
  if (applicable.some(({ eft }) => eft === 'allow')) {
    return `${head}\n    a condition in the matcher of model.conf rules it out\n`
  }
  if (misses.length === 0) return `${head}\n    no rule allows it, and none comes near\n`
  const lines = misses.map(
    ({ rule, missed }) =>
      `    ${nameOf(policy.file, rule.line)}: ${showRule(rule)}\n` +
      missed.map((clause) => `        ${clause}: ${whyMissed(clause, rule, question)}\n`).join(''),
  )
  return `${head}\n    no rule allows it; nearest:\n${lines.join('')}`
}

/** The answer as plain data, the same words as in the text. */
export function answerAsJson({ policy }: PolicyFolder, answer: Answer) {
  const { action, object, decision, applicable, misses, question } = answer
  return {
    action,
    object,
    ...decision,
    applicable: applicable.map((rule) => ({ rule: nameOf(policy.file, rule.line), text: showRule(rule) })),
    nearest: misses.map(({ rule, missed }) => ({
      rule: nameOf(policy.file, rule.line),
      text: showRule(rule),
      missed: missed.map((clause) => ({ clause, why: whyMissed(clause, rule, question) })),
    })),
  }
}

/** A rule's name, as decisions give it. */
export const nameOf = (file: string, line: number): string => `${file}:${line}`

function whyMissed(clause: Miss['missed'][number], rule: PolicyRule, question: Question): string {
  const { subjects, team, action, object } = question
  switch (clause) {
    case 'role':
      return `it is for ${rule.sub}, and this caller is ${[...subjects].join(', ')}`
    case 'team':
      return `it is for team ${rule.dom}, not ${team}`
    case 'action':
      return `it is about ${rule.act}, not ${action}`
    case 'object':
      return `it is about ${rule.obj}, not ${printable(object)}`
    default:
      return clause satisfies never
  }
}
