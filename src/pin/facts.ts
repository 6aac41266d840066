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

/** Makes the facts of each team. Every answer rejects when the upstream cannot be asked or answers something else. */
export function createPinFacts(deps: FactsDeps): (team: string) => PinFacts {
  const versions = new WeakMap<object, LRUCache<string, AgentVersion>>()
  const versionsOf = (team: string): LRUCache<string, AgentVersion> => {
    const account = deps.accountOf(team)
    const known = versions.get(account) ?? new LRUCache<string, AgentVersion>({ max: versionsMax })
    versions.set(account, known)
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
    return {
      agentVersion: async (id, version) => {
        const known = versionsOf(team)
        const before = version === null ? undefined : known.get(`${id}@${version}`)
        if (before !== undefined) return before
        const query = version === null ? '' : `?version=${version}`
        const config = await read(`/v1/agents/${id}${query}`, id)
        if (config === null) return null
        const found = config['version']
        const isOther = version !== null && found !== version
        if (typeof found !== 'number' || config['id'] !== id || isOther) {
          throw new Error('the upstream answered another agent than the one asked for')
        }
        const answered = { id, version: found, config }
        known.set(`${id}@${found}`, answered)
        return answered
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
