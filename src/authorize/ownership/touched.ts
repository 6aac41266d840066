// Which objects that belong to somebody a request touches, and how: those its path names, those its query asks about,
// and those its body hands to a run, which are the ones that were judged.
import type { Operation } from '../../upstream/operation-type.ts'
import { type OwnedKind, ownedByList, ownedByParam, ownedKindOf } from '../../upstream/owned-kinds.ts'
import type { Capability } from '../permit.ts'

/** `read`: see it. `use`: let a run have it. `write`: change, say something to, or end it. */
export type Need = 'read' | 'use' | 'write'

export type Touched = { readonly kind: OwnedKind; readonly id: string; readonly need: Need }

export type TouchingRequest = {
  readonly operation: Operation
  readonly params: { readonly [name: string]: string }
  /** Canonical path and query. */
  readonly path: string
  /** Of the request itself, without what an agent it names carries: that was its owner's to hand out. */
  readonly capabilities: readonly Capability[]
  /** The user profile that a header names to be billed; absent when none does. */
  readonly userProfile?: string
}

/** Each object once for each need, in the order path, query, header, body. */
export function findTouched(request: TouchingRequest): readonly Touched[] {
  const { operation, params, path, capabilities, userProfile } = request
  const found = new Map<string, Touched>()
  const add = (kind: OwnedKind, id: string, need: Need): void => {
    found.set(`${need} ${kind}/${id}`, { kind, id, need })
  }
  const own = needOf(operation)
  for (const name in params) {
    const facts = ownedByParam.get(name)
    if (facts !== undefined) add(facts.kind, params[name] ?? '', own)
  }
  for (const { kind, id } of findInQuery(operation, path)) add(kind, id, 'read')
  if (userProfile !== undefined) add('user_profile', userProfile, 'use')
  for (const { action, object } of capabilities) {
    const slash = object.indexOf('/')
    const facts = ownedKindOf.get(object.slice(0, slash))
    if (facts === undefined) continue
    const id = idIn(object.slice(slash + 1))
    if (id !== '*') add(facts.kind, id, needs.get(action) ?? own)
  }
  return [...found.values()]
}

/** What a request of this operation does with the object in its path. */
function needOf({ action, mutates }: Operation): Need {
  if (using.test(action)) return 'use'
  return mutates ? 'write' : 'read'
}

// A worker serves an environment's queue, a run starts what somebody has set up, a check tries a credential.
const using = /^work\.|\.(run|validate)$/

/** What is handed out, and what that asks of the object. */
const needs: ReadonlyMap<string, Need> = new Map<string, Need>([
  ...[
    ...['agent.use', 'agent.float', 'agent.override', 'environment.use', 'vault.use', 'file.mount'],
    ...['skill.use', 'skill.float', 'memory.attach', 'user_profile.use'],
  ].map((action): [string, Need] => [action, 'use']),
  ['memory.alter', 'write'],
  // The sessions a dream reads.
  ['session.read', 'read'],
])

/** `memstore_1:read_only` and `xlsx@latest` name `memstore_1` and `xlsx`; what was percent-encoded is decoded. */
function idIn(name: string): string {
  const end = name.search(/[:@]/)
  const id = end < 0 ? name : name.slice(0, end)
  return id.includes('%') ? decodeURIComponent(id) : id
}

/** Query parameters that name an object, beside those of the paths. */
const queryKinds: ReadonlyMap<string, OwnedKind> = new Map<string, OwnedKind>([
  ['scope_id', 'session'],
  ...[...ownedByParam].map(([param, { kind }]): [string, OwnedKind] => [param, kind]),
])

function findInQuery(operation: Operation, path: string): readonly Pick<Touched, 'kind' | 'id'>[] {
  const mark = path.indexOf('?')
  if (mark < 0) return []
  return [...new URLSearchParams(path.slice(mark + 1))].flatMap(([name, id]) => {
    const kind = queryKindOf(operation, name)
    return kind === undefined || id === '' ? [] : [{ kind, id }]
  })
}

/** The kind of object that this query parameter names. Cursors of the older lists are ids, too. */
function queryKindOf({ id }: Operation, name: string): OwnedKind | undefined {
  if (name === 'after_id' || name === 'before_id') return ownedByList.get(id)?.kind
  return queryKinds.get(name.replace(/\[\]$/, ''))
}
