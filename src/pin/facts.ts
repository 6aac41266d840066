// What the rules may ask of the world, for one team: the upstream account that serves it, and nobody else's. A version
// never changes and is read once for each account; everything else is asked every time, because it may have changed.
import { LRUCache } from 'lru-cache'
import { isObject, type JsonObject, member } from './json-values.ts'
import type { AgentVersion, PinFacts } from './rule.ts'

export type FactsDeps = {
  /** One GET of ours for a team; rejects when there is no answer. */
  readonly readUpstream: (
    team: string,
    path: string,
    betas: readonly string[],
  ) => Promise<{ readonly status: number; readonly body: unknown }>
  /** One object for each upstream account, the same for all teams that it serves. */
  readonly accountOf: (team: string) => object
  /** As in `PinFacts`, asked for a team. */
  readonly ownerTeam: (team: string, kind: string, id: string) => Promise<string | null>
}

const betas: readonly string[] = ['managed-agents-2026-04-01']
/** Versions kept for each account, of some kilobytes each. */
const versionsMax = 1_000
const plainId = /^[A-Za-z0-9_-]{1,128}$/

/** What is known of one account. */
type Memory = {
  readonly versions: LRUCache<string, AgentVersion>
  /** A burst of sessions of a version that nobody has run yet is one question, asked by the first of them. */
  readonly asking: Map<string, Promise<AgentVersion | null>>
}

/** Makes the facts of each team. Every answer rejects when the upstream cannot be asked or answers something else. */
export function createPinFacts(deps: FactsDeps): (team: string) => PinFacts {
  const memories = new WeakMap<object, Memory>()
  const memoryOf = (team: string): Memory => {
    const account = deps.accountOf(team)
    const known = memories.get(account) ?? {
      versions: new LRUCache<string, AgentVersion>({ max: versionsMax }),
      asking: new Map(),
    }
    memories.set(account, known)
    return known
  }

  return (team) => {
    const read = async (path: string, id: string, asking = betas): Promise<JsonObject | null> => {
      // An id the upstream could not have made is nobody's.
      if (!plainId.test(id)) return null
      const { status, body } = await deps.readUpstream(team, path, asking)
      if (status === 404 || status === 400) return null
      if (status !== 200 || !isObject(body)) throw new Error(`the upstream answered ${status} and no object`)
      return body
    }
    const readVersion = async (
      { versions }: Memory,
      id: string,
      version: number | null,
    ): Promise<AgentVersion | null> => {
      const query = version === null ? '' : `?version=${version}`
      const config = await read(`/v1/agents/${id}${query}`, id)
      if (config === null) return null
      const found = config['version']
      const isOther = version !== null && found !== version
      if (typeof found !== 'number' || config['id'] !== id || isOther) {
        throw new Error('the upstream answered another agent than the one asked for')
      }
      const answered = { id, version: found, config }
      versions.set(`${id}@${found}`, answered)
      return answered
    }
    return {
      agentVersion: async (id, version) => {
        const memory = memoryOf(team)
        // The latest of a moment ago is not the latest.
        if (version === null) return readVersion(memory, id, null)
        const name = `${id}@${version}`
        const before = memory.versions.get(name) ?? memory.asking.get(name)
        if (before !== undefined) return before
        const asked = readVersion(memory, id, version).finally(() => memory.asking.delete(name))
        memory.asking.set(name, asked)
        return asked
      },
      latestSkillVersion: async (id) => {
        const latest = member(await read(`/v1/skills/${id}`, id, []), 'latest_version_id')
        return typeof latest === 'string' ? latest : null
      },
      environment: (id) => read(`/v1/environments/${id}`, id),
      deployment: (id) => read(`/v1/deployments/${id}`, id),
      session: (id) => read(`/v1/sessions/${id}`, id),
      ownerTeam: (kind, id) => deps.ownerTeam(team, kind, id),
    }
  }
}
