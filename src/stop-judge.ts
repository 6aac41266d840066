// Whether a request is part of what is stopped, and what sessions and deployments have to do with it.
import { readStamp } from './authorize/ownership/owner.ts'
import { isAbout, type Stop, type StopDims, stopDenial } from './authorize/stops/stop.ts'
import type { StoppedRequest } from './gateway/admit.ts'
import type { Denial } from './kernel/errors.ts'
import { memberOf } from './kernel/own-member.ts'
import type { PinFacts } from './pin/rule.ts'
import type { Deployment, SweepDeps } from './stop-sweep.ts'

type FactsOf = (team: string) => Pick<PinFacts, 'session' | 'agentVersion'>

const factsMax = 10_000

/** What a session is, asked of the upstream once; null when there is none. */
export function createSessionDims(factsOf: FactsOf): SweepDeps['dimsOf'] {
  const known = new Map<string, StopDims>()
  return async (team, sessionId) => {
    const seen = known.get(sessionId)
    if (seen !== undefined) return seen
    const session = await factsOf(team).session(sessionId)
    if (session === null) return null
    const agent = memberOf(session, 'agent')
    const version = memberOf(agent, 'version')
    const owner = readStamp(session)
    const dims: StopDims = {
      session: sessionId,
      agent: textOf(agent, 'id'),
      version: typeof version === 'number' ? version : null,
      teams: owner === null ? [] : [owner.team],
      callers: owner === null ? [] : [owner.caller],
      key: '',
      deployment: textOf(session, 'deployment_id'),
    }
    // What a session runs, and whose it is, was fixed when it was made.
    const [oldest] = known.keys()
    if (known.size >= factsMax && oldest !== undefined) known.delete(oldest)
    known.set(sessionId, dims)
    return dims
  }
}

/** The deployments of a list that a stop is about. */
export function deploymentsOf(
  listed: readonly { readonly team: string; readonly object: unknown }[],
  stop: Stop,
): readonly Deployment[] {
  return listed.flatMap(({ team, object }) => {
    const agent = memberOf(object, 'agent')
    const version = memberOf(agent, 'version')
    const owner = readStamp(object)
    const found: Deployment = {
      id: textOf(object, 'id'),
      team: owner?.team ?? team,
      agent: typeof agent === 'string' ? agent : textOf(agent, 'id'),
      version: typeof version === 'number' ? version : 0,
      isPaused: memberOf(object, 'status') === 'paused',
    }
    const dims: StopDims = {
      ...{ session: '', agent: found.agent, version: found.version === 0 ? null : found.version },
      ...{ teams: owner === null ? [] : [owner.team], callers: owner === null ? [] : [owner.caller] },
      ...{ key: '', deployment: found.id },
    }
    return found.id !== '' && isAbout(stop, dims) ? [found] : []
  })
}

/** The first stop that a request is part of; what a session runs is asked of the upstream where a stop depends on it. */
export function judgeStops(
  stops: readonly Stop[],
  { operation, caller, params, agentId, version }: StoppedRequest,
  dimsOf: SweepDeps['dimsOf'],
  factsOf: FactsOf,
): Denial | null | Promise<Denial | null> {
  const session = params['session_id'] ?? ''
  const own: StopDims = {
    ...{ session, agent: agentId, version, teams: [caller.team], callers: [caller.id], key: caller.keyId },
    deployment: params['deployment_id'] ?? '',
  }
  const isOne = (dims: StopDims) => (stop: Stop) => isAbout(stop, dims)
  // A version that is not named is the latest: which one that is decides, where a stop names one.
  const byVersion = stops.some(
    (stop) => stop.kind === 'agent' && stop.target === agentId && stop.version !== 0,
  )
  if (version === null && agentId !== '' && byVersion && operation.id !== 'deployments.update') {
    return factsOf(caller.team)
      .agentVersion(agentId, null)
      .then(
        (found) => deny(stops.find(isOne({ ...own, version: found?.version ?? null }))),
        () => unavailable,
      )
  }
  const found = stops.find(isOne(own))
  if (found !== undefined || session === '') return deny(found)
  if (stops.every(({ kind }) => kind === 'session' || kind === 'key')) return null
  return dimsOf(caller.team, session).then(
    // One that is not there is refused by the upstream.
    (dims) => deny(dims === null ? undefined : stops.find(isOne(dims))),
    () => unavailable,
  )
}

const deny = (stop: Stop | undefined): Denial | null => (stop === undefined ? null : stopDenial(stop))
const unavailable: Denial = {
  kind: 'denial',
  code: 'stop.unavailable',
  rule: 'stop',
  message: 'something is stopped, and whether this is part of it cannot be found out right now; try again',
}

function textOf(value: unknown, name: string): string {
  const found = memberOf(value, name)
  return typeof found === 'string' ? found : ''
}
