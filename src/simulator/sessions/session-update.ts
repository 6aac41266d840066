// Changing a session while it lives: tools, MCP servers, budget, metadata, title. What an update really changes is
// told by one `session.updated` event; an update that changes nothing tells nothing (SDK 1.12.0 `SessionUpdateParams`).

import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { type AgentSnapshot, resolveConfig } from '../agents/agent-config.ts'
import { invalidRequest } from '../http/api-error.ts'
import { metadataPatch, parseBody, patchMetadata } from '../json.ts'
import type { SessionRecord, World } from '../world.ts'
import type { LiveSession } from './live-session.ts'
import { agentUpdateParams } from './session-agent.ts'
import { budgetParams, checkBudgetUpdate } from './session-budget.ts'

const updateParams = z.object({
  agent: agentUpdateParams.optional(),
  budget: budgetParams.nullish(),
  metadata: metadataPatch.optional(),
  title: z.string().nullish(),
  vault_ids: z.unknown().optional(),
})

type UpdateParams = z.infer<typeof updateParams>
type Editable = Pick<LiveSession, 'agent' | 'budget' | 'metadata' | 'title'>

/** The version stays: the saved agent is not touched, only what this session runs. */
function updateAgent(live: LiveSession, params: NonNullable<UpdateParams['agent']>): AgentSnapshot {
  if (live.status !== 'idle') {
    throw invalidRequest('agent: can only be changed while the session is idle: interrupt it first')
  }
  return { ...live.agent, ...resolveConfig(params, live.agent), multiagent: live.agent.multiagent }
}

/** The session's fields after the update. Throws a 400 for one that cannot be changed so. */
function edit(live: LiveSession, params: UpdateParams, nowMs: number): Editable {
  if (live.status === 'terminated') throw invalidRequest(`session \`${live.id}\` is terminated`)
  if (params.vault_ids !== undefined) throw invalidRequest('vault_ids: cannot be changed')
  if (params.budget !== undefined) checkBudgetUpdate(live, params.budget, nowMs)
  return {
    agent: params.agent === undefined ? live.agent : updateAgent(live, params.agent),
    budget: params.budget === undefined ? live.budget : params.budget,
    metadata: patchMetadata(live.metadata, params.metadata),
    title: params.title === undefined ? live.title : params.title,
  }
}

/** Applies an update, all of it or nothing. Throws a 400 for what cannot be changed, or not now. */
export function updateSession(world: World, { live, player }: SessionRecord, body: unknown): void {
  const params = parseBody(updateParams, body)
  const next = edit(live, params, world.clock.nowMs())
  const changed = new Set(
    (['agent', 'budget', 'metadata', 'title'] as const).filter(
      (key) => !isDeepStrictEqual(next[key], live[key]),
    ),
  )
  if (changed.size === 0) return
  Object.assign(live, next)
  live.updatedAtMs = world.clock.nowMs()
  live.emit(live.primary, 'session.updated', {
    ...(changed.has('agent') ? { agent: next.agent } : {}),
    ...(changed.has('budget') ? { budget: next.budget } : {}),
    // A bag emptied by the update is left out.
    ...(changed.has('metadata') && Object.keys(next.metadata).length > 0 ? { metadata: next.metadata } : {}),
    ...(changed.has('title') ? { title: next.title } : {}),
  })
  // What the old budget had stopped goes on.
  if (changed.has('budget')) player.budgetChanged()
}
