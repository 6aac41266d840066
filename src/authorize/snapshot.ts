// One immutable state of the policy. Casbin decides, unmodified; an index in front hands it only the rules that
// could match, so a decision costs the same with ten rules and with ten thousand.
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { nextTurn, runInTurns } from '../kernel/turns.ts'
import { createJudge, type Judge } from './judge.ts'
import { readAddedConditions } from './model-file.ts'
import { matchesObject } from './pattern.ts'
import type { Policy } from './policy-file.ts'
import { createClosure, expandRoles, type Grant, unknownTeam } from './roles.ts'
import { createRuleBook, type RuleBook } from './rule-book.ts'
import type { NumberedRule } from './rule-index.ts'
import { selfTest } from './self-test.ts'

export type Decision = {
  readonly allowed: boolean
  /** The rule that decided, e.g. `policy.csv:14`; '' when none matched, which is a denial. */
  readonly rule: string
}

export type Snapshot = {
  /** sha256 over model, policy and grants: the same hash decides the same. */
  readonly hash: string
  /** Decides for `caller:<id>` (or `role:<name>`) in a team. Synchronous; a few microseconds; never throws. */
  readonly decide: (sub: string, dom: string, act: string, obj: string) => Decision
  /** True when it is allowed on every object of the kind there may ever be: a rule for all, and no deny for any. */
  readonly allowsAll: (sub: string, dom: string, act: string, kind: string) => boolean
  /** A deny rule that holds for something of the kind, e.g. `policy.csv:14`; '' when none does. */
  readonly denialWithin: (sub: string, dom: string, act: string, kind: string) => string
  /** Where to look after a denial that no rule caused: the rules that come nearest, in words. '' when none does. */
  readonly nearest: (sub: string, dom: string, act: string, obj: string) => string
}

export type SnapshotSource = {
  readonly modelText: string
  readonly policyText: string
  /** `policyText`, parsed. */
  readonly policy: Policy
  readonly grants: readonly Grant[]
  readonly teams: ReadonlySet<string>
  /** `policy`, ready to be asked, when another snapshot has made it already. */
  readonly book?: RuleBook
}

/**
 * Builds a snapshot beside the live one, in slices between which everything else goes on; nothing sees it before the
 * promise resolves. The source is linted already. Rejects when the snapshot fails its self-test.
 */
