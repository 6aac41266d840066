// Whom an agent may start, as it will be when the upstream has saved it. `null` and omission turn parts on, and an update
// of the same type keeps what it leaves out, level by level (SDK 1.12.0 `BetaManagedAgentsMultiagent20261001Params`).
import { isObject, type JsonObject, member, textMember } from '../json-values.ts'
import type { JsonPath } from '../rule.ts'
import { fieldsAt, isAbsent, listAt, unreadable, wordAt } from './reading.ts'

/** An entry of a roster that the body writes. */
export type Member = {
  readonly kind: 'agent' | 'self' | 'advisor'
  readonly path: JsonPath
  /** '' for `self` and `advisor`. */
  readonly id: string
  readonly version: number | null
  /** The id alone, as a text. */
  readonly isBare: boolean
  /** '' for all but `advisor`. */
  readonly model: string
  /** Entries of its list, itself included. */
  readonly listed: number
}

/** `subagents` or `workflows`, where it comes out enabled. */
export type Part = {
  readonly name: 'subagents' | 'workflows'
  readonly path: JsonPath
  /** `written` by the body; `kept` from what is stored; `default` because nobody said anything. */
  readonly from: 'written' | 'kept' | 'default'
  readonly isInlineOn: boolean
  /** Saved agents that it names, those that an update keeps included. */
  readonly predefined: number
}

export type Roster = {
  readonly members: readonly Member[]
  /** The enabled ones. */
  readonly parts: readonly Part[]
  /** The advisor's model where one comes out enabled. */
  readonly advisor: { readonly path: JsonPath; readonly model: string } | null
}

const rosterNames = new Set(['type', 'agents', 'advisor', 'subagents', 'workflows'])
const partNames = new Set(['type', 'inline_agents', 'predefined_agents', 'model'])
const memberNames = new Set(['type', 'id', 'version', 'model'])
const switchNames = new Set(['type'])
const current = 'multiagent_20261001'

/**
 * Reads `multiagent` of a request or a saved version; null when it has none. `stored` is what the upstream holds while
 * the request updates it. Throws `UnreadableValue` for what is in none of the upstream's forms.
 */
export function readRoster(multiagent: unknown, stored: unknown, at: JsonPath): Roster | null {
  if (isAbsent(multiagent)) return null
  const fields = fieldsAt(multiagent, at, rosterNames)
  const type = wordAt(fields['type'], [...at, 'type'])
  if (type !== 'coordinator' && type !== current)
    return unreadable([...at, 'type'], 'is no kind that is known here')
  const members = readMembers(fields['agents'], [...at, 'agents'])
  if (type === 'coordinator') return { members, parts: [], advisor: null }
  const kept = isObject(stored) && stored['type'] === type ? stored : {}
  const parts = (['subagents', 'workflows'] as const).map((name) =>
    readPart(name, fields[name], kept[name], [...at, name]),
  )
  return {
    members: [...members, ...parts.flatMap((part) => part?.members ?? [])],
    parts: parts.flatMap((part) => (part === null ? [] : [part.part])),
    advisor: readAdvisor(fields['advisor'], kept['advisor'], [...at, 'advisor']),
  }
}

type ReadPart = { readonly part: Part; readonly members: readonly Member[] }

function readPart(name: Part['name'], sent: unknown, stored: unknown, path: JsonPath): ReadPart | null {
  if (sent === undefined && isObject(stored)) return keptPart(name, stored, path)
  if (isAbsent(sent)) {
    return { part: { name, path, from: 'default', isInlineOn: true, predefined: 0 }, members: [] }
  }
  const fields = fieldsAt(sent, path, partNames)
  if (isOff(fields, path)) return null
  const kept = member(stored, 'type') === 'enabled' && isObject(stored) ? stored : {}
  const { inline_agents, predefined_agents } = fields
  const listPath = [...path, 'predefined_agents']
  const members = readMembers(predefined_agents, listPath)
  const isInlineOn =
    inline_agents === undefined
      ? member(kept['inline_agents'], 'type') !== 'disabled'
      : isAbsent(inline_agents) ||
        !isOff(fieldsAt(inline_agents, [...path, 'inline_agents'], switchNames), [...path, 'inline_agents'])
  const predefined = predefined_agents === undefined ? lengthOf(kept['predefined_agents']) : members.length
  return { part: { name, path, from: 'written', isInlineOn, predefined }, members }
}

function keptPart(name: Part['name'], stored: JsonObject, path: JsonPath): ReadPart | null {
  if (stored['type'] === 'disabled') return null
  const isInlineOn = member(stored['inline_agents'], 'type') !== 'disabled'
  const predefined = lengthOf(stored['predefined_agents'])
  return { part: { name, path, from: 'kept', isInlineOn, predefined }, members: [] }
}

function isOff(fields: JsonObject, path: JsonPath): boolean {
  const type = wordAt(fields['type'], [...path, 'type'])
  if (type !== 'enabled' && type !== 'disabled') return unreadable([...path, 'type'])
  return type === 'disabled'
}

function readAdvisor(sent: unknown, stored: unknown, path: JsonPath): Roster['advisor'] {
  if (sent === undefined && isObject(stored)) {
    return stored['type'] === 'disabled' ? null : { path, model: textMember(stored, 'model') ?? '' }
  }
  if (isAbsent(sent)) return null
  const fields = fieldsAt(sent, path, partNames)
  return isOff(fields, path) ? null : { path, model: wordAt(fields['model'], [...path, 'model']) }
}

function readMembers(list: unknown, at: JsonPath): readonly Member[] {
  const entries = listAt(list, at)
  return entries.map((entry, index) => readMember(entry, [...at, index], entries.length))
}

function readMember(entry: unknown, path: JsonPath, listed: number): Member {
  const nothing = { path, id: '', version: null, isBare: false, model: '', listed }
  if (typeof entry === 'string')
    return { ...nothing, kind: 'agent', id: agentIdAt(entry, path), isBare: true }
  const fields = fieldsAt(entry, path, memberNames)
  const type = wordAt(fields['type'], [...path, 'type'])
  if (type === 'self') return { ...nothing, kind: 'self' }
  if (type === 'advisor')
    return { ...nothing, kind: 'advisor', model: wordAt(fields['model'], [...path, 'model']) }
  if (type !== 'agent') return unreadable([...path, 'type'])
  const version = versionAt(fields['version'], [...path, 'version'])
  return { ...nothing, kind: 'agent', id: agentIdAt(fields['id'], [...path, 'id']), version }
}

/** A plain agent id. */
export function agentIdAt(value: unknown, path: JsonPath): string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(value) ? value : unreadable(path)
}

/** A whole version from 1; null when none is named. */
export function versionAt(value: unknown, path: JsonPath): number | null {
  if (isAbsent(value)) return null
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 ? value : unreadable(path)
}

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0)
