// What the agents of a run carry: the version named (or the latest), and every member of its roster, as the upstream
// holds them. A version never changes, so it is read once. An agent made in the provider's console gets no free pass.
import { LRUCache } from 'lru-cache'
import type { Denial } from '../kernel/errors.ts'
import type { AuthorizeRequest, CarriedAgent } from './authorize.ts'
import { subjectOf } from './roles.ts'
import type { Snapshot } from './snapshot.ts'
import { objectKindOf } from './vocabulary.ts'

/** Every agent version the request would run; none for what starts no run. A promise when one must be asked for. */
export type FindCarried = (
  request: Pick<AuthorizeRequest, 'operation' | 'caller' | 'parsed'> & { readonly policy: Snapshot },
) => Found | Promise<Found>

type Found = readonly CarriedAgent[] | Denial

export type CarriedAgentsDeps = {
  /** One GET of ours for a team; rejects when there is no answer. */
  readonly readUpstream: (
    team: string,
    path: string,
    betas: readonly string[],
  ) => Promise<{ readonly status: number; readonly body: unknown }>
  /** The name of the upstream that serves a team: what one of them calls an id is nothing to another. */
  readonly upstreamOf: (team: string) => string
}

const runs: ReadonlySet<string> = new Set(['sessions.create', 'deployments.create', 'deployments.update'])
const betas = ['managed-agents-2026-04-01']
const none: readonly CarriedAgent[] = []

/** Versions kept, of some kilobytes each. */
const versionsMax = 1_000
/** A roster has twenty members at most (SDK 1.12.0, beta/agents), and members may have rosters. */
const agentsMax = 128

type Reference = { readonly id: string; readonly version: number | null }

/**
 * Makes the finder. What the upstream does not know is left to the upstream to say; when it cannot be asked, or does not
 * answer an agent, the request is refused: nobody starts what nobody could judge.
 */
export function createCarriedAgents({ readUpstream, upstreamOf }: CarriedAgentsDeps): FindCarried {
  const known = new LRUCache<string, CarriedAgent>({ max: versionsMax })

  const read = async (team: string, { id, version }: Reference): Promise<CarriedAgent | null> => {
    const nameOf = (of: number): string => `${upstreamOf(team)} ${id}@${of}`
    const before = version === null ? undefined : known.get(nameOf(version))
    if (before !== undefined) return before
    const query = version === null ? '' : `?version=${version}`
    const { status, body } = await readUpstream(team, `/v1/agents/${id}${query}`, betas)
    if (status === 404 || status === 400) return null
    if (status !== 200 || !isObject(body) || typeof body['version'] !== 'number' || body['id'] !== id) {
      throw new Error(`the upstream answered ${status} and no agent`)
    }
    if (version !== null && body['version'] !== version)
      throw new Error('the upstream answered another version')
    const carried: CarriedAgent = { agentId: id, version: body['version'], agent: body }
    known.set(nameOf(carried.version), carried)
    return carried
  }

  /** These and all they bring along, each once. */
  const readAll = async (team: string, named: readonly Reference[]): Promise<readonly CarriedAgent[]> => {
    const found: CarriedAgent[] = []
    const seen = new Set<string>()
    const waiting = [...named]
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const name = `${next.id}@${next.version}`
      if (seen.has(name)) continue
      seen.add(name)
      if (seen.size > agentsMax) throw new Error(`the roster names more than ${agentsMax} agents`)
      const carried = await read(team, next)
      if (carried === null) continue
      found.push(carried)
      if (isObject(carried.agent)) waiting.push(...membersOf(carried.agent['multiagent']))
    }
    return found
  }

  return ({ operation, caller, parsed, policy }) => {
    if (!runs.has(operation.id) || mayCarryAll(caller, policy)) return none
    const agent = isObject(parsed) ? parsed['agent'] : undefined
    const reference = referenceOf(agent)
    if (reference === null) return none
    // No override has a roster today; whoever sends one all the same gets no member past the judge.
    const members = isObject(agent) ? membersOf(agent['multiagent']) : []
    return readAll(caller.team, [reference, ...members]).catch((): Denial => refused(reference.id))
  }
}

/** What an agent can carry, in the policy's words. A caller who may hand out all of it is asked nothing. */
export const carriedActions: readonly string[] = [
  ...[
    'agent.use',
    'agent.float',
    'identity.assume',
    'mcp.connect',
    'model.effort',
    'model.fast',
    'model.locate',
  ],
  ...['model.use', 'skill.float', 'skill.use', 'subagent.inline', 'subagent.spawn', 'tool.enable'],
  ...['unknown.use', 'web.reach', 'workflow.run'],
]

/** A snapshot never changes its answer, and every run asks. */
const remembered = new WeakMap<Snapshot, Map<string, boolean>>()
const rememberedMax = 10_000

function mayCarryAll(caller: AuthorizeRequest['caller'], policy: Snapshot): boolean {
  if (caller.scopes !== null) return false
  const answers = remembered.get(policy) ?? new Map<string, boolean>()
  remembered.set(policy, answers)
  const question = `${caller.team} ${caller.id} ${caller.roles.join(' ')}`
  const known = answers.get(question)
  if (known !== undefined) return known
  const answer = carriedActions.every((action) =>
    policy.allowsAll(subjectOf(caller), caller.team, action, objectKindOf.get(action) ?? ''),
  )
  if (answers.size < rememberedMax) answers.set(question, answer)
  return answer
}

function refused(id: string): Denial {
  return {
    kind: 'denial',
    code: 'ownership.unavailable',
    message: `what agent \`${id}\` carries could not be read from the upstream, so it cannot be judged; try again`,
    rule: '',
  }
}

// The same reading that capability expansion accepts; anything else has been denied before this is asked.
const idPattern = /^[A-Za-z0-9_-]{1,128}$/

function referenceOf(agent: unknown): Reference | null {
  const id = isObject(agent) ? agent['id'] : agent
  const version = isObject(agent) ? agent['version'] : null
  if (typeof id !== 'string' || !idPattern.test(id)) return null
  return { id, version: Number.isSafeInteger(version) && typeof version === 'number' ? version : null }
}

/** Every `{"type":"agent","id":…,"version":…}` within, at any depth, and every bare id in a list: rosters have several forms. */
function membersOf(multiagent: unknown): readonly Reference[] {
  if (Array.isArray(multiagent)) return multiagent.flatMap(memberOrMembersOf)
  if (!isObject(multiagent)) return []
  const own = multiagent['type'] === 'agent' ? referenceOf(multiagent) : null
  const nested = Object.values(multiagent).flatMap((value) =>
    typeof value === 'object' ? membersOf(value) : [],
  )
  return own === null ? nested : [own, ...nested]
}

function memberOrMembersOf(item: unknown): readonly Reference[] {
  if (typeof item !== 'string') return membersOf(item)
  const bare = referenceOf(item)
  return bare === null ? [] : [bare]
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
