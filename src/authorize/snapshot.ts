// One immutable state of the policy. Casbin decides, unmodified; an index in front hands it only the rules that
// could match, so a decision costs the same with ten rules and with ten thousand.
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { createJudge } from './judge.ts'
import { matchesObject } from './pattern.ts'
import type { Policy } from './policy-file.ts'
import { createClosure, expandRoles, type Grant, unknownTeam } from './roles.ts'
import { createRuleIndex, type RuleRow } from './rule-index.ts'

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
}

/** Builds a snapshot beside the live one; nothing sees it before the promise resolves. The source is linted already. */
export async function createSnapshot(source: SnapshotSource, makeJudge = createJudge): Promise<Snapshot> {
  const { policy, teams } = source
  const fileName = policy.file.replace(/^.*\//, '')
  const lineOf = new Map<readonly string[], number>()
  const rows = policy.rules.map(({ line, sub, dom, act, obj, eft }): RuleRow => {
    const row: RuleRow = [sub, dom, act, obj, eft]
    lineOf.set(row, line)
    return row
  })
  const nameRule = (row: readonly string[]): string => `${fileName}:${lineOf.get(row) ?? 0}`

  const roles = expandRoles(policy.links, source.grants, teams)
  const judge = await makeJudge(source.modelText, roles)
  const index = createRuleIndex(rows)
  const closureOf = createClosure(roles)
  // Casbin remembers every team it is ever asked about: strangers share one name, or they could fill the memory.
  const knownDoms = new Set([...teams, ...roles.map(([, , dom]) => dom)])
  const domOf = (dom: string): string => (knownDoms.has(dom) ? dom : unknownTeam)

  const decisions = new LRUCache<string, Decision>({ max: rememberedMax })
  const decideAfresh: Snapshot['decide'] = (sub, team, act, obj) => {
    const [allowed, row] = judge(index.find(closureOf(sub, team), team, act, obj), sub, team, act, obj)
    // Casbin answers "allowed, by no rule" when its policy is empty; we never call that allowed.
    return row === undefined ? { allowed: false, rule: '' } : { allowed, rule: nameRule(row) }
  }

  return {
    hash: hashSource(source),
    decide: (sub, dom, act, obj) => {
      // The same few questions come with every request of a session. The object, which may hold anything, is last.
      const question = `${sub}\n${dom}\n${act}\n${obj}`
      const known = decisions.get(question)
      if (known !== undefined) return known
      const decision = decideAfresh(sub, domOf(dom), act, obj)
      if (question.length <= rememberedLengthMax) decisions.set(question, decision)
      return decision
    },
    nearest: (sub, dom, act, obj) => {
      const team = domOf(dom)
      const allowing = index.about(team, act).filter(([, , , , eft]) => eft === 'allow')
      const others = allowing.filter((row) => matchesObject(obj, row[3]))
      if (others.length > 0)
        return others
          .slice(0, 3)
          .map((row) => `${nameRule(row)} for ${row[0]}`)
          .join(', ')
      const closure = closureOf(sub, team)
      const elsewhere = allowing.filter(([who]) => who === '*' || closure.has(who))
      return elsewhere
        .slice(0, 3)
        .map((row) => `${nameRule(row)} on ${row[3]}`)
        .join(', ')
    },
  }
}

/** Bounds of the memory for decisions: a snapshot is immutable, so an answer stays true as long as it lives. */
const rememberedMax = 10_000
const rememberedLengthMax = 512

/** The same text, rules and grants give the same hash on every machine. */
function hashSource({ modelText, policyText, grants, teams }: SnapshotSource): string {
  const lines = grants.map(({ caller, role, team }) => `${caller} ${role} ${team}`).sort()
  const parts = [modelText, policyText, lines.join('\n'), [...teams].sort().join('\n')]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
