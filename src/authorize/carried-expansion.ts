// What saved agents carry, in the policy's words: spelled out once for each version, and remembered by the reference that
// led to them, so that a request refused before they are looked up can still be recorded with what is known of them.
import { LRUCache } from 'lru-cache'
import type { Denial } from '../kernel/errors.ts'
import type { AuthorizeRequest, CarriedAgent } from './authorize.ts'
import { expandAgent } from './capabilities.ts'
import type { Capability } from './permit.ts'
import { nameOf } from './verdict.ts'

export type CarriedExpansion = {
  /** Everything one version carries; a denial that names the agent when that cannot be read. */
  readonly expand: (carried: CarriedAgent) => readonly Capability[] | Denial
  readonly remember: (request: Asking, agents: readonly CarriedAgent[]) => void
  /** What the agents carried when this reference was looked up last; nothing when it never was. */
  readonly recall: (request: Asking) => readonly Capability[]
}

type Asking = Pick<AuthorizeRequest, 'caller' | 'parsed' | 'carried'>

const referencesMax = 1_000
const referenceLengthMax = 512

/** Makes the memory. */
export function createCarriedExpansion(): CarriedExpansion {
  const expanded = new WeakMap<object, readonly Capability[]>()
  const byReference = new LRUCache<string, readonly CarriedAgent[]>({ max: referencesMax })

  const expand: CarriedExpansion['expand'] = ({ agentId, version, agent }) => {
    const isObject = typeof agent === 'object' && agent !== null
    const remembered = isObject ? expanded.get(agent) : undefined
    if (remembered !== undefined) return remembered
    const held = expandAgent(agent)
    if ('kind' in held) {
      return {
        ...held,
        message: `${nameOf({ agentId, version })} cannot be judged, so it cannot run: ${held.message}`,
      }
    }
    if (isObject) expanded.set(agent, held)
    return held
  }

  return {
    expand,
    remember: (request, agents) => {
      const key = referenceIn(request)
      if (key !== null && agents.length > 0) byReference.set(key, agents)
    },
    recall: (request) => {
      const key = referenceIn(request)
      const agents = request.carried ?? (key === null ? undefined : byReference.get(key))
      return (agents ?? []).flatMap((agent) => {
        const held = expand(agent)
        return 'kind' in held ? [] : held
      })
    },
  }
}

/** Teams may have upstreams of their own, so a reference is one of a team's. */
function referenceIn({ caller, parsed }: Asking): string | null {
  if (typeof parsed !== 'object' || parsed === null || !('agent' in parsed)) return null
  const text = JSON.stringify(parsed.agent) ?? ''
  return text === '' || text.length > referenceLengthMax ? null : `${caller.team} ${text}`
}
