// Versions as the gateway sees them, for `tollgate pins`: what is approved and spread, what a version really is and who
// made it, and what runs now. Read with `policy.read`.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import { TollgateError } from '../kernel/errors.ts'
import type { RunningVersion, VersionMaker } from '../ledger/queries/agent-versions-now.ts'
import type { CanaryWatch } from '../pin/canary-watch.ts'
import { hashAgent, resolveAgent } from '../pin/config-hash.ts'
import type { Pins } from '../pin/pins.ts'
import type { PinFacts } from '../pin/rule.ts'
import { tellApproval, tellPins, tellRollout } from './pins-answer.ts'

export type PinsRoutesDeps = {
  readonly clock: Clock
  readonly pinning: {
    readonly pins: () => Pins
    /** Asked with the team of whoever asks, or the one they name. */
    readonly factsOf: (team: string) => Pick<PinFacts, 'agentVersion'>
    readonly canaries: Pick<CanaryWatch, 'holdOf' | 'stateOf'>
    readonly loadVersionMaker: (agentId: string, version: number) => Promise<VersionMaker | null>
    readonly loadRunningVersions: (fromMs: number) => Promise<readonly RunningVersion[]>
  }
}

/** Keeps what a failing ledger says out of the answer. */
type FromLedger = <T>(load: () => Promise<T>) => Promise<T>

const agentId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/)
const versionParams = z.strictObject({
  id: agentId,
  version: z.coerce.number().int().min(1).max(4_294_967_295),
})
const versionQuery = z.strictObject({
  team: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/)
    .optional(),
})
const config = { action: 'policy.read' }
const dayMs = 86_400_000

/** Adds `/api/v1/pins`, `/api/v1/pins/status` and `/api/v1/pins/agents/:id/versions/:version` (takes `team`). */
export function registerPinsRoutes(
  app: FastifyInstance,
  { clock, pinning }: PinsRoutesDeps,
  fromLedger: FromLedger,
): void {
  app.get('/api/v1/pins', { config }, async () => tellPins(pinning.pins(), pinning.canaries, clock.nowMs()))

  app.get('/api/v1/pins/status', { config }, async () => {
    const nowMs = clock.nowMs()
    const pins = pinning.pins()
    const versions = await fromLedger(() => pinning.loadRunningVersions(nowMs - dayMs))
    return {
      at: new Date(nowMs).toISOString(),
      versions: versions.map((line) => ({
        ...line,
        approval: tellApproval(pins, line.agent_id, line.agent_version, nowMs),
        channel: channelOf(pins, line.agent_id, line.agent_version),
      })),
      rollouts: [...pins.rollouts].map(([id, rollout]) => tellRollout(id, rollout, pinning.canaries)),
    }
  })

  app.get('/api/v1/pins/agents/:id/versions/:version', { config }, async (request) => {
    const { id, version, team } = readVersion(request)
    const pins = pinning.pins()
    const resolved = await askUpstream(() => resolveAgent(pinning.factsOf(team).agentVersion, id, version))
    if (resolved === null) {
      throw new TollgateError(
        'show.not_found',
        `the upstream has no version ${version} of \`${id}\`, or misses a member of it`,
      )
    }
    return {
      agent_id: id,
      version,
      config_hash: hashAgent(resolved),
      config: resolved.agent.config,
      members: resolved.members.map((member) => ({
        id: member.id,
        version: member.version,
        config: member.config,
      })),
      made_by: await fromLedger(() => pinning.loadVersionMaker(id, version)),
      asked_by: request.askedBy?.id ?? '',
      four_eyes: pins.fourEyes,
      approval: tellApproval(pins, id, version, clock.nowMs()),
    }
  })
}

function readVersion(request: FastifyRequest) {
  const params = versionParams.safeParse(request.params)
  if (!params.success) {
    throw new TollgateError(
      'show.query_invalid',
      'the address names an agent id and a version, a whole number from 1',
    )
  }
  const query = versionQuery.safeParse(request.query)
  if (!query.success)
    throw new TollgateError('show.query_invalid', 'the only parameter is `team`, the name of a team')
  return { ...params.data, team: query.data.team ?? request.askedBy?.team ?? '' }
}

async function askUpstream<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw new TollgateError(
      'show.unavailable',
      'the upstream cannot be asked for this version right now; try again',
      {
        cause,
      },
    )
  }
}

function channelOf(pins: Pins, id: string, version: number): 'stable' | 'canary' | '' {
  const rollout = pins.rollouts.get(id)
  if (rollout?.stable === version) return 'stable'
  return rollout?.canary === version ? 'canary' : ''
}
