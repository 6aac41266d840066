// What a request touches, as far as it says so itself: the names by which pins.yaml puts it into classes.
import type { Caller } from '../identify/caller.ts'
import { lookalikeOf } from '../upstream/lookalike.ts'
import type { Operation } from '../upstream/operation-type.ts'
import { readAgentReference } from './agent-reference.ts'
import { isObject, type JsonObject, member, textMember } from './json-values.ts'
import { type SubjectKind, subjectKinds } from './pins.ts'

/** The names of one kind. Where they cannot be read, the request counts as touching every one that is declared. */
export type Subjects = { readonly names: Set<string>; isUnreadable: boolean }

export type Touched = {
  readonly subjects: ReadonlyMap<SubjectKind, Subjects>
  /** Agent versions named, null for the latest: what an agent is called must be asked. */
  readonly agents: Map<string, number | null>
}

/** Reads operation, path parameters and body. `parsed` is an empty object where there is no body. */
export function findTouched(request: {
  readonly operation: Operation
  readonly caller: Caller
  readonly params: { readonly [name: string]: string }
  readonly parsed: JsonObject
}): Touched {
  const touched = emptyTouched()
  const { params, parsed, operation } = request
  add(touched, 'team', request.caller.team)
  addParam(touched, 'agent', params['agent_id'])
  addParam(touched, 'environment', params['environment_id'])
  addParam(touched, 'vault', params['vault_id'])
  addParam(touched, 'memory_store', params['memory_store_id'])
  const family = operation.id.split('.')[0]
  if (family === 'sessions' || family === 'deployments') addRun(touched, parsed)
  if (family === 'agents') addAgentText(touched, parsed)
  addMetadata(touched, parsed)
  return touched
}

/** Adds what an existing session or deployment touches, as the upstream answers it. */
export function addExisting(touched: Touched, existing: JsonObject): void {
  const agent = member(existing, 'agent')
  addAgent(touched, agent)
  const name = textMember(agent, 'name')
  if (name !== undefined) add(touched, 'agent_name', name)
  addRoster(touched, member(agent, 'multiagent'))
  const environment = textMember(existing, 'environment_id')
  if (environment !== undefined) add(touched, 'environment', environment)
  for (const vault of texts(member(existing, 'vault_ids'))) add(touched, 'vault', vault)
  addResources(touched, existing)
  addMetadata(touched, existing)
}

/** Adds the agents that a roster names, at any depth: its lists have several forms. */
export function addRoster(touched: Touched, roster: unknown): void {
  if (typeof roster === 'string') addAgent(touched, roster)
  else if (Array.isArray(roster)) {
    for (const entry of roster) addRoster(touched, entry)
  } else if (isObject(roster)) {
    addAgent(touched, roster)
    for (const value of Object.values(roster)) if (typeof value === 'object') addRoster(touched, value)
  }
}

function emptyTouched(): Touched {
  const subjects = new Map(
    subjectKinds.map((kind): [SubjectKind, Subjects] => [kind, { names: new Set(), isUnreadable: false }]),
  )
  return { subjects, agents: new Map() }
}

const add = ({ subjects }: Touched, kind: SubjectKind, name: string): void =>
  void subjects.get(kind)?.names.add(kind === 'repository' ? normaliseRepository(name) : name)

function addParam(touched: Touched, kind: SubjectKind, id: string | undefined): void {
  if (id === undefined) return
  add(touched, kind, id)
  if (kind === 'agent') touched.agents.set(id, null)
}

function markUnreadable({ subjects }: Touched, ...kinds: readonly SubjectKind[]): void {
  for (const kind of kinds) {
    const found = subjects.get(kind)
    if (found !== undefined) found.isUnreadable = true
  }
}

/** GitHub takes names in any case, with and without `.git`. */
export const normaliseRepository = (url: string): string =>
  url
    .trim()
    .toLowerCase()
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')

const runKeys: ReadonlySet<string> = new Set(['environment_id', 'vault_ids', 'resources', 'metadata'])

/** What a run is made of: sessions and deployments say it in the same words. */
function addRun(touched: Touched, parsed: JsonObject): void {
  const reference = readAgentReference(parsed)
  if (reference?.kind === 'unreadable') markUnreadable(touched, 'agent', 'agent_name')
  else if (reference !== null) addAgent(touched, member(parsed, 'agent'))
  if (lookalikeOf(parsed, runKeys) !== null) {
    markUnreadable(touched, 'environment', 'vault', 'memory_store', 'repository', 'metadata')
  }
  const environment = member(parsed, 'environment_id')
  if (typeof environment === 'string') add(touched, 'environment', environment)
  else if (environment !== undefined) markUnreadable(touched, 'environment')
  const vaults = member(parsed, 'vault_ids')
  for (const vault of texts(vaults)) add(touched, 'vault', vault)
  if (vaults !== undefined && vaults !== null && !isTexts(vaults)) markUnreadable(touched, 'vault')
  addResources(touched, parsed)
}

const resourceKeys: ReadonlySet<string> = new Set(['type', 'url', 'memory_store_id'])

function addResources(touched: Touched, holder: JsonObject): void {
  const resources = member(holder, 'resources')
  if (resources === undefined || resources === null) return
  if (!Array.isArray(resources)) {
    markUnreadable(touched, 'memory_store', 'repository')
    return
  }
  for (const resource of resources) {
    if (!isObject(resource) || lookalikeOf(resource, resourceKeys) !== null) {
      markUnreadable(touched, 'memory_store', 'repository')
      continue
    }
    const [url, store] = [member(resource, 'url'), member(resource, 'memory_store_id')]
    if (typeof url === 'string') add(touched, 'repository', url)
    else if (url !== undefined) markUnreadable(touched, 'repository')
    if (typeof store === 'string') add(touched, 'memory_store', store)
    else if (store !== undefined) markUnreadable(touched, 'memory_store')
  }
}

const agentKeys: ReadonlySet<string> = new Set(['name', 'multiagent', 'metadata'])

/** A body that writes an agent: its own name, and the agents it takes into its roster. */
function addAgentText(touched: Touched, parsed: JsonObject): void {
  const odd = lookalikeOf(parsed, agentKeys)
  if (odd !== null) {
    markUnreadable(touched, 'agent', 'agent_name', 'metadata')
    addRoster(touched, member(parsed, odd))
  }
  const name = member(parsed, 'name')
  if (typeof name === 'string') add(touched, 'agent_name', name)
  addRoster(touched, member(parsed, 'multiagent'))
}

function addMetadata(touched: Touched, holder: JsonObject): void {
  const metadata = member(holder, 'metadata')
  if (metadata === undefined || metadata === null) return
  if (!isObject(metadata)) {
    markUnreadable(touched, 'metadata')
    return
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === 'string') add(touched, 'metadata', `${key}=${value}`)
  }
}

const plainId = /^[A-Za-z0-9_-]{1,128}$/

function addAgent(touched: Touched, reference: unknown): void {
  const id = typeof reference === 'string' ? reference : textMember(reference, 'id')
  if (id === undefined || !plainId.test(id)) return
  const version = member(reference, 'version')
  add(touched, 'agent', id)
  touched.agents.set(id, typeof version === 'number' && Number.isSafeInteger(version) ? version : null)
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
