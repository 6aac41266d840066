// Everything the simulator remembers, in memory: agents with their versions, environments, sessions.

import type { AgentSnapshot } from './agent-config.ts'
import { notFound } from './api-error.ts'
import type { SimulatorClock } from './clock.ts'
import type { JsonObject } from './json.ts'
import type { LiveSession } from './live-session.ts'
import type { Placed } from './page.ts'
import type { Player } from './player.ts'
import type { Scenario } from './scenario.ts'

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
  readonly config: JsonObject
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

export type World = {
  readonly clock: SimulatorClock
  readonly scenarios: ReadonlyMap<string, Scenario>
  readonly defaultScenario: Scenario
  readonly agents: Map<string, AgentRecord>
  readonly environments: Map<string, Placed<Environment>>
  readonly sessions: Map<string, SessionRecord>
  /** Places in lists, growing. */
  readonly nextOrder: () => number
}

/** An empty world. */
export function createWorld(deps: Pick<World, 'clock' | 'scenarios' | 'defaultScenario'>): World {
  let order = 0
  return {
    ...deps,
    agents: new Map(),
    environments: new Map(),
    sessions: new Map(),
    nextOrder: () => order++,
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
