// What can belong to a team, and where the API shows it: the path of one object, the path parameter that names it, the
// operations that make and list it, and how it may be known whose it is.
import type { ResourceKind } from './operation-type.ts'

/** A kind whose objects belong to somebody. What lives inside one (events, credentials, memories) follows it. */
export type OwnedKind =
  | Extract<
      ResourceKind,
      | 'agent'
      | 'environment'
      | 'session'
      | 'deployment'
      | 'deployment_run'
      | 'vault'
      | 'memory_store'
      | 'dream'
      | 'file'
      | 'skill'
      | 'user_profile'
      | 'tunnel'
    >
  | 'message_batch'

export type OwnedKindFacts = {
  readonly kind: OwnedKind
  /** The collection; one object is at `<path>/<id>`. */
  readonly path: string
  /** The path parameter of the operation table. */
  readonly param: string
  /** What a GET of one needs in `anthropic-beta`. */
  readonly betas: readonly string[]
  /** Operation that makes one and answers it; null when nobody asks for one directly. */
  readonly createdBy: string | null
  readonly listedBy: string
  /** Whether the object has `metadata`, and so can carry the name of its owner. */
  readonly hasMetadata: boolean
}

const managedAgents = ['managed-agents-2026-04-01']

/** Every owned kind, once. */
export const ownedKinds: readonly OwnedKindFacts[] = [
  row('agent', 'agents', managedAgents, true),
  row('environment', 'environments', managedAgents, true),
  row('session', 'sessions', managedAgents, true),
  row('deployment', 'deployments', managedAgents, true),
  { ...row('deployment_run', 'deployment_runs', managedAgents, false), createdBy: null },
  row('vault', 'vaults', managedAgents, true),
  row('memory_store', 'memory_stores', ['agent-memory-2026-07-22'], true),
  row('dream', 'dreams', ['dreaming-2026-04-21'], false),
  // With this beta a file says which session it is of.
  { ...row('file', 'files', managedAgents, false), createdBy: 'files.upload' },
  row('skill', 'skills', [], false),
  row('user_profile', 'user_profiles', [], true),
  row('tunnel', 'tunnels', ['mcp-tunnels-2026-06-22'], false),
  {
    ...row('message_batch', 'messages.batches', [], false),
    path: '/v1/messages/batches',
  },
]

function row(
  kind: OwnedKind,
  plural: string,
  betas: readonly string[],
  hasMetadata: boolean,
): OwnedKindFacts {
  return {
    kind,
    path: `/v1/${plural}`,
    param: `${kind}_id`,
    betas,
    createdBy: `${plural}.create`,
    listedBy: `${plural}.list`,
    hasMetadata,
  }
}

const index = <Key>(keyOf: (facts: OwnedKindFacts) => Key | null): ReadonlyMap<Key, OwnedKindFacts> =>
  new Map(
    ownedKinds.flatMap((facts): [Key, OwnedKindFacts][] => {
      const key = keyOf(facts)
      return key === null ? [] : [[key, facts]]
    }),
  )

/** By kind, as it stands before the `/` of a policy's object. */
export const ownedKindOf: ReadonlyMap<string, OwnedKindFacts> = index(({ kind }): string => kind)
/** By path parameter, e.g. `session_id`. */
export const ownedByParam: ReadonlyMap<string, OwnedKindFacts> = index(({ param }) => param)
/** By the operation that makes one. */
export const ownedByCreation: ReadonlyMap<string, OwnedKindFacts> = index(({ createdBy }) => createdBy)
/** By the operation that lists them. */
export const ownedByList: ReadonlyMap<string, OwnedKindFacts> = index(({ listedBy }) => listedBy)
