// What the upstream says it runs, held against what was pinned: the snapshot in a session against the saved version, every
// field and every member of its roster, with what the request itself replaced.
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { ResolvedAgent } from './config-hash.ts'
import { isObject, type JsonObject, member, shorten, textMember } from './json-values.ts'
import type { JsonPath } from './rule.ts'

export type Comparison = {
  /** JSON paths within the session's `agent` at which something else runs, e.g. `tools[0].configs`; none when it is the same. */
  readonly differences: readonly string[]
  /** Fields of an agent that only one side has and nobody here knows: news of the API, or more. */
  readonly unknown: readonly string[]
}

/** Paths kept of one comparison; a whole roster that differs is told by its first places. */
const pathsMax = 100
/** The parts of an agent that a request may replace for one session. */
const replaceable: ReadonlySet<string> = new Set(['model', 'system', 'tools', 'mcp_servers', 'skills'])
/** What the SDK 1.12.0 declares of a session's agent. */
const known: ReadonlySet<string> = new Set([
  ...['id', 'type', 'version', 'name', 'description', 'model', 'system', 'tools', 'mcp_servers', 'skills'],
  ...['multiagent', 'execution_identity'],
])
/** When and by whom: a saved version has them, a snapshot does not. */
const ofTheSaved: ReadonlySet<string> = new Set(['created_at', 'updated_at', 'archived_at', 'metadata'])

/** Compares `session.agent` with the version it should run. `sent` is the request's own `agent`, null for none. Pure. */
export function compareSnapshot(expected: ResolvedAgent, sent: unknown, snapshot: unknown): Comparison {
  const found: Found = { differences: [], unknown: [] }
  const replaced = readReplaced(sent)
  const members = new Map(expected.members.map((each) => [nameOf(each), each]))
  const { agent } = expected
  const ofOwner = (at: JsonPath, definition: unknown): void =>
    compareDefinition({ found, at, config: agent.config, replaced, definition, roster: null })
  const roster = (saved: unknown, at: JsonPath, answered: unknown): void => {
    const name = referenceName(saved)
    const config = name === null ? undefined : members.get(name)?.config
    if (name === null) compareParts(found, at, saved, answered, roster)
    else if (name === nameOf(agent)) ofOwner(at, answered)
    else if (config === undefined) note(found, at)
    else compareDefinition({ found, at, config, replaced: {}, definition: answered, roster: null })
  }
  compareDefinition({ found, at: [], config: agent.config, replaced, definition: snapshot, roster })
  return found
}

type Found = { readonly differences: string[]; readonly unknown: string[] }
type Compare = (saved: unknown, at: JsonPath, answered: unknown) => void

type Definition = {
  readonly found: Found
  readonly at: JsonPath
  readonly config: JsonObject
  readonly replaced: JsonObject
  readonly definition: unknown
  /** How `multiagent` is compared; null in a roster, where none is repeated. */
  readonly roster: Compare | null
}

function compareDefinition({ found, at, config, replaced, definition, roster }: Definition): void {
  const noRoster: Compare = (_saved, path, answered) => {
    if (!isAbsent(answered)) note(found, path)
  }
  if (!isObject(definition)) {
    note(found, at)
    return
  }
  for (const key of new Set([...Object.keys(config), ...Object.keys(definition)])) {
    if (ofTheSaved.has(key)) continue
    const [saved, answered] = [member(config, key), member(definition, key)]
    const path = [...at, key]
    if (Object.hasOwn(replaced, key)) compareWritten(found, path, replaced[key], answered)
    else if (!known.has(key) && isAbsent(saved) !== isAbsent(answered)) addPath(found.unknown, path)
    else if (key === 'multiagent') (roster ?? noRoster)(saved, path, answered)
    else if (key === 'skills') compareSkills(found, path, saved, answered)
    else compare(found, path, saved, answered)
  }
  for (const key of Object.keys(replaced)) {
    if (!Object.hasOwn(config, key) && !Object.hasOwn(definition, key))
      compareWritten(found, [...at, key], replaced[key], undefined)
  }
}

