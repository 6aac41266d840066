// Two policies beside each other, on every question that can tell them apart: all words of the vocabulary, all callers
// and roles, and one object for each way in which the rules of either can treat objects. Exhaustive, not sampled.
import type { Directory } from '../identify/directory.ts'
import { readAddedConditions } from './model-file.ts'
import type { Policy } from './policy-file.ts'
import { unknownTeam } from './roles.ts'
import type { Decision, Snapshot } from './snapshot.ts'
import { objectKindOf } from './vocabulary.ts'

/** One of the two policies. */
export type Side = {
  readonly policy: Policy
  readonly modelText: string
  readonly directory: Directory | null
  readonly snapshot: Snapshot
  readonly closureOf: (sub: string, team: string) => ReadonlySet<string>
  /** Callers that nobody lists, by the rule that makes them. */
  readonly unlisted: ReadonlyMap<string, { readonly sub: string; readonly team: string }>
}

/** A question that the two answer differently, for all these subjects by the same two rules. */
export type Change = {
  readonly now: 'allowed' | 'denied'
  readonly action: string
  /** As a rule would name it: `vault/*` and `host/a.*` stand for what no rule names more exactly. */
  readonly object: string
  /** `anybody`, callers by id, and `role:<name>` for whoever has it, `… in <team>` where it is not so everywhere. */
  readonly subjects: readonly string[]
  readonly before: Decision
  readonly after: Decision
}

export type Comparison = { readonly questions: number; readonly changes: readonly Change[] }

/** Asks both policies everything, and tells where they differ; changes come in the order of the vocabulary. */
export function comparePolicies(before: Side, after: Side): Comparison {
  const { groups, teams } = groupSubjects(before, after)
  const objects = objectsOf([before, after])
  const changes: Change[] = []
  let questions = 0
  for (const [action, kind] of objectKindOf) {
    const ofAction = new Map<string, Change>()
    const wholeKind = new Set<string>()
    for (const { object, shown } of objects.get(kind) ?? [wholeOf(kind)]) {
      const found = new Map<string, Change>()
      for (const subject of groups) {
        questions += subject.names.length
        const change = compareOne(subject, action, object, shown)
        if (change === null) continue
        const key = `${change.now} ${change.before.rule} ${change.after.rule}`
        const same = found.get(key)
        found.set(
          key,
          same === undefined ? change : { ...same, subjects: [...same.subjects, ...change.subjects] },
        )
      }
      for (const [key, change] of found) {
        // What changes for all of a kind is not told again for each of its names.
        const whole = `${key} ${change.subjects.join()}`
        if (shown === `${kind}/*`) wholeKind.add(whole)
        else if (wholeKind.has(whole)) continue
        ofAction.set(`${shown} ${key}`, { ...change, subjects: tellSubjects(change.subjects, teams) })
      }
    }
    changes.push(...ofAction.values())
  }
  return { questions, changes }

  function compareOne(
    { names, ...asked }: SubjectGroup,
    action: string,
    object: string,
    shown: string,
  ): Change | null {
    const was = decideOn(before, asked.before, action, object)
    const is = decideOn(after, asked.after, action, object)
    if (was.allowed === is.allowed) return null
    const now = is.allowed ? 'allowed' : 'denied'
    return { now, action, object: shown, subjects: names, before: was, after: is }
  }
}

/** How somebody is known to one side; null: not at all. */
type Known = { readonly sub: string; readonly team: string } | null

/** Those whom neither side can tell apart; one of them is asked for all. */
type SubjectGroup = { readonly names: readonly string[]; readonly before: Known; readonly after: Known }

const nobody: Decision = { allowed: false, rule: '' }

const decideOn = ({ snapshot }: Side, known: Known, action: string, object: string): Decision =>
  known === null ? nobody : snapshot.decide(known.sub, known.team, action, object)

