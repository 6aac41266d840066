// What is approved is content, not a number: one hash of everything that a version runs, its roster included.
import { createHash } from 'node:crypto'
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { AgentVersion } from './rule.ts'

type Config = { readonly [key: string]: unknown }

/** An agent version and every other that it names, as the upstream holds them. */
export type ResolvedAgent = {
  readonly agent: AgentVersion
  /** Roster members, each once, in the order of their names. */
  readonly members: readonly AgentVersion[]
}

/** A roster has twenty members at most in each of two lists (SDK 1.12.0, beta/agents); members have none of their own. */
const membersMax = 64

// When and by whom, not what: these change while what runs stays the same, or name only who keeps it.
const volatile: ReadonlySet<string> = new Set(['created_at', 'updated_at', 'archived_at', 'metadata'])

/**
 * Reads an agent version and its roster. Null when the upstream has no such version, or misses a member of it; rejects
 * with what `agentVersion` rejects with, and for a roster of more than 64 agents.
 */
export async function resolveAgent(
  agentVersion: (id: string, version: number | null) => Promise<AgentVersion | null>,
  id: string,
  version: number,
): Promise<ResolvedAgent | null> {
  const agent = await agentVersion(id, version)
  if (agent === null) return null
  const found = new Map<string, AgentVersion>()
  const waiting = [...referencesIn(agent.config['multiagent'])]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const name = nameOf(next)
    if (found.has(name) || name === nameOf(agent)) continue
    if (found.size >= membersMax) throw new Error(`the roster names more than ${membersMax} agents`)
    const member = await agentVersion(next.id, next.version)
    if (member === null) return null
    found.set(name, member)
    waiting.push(...referencesIn(member.config['multiagent']))
  }
  const members = [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, member]) => member)
  return { agent, members }
}

/** `sha256:<hex>` of everything that the version and its roster say; times and metadata left out. */
export function hashAgent({ agent, members }: ResolvedAgent): string {
  return hashOf({ agent: lasting(agent.config), members: members.map(({ config }) => lasting(config)) })
}

/** `sha256:<hex>` of an environment as the upstream answers it; times and metadata left out. */
export const hashEnvironment = (environment: Config): string => hashOf({ environment: lasting(environment) })

const hashOf = (value: unknown): string =>
  `sha256:${createHash('sha256').update(canonicalJson(value)).digest('hex')}`

/** A member that is null says the same as one that is not there, which an older upstream may not send. */
function lasting(config: Config): Config {
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => !volatile.has(key) && value !== null),
  )
}

type Reference = { readonly id: string; readonly version: number }

const nameOf = ({ id, version }: Reference): string => `${id}@${version}`

/** Every `{"type":"agent","id":…,"version":…}` within, at any depth: rosters have several forms. */
function referencesIn(value: unknown): readonly Reference[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn)
  if (typeof value !== 'object' || value === null) return []
  const { type, id, version }: { type?: unknown; id?: unknown; version?: unknown } = value
  if (type === 'agent' && typeof id === 'string' && typeof version === 'number') return [{ id, version }]
  return Object.values(value).flatMap(referencesIn)
}