export async function createSnapshot(source: SnapshotSource, makeJudge = createJudge): Promise<Snapshot> {
  const { policy, teams } = source
  const book = source.book ?? (await runInTurns(createRuleBook(policy)))
  await nextTurn()
  const roles = expandRoles(policy.links, source.grants, teams)
  const closureOf = createClosure(roles)
  const judge = await makeJudge(source.modelText, roles)
  // Casbin remembers every team it is ever asked about: strangers share one name, or they could fill the memory.
  const knownDoms = new Set([...teams, ...roles.map(([, , dom]) => dom)])
  const domOf = (dom: string): string => (knownDoms.has(dom) ? dom : unknownTeam)
  await runInTurns(selfTest({ policy, book, judge, closureOf }))
  const hash = hashSource(source)

  // Which rules can match says all about the object that the required conditions ask, unless an operator asks more.
  const asksObject = readAddedConditions(source.modelText).some((condition) => condition.startsWith('r.obj'))
  const decisions = new LRUCache<string, Decision>({ max: rememberedMax })

  const snapshot: Snapshot = {
    hash,
    decide: (sub, dom, act, obj) => {
      // Casbin compares loosely: to it, the list `["caller:a"]` equals the text `caller:a`.
      if (typeof sub !== 'string' || typeof dom !== 'string') return denied
      if (typeof act !== 'string' || typeof obj !== 'string') return denied
      const team = domOf(dom)
      const candidates = book.index.find(closureOf(sub, team), team, act, obj)
      // Casbin answers for an empty list too, and not always no.
      if (candidates.length === 0) return denied
      // With the lengths no two questions look alike, whatever the words hold.
      let question = `${sub.length} ${team.length} ${act.length} ${sub}${team}${act}`
      for (const { at } of candidates) question += ` ${at}`
      if (asksObject) question += ` ${obj}`
      const known = decisions.get(question)
      if (known !== undefined) return known
      const row = judgeCandidates(judge, candidates, sub, team, act, obj)
      const decision = row === undefined ? denied : { allowed: row[4] === 'allow', rule: book.nameOf(row) }
      if (question.length <= rememberedLengthMax) decisions.set(question, decision)
      return decision
    },
    // No rule can name this object, so whatever allows it is written for all of its kind.
    allowsAll: (sub, dom, act, kind) =>
      !asksObject &&
      snapshot.decide(sub, dom, act, `${kind}/\0`).allowed &&
      snapshot.denialWithin(sub, dom, act, kind) === '',
    denialWithin: (sub, dom, act, kind) => {
      const team = domOf(dom)
      const closure = closureOf(sub, team)
      const denying = book.index
        .about(team, act)
        .find(
          ([who, , , object, eft]) =>
            eft === 'deny' &&
            (who === '*' || closure.has(who)) &&
            (object === '*' || object.startsWith(`${kind}/`)),
        )
      if (denying !== undefined) return book.nameOf(denying)
      return asksObject ? 'model.conf' : ''
    },
    nearest: (sub, dom, act, obj) => {
      const team = domOf(dom)
      const allowing = book.index.about(team, act).filter(([, , , , eft]) => eft === 'allow')
      const others = allowing.filter((row) => matchesObject(obj, row[3]))
      if (others.length > 0)
        return others
          .slice(0, 3)
          .map((row) => `${book.nameOf(row)} for ${row[0]}`)
          .join(', ')
      const closure = closureOf(sub, team)
      const elsewhere = allowing.filter(([who]) => who === '*' || closure.has(who))
      return elsewhere
        .slice(0, 3)
        .map((row) => `${book.nameOf(row)} on ${row[3]}`)
        .join(', ')
    },
  }
  return snapshot
}

/**
 * Bounds of the memory for decisions. A snapshot is immutable, so an answer stays true as long as it lives; and what is
 * remembered is the answer for a caller and a set of rules, so names made up in requests cannot fill it.
 */
const rememberedMax = 10_000
const rememberedLengthMax = 1_024

/** No rule: the answer to everything that nobody allowed. */
const denied: Decision = { allowed: false, rule: '' }

/**
 * The row that Casbin decides by, over all candidates. Where several rules allow, it names the last, so it is asked
 * with that one and every deny first; only if the model's own conditions rule that one out must it see the others.
 */
function judgeCandidates(
  judge: Judge,
  candidates: readonly NumberedRule[],
  ...question: readonly [sub: string, dom: string, act: string, obj: string]
): readonly string[] | undefined {
  const rows = candidates.map(({ row }) => row)
  const lastAllow = rows.findLast((row) => row[4] === 'allow')
  const few = rows.filter((row) => row === lastAllow || row[4] !== 'allow')
  const row = decidingRow(judge(few, ...question))
  if (row !== undefined || few.length === rows.length) return row
  return decidingRow(judge(rows, ...question))
}

/** Casbin's answer counts only with the rule it names, and only if that rule says the same. */
function decidingRow([allowed, row]: ReturnType<Judge>): readonly string[] | undefined {
  return row !== undefined && allowed === (row[4] === 'allow') ? row : undefined
}

/** The same text, rules and grants give the same hash on every machine. */
function hashSource({ modelText, policyText, grants, teams }: SnapshotSource): string {
  const lines = grants.map(({ caller, role, team }) => `${caller} ${role} ${team}`).sort()
  const parts = [modelText, policyText, lines.join('\n'), [...teams].sort().join('\n')]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