/** Everybody there is: the callers of both directories, every role in every team that a rule names, and strangers. */
function groupSubjects(
  before: Side,
  after: Side,
): { readonly groups: readonly SubjectGroup[]; readonly teams: ReadonlySet<string> } {
  const named = namesOf([before, after])
  const groups = new Map<string, SubjectGroup>()
  const add = (name: string, was: Known, is: Known): void => {
    const key = `${standing(before, was, named)}\n${standing(after, is, named)}`
    const same = groups.get(key)
    groups.set(key, {
      names: [...(same?.names ?? []), name],
      before: same?.before ?? was,
      after: same?.after ?? is,
    })
  }
  const both = (name: string, known: Known): void => add(name, known, known)
  both('anybody', { sub: 'caller:?', team: unknownTeam })
  for (const role of new Set([...before.policy.roles, ...after.policy.roles])) {
    const sub = `role:${role}`
    both(sub, { sub, team: unknownTeam })
    for (const team of named.teams) both(`${sub} in ${team}`, { sub, team })
  }
  const ids = [before, after].flatMap(({ directory }) => [...(directory?.callers.keys() ?? [])])
  for (const id of new Set(ids)) add(id, callerOf(before, id), callerOf(after, id))
  const made = [before, after].flatMap(({ unlisted }) => [...unlisted.keys()])
  for (const name of new Set(made)) {
    add(name, before.unlisted.get(name) ?? null, after.unlisted.get(name) ?? null)
  }
  return { groups: [...groups.values()], teams: named.teams }
}

/** A role that is the same in every team is named once; one that is not, with its teams. */
function tellSubjects(names: readonly string[], teams: ReadonlySet<string>): readonly string[] {
  const told = new Set(names)
  for (const role of names.filter((name) => name.startsWith('role:') && !name.includes(' in '))) {
    const inTeams = [...teams].map((team) => `${role} in ${team}`)
    if (inTeams.every((name) => told.has(name))) for (const name of inTeams) told.delete(name)
    else {
      told.delete(role)
      told.add(`${role} in every other team`)
    }
  }
  return [...told]
}

function callerOf({ directory }: Side, id: string): Known {
  const caller = directory?.callers.get(id)
  return caller === undefined ? null : { sub: `caller:${id}`, team: caller.team.name }
}

type Names = {
  readonly subs: ReadonlySet<string>
  readonly teams: ReadonlySet<string>
  readonly objects: ReadonlySet<string>
}

/** Every subject, team and object that a rule or a condition of the model tells from others. */
function namesOf(sides: readonly Side[]): Names {
  const rules = sides.flatMap(({ policy }) => policy.rules)
  const doms = sides.flatMap(({ policy }) => [...policy.rules, ...policy.links].map(({ dom }) => dom))
  const conditions = sides.flatMap(({ modelText }) => readAddedConditions(modelText))
  const inConditions = (field: string): readonly string[] =>
    conditions.filter((each) => each.startsWith(`r.${field}`)).map((each) => each.split('"')[1] ?? '')
  return {
    subs: new Set([...rules.map(({ sub }) => sub), ...inConditions('sub')]),
    teams: new Set([...doms, ...inConditions('dom')].filter((dom) => dom !== '*')),
    objects: new Set([...rules.map(({ obj }) => obj), ...inConditions('obj')]),
  }
}

/** What a side can know somebody by; two with the same standing get the same answers. */
function standing(side: Side, known: Known, { subs, teams }: Names): string {
  if (known === null) return 'unknown'
  const reached = [...side.closureOf(known.sub, known.team)].filter((sub) => subs.has(sub)).sort()
  return JSON.stringify([teams.has(known.team) ? known.team : unknownTeam, reached])
}

type Representative = { readonly object: string; readonly shown: string }

/** No rule can hold this character, so behind a prefix it stands for whatever no rule names more exactly. */
const unnamed = '\0'

const wholeOf = (kind: string): Representative => ({ object: `${kind}/${unnamed}`, shown: `${kind}/*` })

/** Kind -> one object for each way in which rules can treat objects of it; that of the whole kind first. */
function objectsOf(sides: readonly Side[]): ReadonlyMap<string, readonly Representative[]> {
  const byKind = new Map([...objectKindOf.values()].map((kind) => [kind, [wholeOf(kind)]]))
  for (const shown of [...namesOf(sides).objects].sort()) {
    const kind = shown.slice(0, shown.indexOf('/'))
    const object = shown.endsWith('*') ? `${shown.slice(0, -1)}${unnamed}` : shown
    if (shown !== '*' && shown !== `${kind}/*`) byKind.get(kind)?.push({ object, shown })
  }
  return byKind
}
