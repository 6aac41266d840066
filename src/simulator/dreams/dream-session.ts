// The session that runs a dream: its events tell what the dream reads and writes, its meter counts what it uses.
// It is archived when the dream ends. Its agent and environment are the provider's own and cannot be fetched.

import { resolveConfig } from '../agents/agent-config.ts'
import type { ModelRequest } from '../billing/meter.ts'
import { newId } from '../ids.ts'
import { createPlayer } from '../play/player.ts'
import { createLiveSession } from '../sessions/live-session.ts'
import { announceSession, createEventAnnouncer } from '../sessions/session-announcements.ts'
import type { SessionRecord, World } from '../world.ts'
import type { DreamRecord } from './dream-record.ts'

export type DreamSession = {
  readonly id: string
  /** A model request begins. */
  readonly think: () => void
  readonly isThinking: () => boolean
  /** The open model request ends, with what it used. Nothing when none is open. */
  readonly finishThinking: (request: ModelRequest) => void
  /** A tool use and its result. */
  readonly useTool: (name: string, input: Readonly<Record<string, string>>) => void
  /** Comes to rest and is archived. */
  readonly end: () => void
}

const providerAgent = (model: string) => ({
  ...resolveConfig({ name: 'Dream', model }),
  type: 'agent' as const,
  id: newId('agent'),
  version: 1,
})

/** A session of the provider's own, at rest, with nothing to play. */
function createProviderSession(world: World, dream: DreamRecord): SessionRecord {
  const live = createLiveSession(
    {
      agent: providerAgent(dream.setup.model),
      environmentId: newId('env'),
      title: `Dream ${dream.id}`,
      metadata: {},
      budget: null,
      deploymentId: null,
      vaultIds: [],
    },
    world.clock,
    createEventAnnouncer(world),
  )
  const player = createPlayer({ session: live, scenario: world.defaultScenario, clock: world.clock })
  return { order: world.nextOrder(), live, player, isDeleted: false }
}

/** Starts the session of a dream, running. */
export function startDreamSession(world: World, dream: DreamRecord): DreamSession {
  const { clock } = world
  const record = createProviderSession(world, dream)
  const { live, player } = record
  world.sessions.set(live.id, record)
  announceSession(world, live, 'session.created')

  const { primary } = live
  const seat = { session_thread_id: primary.id, agent_name: primary.agent.name }
  let openId: string | null = null
  live.emit(primary, 'session.status_running')
  live.emit(primary, 'session.thread_status_running', seat)

  return {
    id: live.id,
    think: () => {
      openId = live.emit(primary, 'span.model_request_start').own.id
    },
    isThinking: () => openId !== null,
    finishThinking: (request) => {
      if (openId === null) return
      live.emit(primary, 'span.model_request_end', {
        is_error: false,
        model_request_start_id: openId,
        model_usage: {
          input_tokens: request.inputTokens,
          output_tokens: request.outputTokens,
          cache_read_input_tokens: request.cacheReadTokens,
          cache_creation_input_tokens: request.cacheWrite5mTokens + request.cacheWrite1hTokens,
          speed: request.speed,
        },
      })
      openId = null
      live.meter.countRequest(primary.id, request)
    },
    useTool: (name, input) => {
      const use = { name, input, evaluated_permission: 'allow' }
      const { own } = live.emit(primary, 'agent.tool_use', use)
      live.emit(primary, 'agent.tool_result', { tool_use_id: own.id, content: [], is_error: false })
    },
    end: () => {
      player.stop()
      const rest = { stop_reason: { type: 'end_turn' }, stop_details: null }
      live.emit(primary, 'session.thread_status_idle', { ...seat, ...rest })
      live.emit(primary, 'session.usage', { usage: live.meter.usage(clock.nowMs()), budget: null })
      live.emit(primary, 'session.status_idle', rest)
      live.archivedAtMs = clock.nowMs()
      live.updatedAtMs = live.archivedAtMs
      live.emit(primary, 'session.thread_status_terminated', seat)
      live.emit(primary, 'session.status_terminated')
      announceSession(world, live, 'session.archived')
    },
  }
}
