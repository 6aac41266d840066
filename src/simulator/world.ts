// Everything the simulator remembers, in memory: agents with their versions, environments, sessions.

import type { TunnelRecord } from './accounts/tunnels.ts'
import type { UserProfileRecord } from './accounts/user-profile-view.ts'
import type { AgentSnapshot } from './agents/agent-config.ts'
import type { SimulatorClock } from './clock.ts'
import type { DreamRecord } from './dreams/dream-record.ts'
import type { EnvironmentConfig } from './environments/environment-config.ts'
import { createWorkQueue, type WorkQueue } from './environments/work-queue.ts'
import { createFileStore, type FileStore } from './files/file-store.ts'
import { notFound } from './http/api-error.ts'
import type { CredentialBook } from './http/credentials.ts'
import type { Placed } from './http/page.ts'
import type { JsonObject } from './json.ts'
import type { MemoryStoreRecord } from './memory/memory-store-record.ts'
import { createMessageLedger, type MessageLedger } from './messages/message-ledger.ts'
import type { Player } from './play/player.ts'
import type { Scenario } from './play/scenario.ts'
import type { LiveSession } from './sessions/live-session.ts'
import { createSkillLibrary, type SkillLibrary } from './skills/skill-library.ts'
import type { VaultRecord } from './vaults/vault-record.ts'

/** One saved version of an agent, as the API shows it. */
export type AgentVersion = AgentSnapshot & {
  readonly metadata: Readonly<Record<string, string>>
  readonly created_at: string
  readonly updated_at: string
}

/** An agent: its versions, oldest first, never empty. */
export type AgentRecord = {
  readonly order: number
  readonly first: AgentVersion
  latest: AgentVersion
  readonly versions: AgentVersion[]
  archivedAt: string | null
}

export type Environment = {
  readonly id: string
  readonly type: 'environment'
  readonly name: string
  readonly description: string | null
  readonly config: EnvironmentConfig
  readonly metadata: Readonly<Record<string, string>>
  readonly scope: 'organization' | 'account'
  readonly created_at: string
  readonly updated_at: string
  readonly archived_at: string | null
}

/** A session with its player. A deleted one stays for the bill and is otherwise gone. */
export type SessionRecord = {
  readonly order: number
  readonly live: LiveSession
  readonly player: Player
  isDeleted: boolean
}

/** Something happened that a webhook may tell of: the type without its version, and the ids of what it happened to. */
export type Announcement = { readonly type: string; readonly data: JsonObject }

export type World = {
  readonly clock: SimulatorClock
  readonly credentials: CredentialBook
  readonly scenarios: ReadonlyMap<string, Scenario>
  readonly defaultScenario: Scenario
  readonly agents: Map<string, AgentRecord>
  readonly environments: Map<string, Placed<Environment>>
  /** The work of self-hosted environments. */
  readonly work: WorkQueue
  readonly sessions: Map<string, SessionRecord>
  readonly vaults: Map<string, VaultRecord>
  readonly memoryStores: Map<string, MemoryStoreRecord>
  readonly dreams: Map<string, DreamRecord>
  readonly files: FileStore
  readonly skills: SkillLibrary
  /** Deleted ones stay, marked. */
  readonly userProfiles: Map<string, UserProfileRecord>
  readonly tunnels: Map<string, TunnelRecord>
  /** What messages and batches cost. */
  readonly messageLedger: MessageLedger
  /** Places in lists, growing. */
  readonly nextOrder: () => number
  /** Tells whoever listens (the webhooks) that something happened. */
  readonly announce: (type: string, data: JsonObject) => void
  readonly onAnnounced: (listener: (announcement: Announcement) => void) => void
}

/** An empty world. */
export function createWorld(
  deps: Pick<World, 'clock' | 'credentials' | 'scenarios' | 'defaultScenario'> & {
    /** Where large file contents lie until the end; default the system's. */
    readonly temporaryDirectory?: string
  },
): World {
  let order = 0
  const nextOrder = () => order++
  const listeners: ((announcement: Announcement) => void)[] = []
  return {
    ...deps,
    agents: new Map(),
    environments: new Map(),
    work: createWorkQueue(deps.clock),
    sessions: new Map(),
    vaults: new Map(),
    memoryStores: new Map(),
    dreams: new Map(),
    files: createFileStore(deps.clock, nextOrder, deps.temporaryDirectory),
    skills: createSkillLibrary(deps.clock, nextOrder),
    userProfiles: new Map(),
    tunnels: new Map(),
    messageLedger: createMessageLedger(),
    nextOrder,
    announce: (type, data) => {
      for (const listener of listeners) listener({ type, data })
    },
    onAnnounced: (listener) => void listeners.push(listener),
  }
}

/** The agent of an id. Throws a 404 when there is none. */
export function findAgentRecord(world: World, id: string): AgentRecord {
  const found = world.agents.get(id)
  if (found === undefined) throw notFound(`agent \`${id}\` not found`)
  return found
}

/** One version of an agent, the latest when `version` is absent. Throws a 404 when there is none. */
export function findAgentVersion(world: World, id: string, version?: number): AgentVersion {
  const { latest, versions } = findAgentRecord(world, id)
  const found = version === undefined ? latest : versions.find((each) => each.version === version)
  if (found === undefined) throw notFound(`agent \`${id}\` has no version ${version}`)
  return found
}

/** The environment of an id. Throws a 404 when there is none. */
export function findEnvironment(world: World, id: string): Placed<Environment> {
  const found = world.environments.get(id)
  if (found === undefined) throw notFound(`environment \`${id}\` not found`, 'environment_not_found')
  return found
}

/** The session of an id, unless deleted. Throws a 404 when there is none. */
export function findSession(world: World, id: string): SessionRecord {
  const found = world.sessions.get(id)
  if (found === undefined || found.isDeleted) throw notFound(`session \`${id}\` not found`)
  return found
}