/** Whole values; null says the same as nothing. */
function compare(found: Found, at: JsonPath, saved: unknown, answered: unknown): void {
  compareParts(found, at, saved, answered, (left, path, right) => compare(found, path, left, right))
}

function compareParts(found: Found, at: JsonPath, saved: unknown, answered: unknown, inner: Compare): void {
  if (isAbsent(saved) || isAbsent(answered)) {
    if (isAbsent(saved) !== isAbsent(answered)) note(found, at)
    return
  }
  if (Array.isArray(saved) && Array.isArray(answered)) {
    if (saved.length !== answered.length) note(found, at)
    else for (const [index, item] of saved.entries()) inner(item, [...at, index], answered[index])
    return
  }
  if (isObject(saved) && isObject(answered)) {
    for (const key of new Set([...Object.keys(saved), ...Object.keys(answered)])) {
      inner(member(saved, key), [...at, key], member(answered, key))
    }
    return
  }
  if (!isSame(saved, answered)) note(found, at)
}

/** A skill saved without a version gets one when the session starts, which is what `skill_versions` is for. */
function compareSkills(found: Found, at: JsonPath, saved: unknown, answered: unknown): void {
  if (!Array.isArray(saved) || !Array.isArray(answered)) {
    compare(found, at, saved, answered)
    return
  }
  const open = saved.map((skill: unknown, index) => {
    const version = member(skill, 'version')
    if (!isObject(skill) || !(isAbsent(version) || version === 'latest')) return skill
    return { ...skill, version: member(answered[index], 'version') }
  })
  compare(found, at, open, answered)
}

/**
 * What the request wrote must all be there; what it left out, the upstream filled in. A model may be a name alone, and an
 * effort in an override is not taken over.
 */
function compareWritten(found: Found, at: JsonPath, written: unknown, answered: unknown): void {
  const [key] = at.slice(-1)
  if (key === 'model' && typeof written === 'string') {
    if (textMember(answered, 'id') !== written) note(found, at)
    return
  }
  if (isAbsent(written)) {
    if (!isAbsent(answered) && !(Array.isArray(answered) && answered.length === 0)) note(found, at)
    return
  }
  if (Array.isArray(written) && Array.isArray(answered)) {
    if (written.length !== answered.length) note(found, at)
    else
      for (const [index, item] of written.entries())
        compareWritten(found, [...at, index], item, answered[index])
    return
  }
  if (isObject(written) && isObject(answered)) {
    for (const [name, value] of Object.entries(written)) {
      if (isAbsent(value) || (key === 'model' && name === 'effort')) continue
      compareWritten(found, [...at, name], value, member(answered, name))
    }
    return
  }
  if (!isSame(written, answered)) note(found, at)
}

function readReplaced(sent: unknown): JsonObject {
  if (!isObject(sent) || sent['type'] !== 'agent_with_overrides') return {}
  return Object.fromEntries(
    Object.entries(sent).filter(([key, value]) => replaceable.has(key) && value !== undefined),
  )
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null
const nameOf = ({ id, version }: { readonly id: string; readonly version: number }): string =>
  `${id}@${version}`

function referenceName(value: unknown): string | null {
  const [id, version] = [textMember(value, 'id'), member(value, 'version')]
  return member(value, 'type') === 'agent' && id !== undefined && typeof version === 'number'
    ? nameOf({ id, version })
    : null
}

function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true
  try {
    return canonicalJson(left) === canonicalJson(right)
  } catch {
    return false
  }
}

const note = ({ differences }: Found, at: JsonPath): void => addPath(differences, at)

function addPath(paths: string[], at: JsonPath): void {
  if (paths.length >= pathsMax) return
  const text = at.reduce<string>(
    (before, part) =>
      typeof part === 'number' ? `${before}[${part}]` : before === '' ? part : `${before}.${part}`,
    '',
  )
  paths.push(text === '' ? 'agent' : shorten(text, 256))
}
