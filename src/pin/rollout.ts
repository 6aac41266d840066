// Which version a request gets that names none: stable or canary, the same answer for the same caller on every gateway.
import { createHash } from 'node:crypto'
import type { Pins, Rollout } from './pins.ts'

export type Channel = 'stable' | 'canary'

/** The key of a session's metadata by which a caller chooses; the only one with our prefix that is the caller's. */
export const channelKey = 'tollgate_channel'

export type RolloutRequest = {
  readonly team: string
  readonly callerId: string
  /** The request's own metadata; members that are no text count as absent. */
  readonly metadata: { readonly [key: string]: unknown }
  /** True while a watch holds the canary; a hold in the file counts by itself. */
  readonly held: boolean
}

export type ChosenVersion = { readonly version: number; readonly channel: Channel }

/**
 * The version for a request that names no version of this agent; null when the agent has no rollout. A held canary is
 * for nobody. Otherwise `tollgate_channel` decides, then `always`, then the share: whoever is in a share is in every
 * larger one.
 */
export function chooseVersion(
  pins: Pick<Pins, 'rollouts'>,
  agentId: string,
  request: RolloutRequest,
): ChosenVersion | null {
  const rollout = pins.rollouts.get(agentId)
  if (rollout === undefined) return null
  const { stable, canary } = rollout
  if (canary === null || rollout.hold || request.held || !wantsCanary(rollout, agentId, request)) {
    return { version: stable, channel: 'stable' }
  }
  return { version: canary, channel: 'canary' }
}

/** The places that a share is cut from: a hundredth of a percent each. */
const placesMax = 10_000

/** Where this key stands for this agent, 0 to 9,999; depends on nothing else. */
export function placeOf(agentId: string, key: string): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([agentId, key]))
    .digest()
  return digest.readUIntBE(0, 6) % placesMax
}

function wantsCanary(rollout: Rollout, agentId: string, request: RolloutRequest): boolean {
  const asked = request.metadata[channelKey]
  if (asked === 'stable' || asked === 'canary') return asked === 'canary'
  const { always, percent } = rollout
  if (always.includes(`team/${request.team}`) || always.includes(request.callerId)) return true
  return placeOf(agentId, stickyKey(rollout.by, request)) < Math.round((percent * placesMax) / 100)
}

/** What keeps a request where it was. A request without the metadata that should decide is decided by its caller. */
function stickyKey(by: string, { team, callerId, metadata }: RolloutRequest): string {
  if (by === 'team') return `team ${team}`
  const value = by.startsWith('metadata.') ? metadata[by.slice('metadata.'.length)] : undefined
  return typeof value === 'string' ? `${by} ${value}` : `caller ${team}/${callerId}`
}
