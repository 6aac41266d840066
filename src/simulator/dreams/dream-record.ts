// A dream as the simulator keeps it, and what it cost (SDK 1.12.0 resources/beta/dreams).

import type { ModelRequest } from '../billing/meter.ts'
import { notFound } from '../http/api-error.ts'
import type { World } from '../world.ts'

export type DreamStatus = 'pending' | 'running' | 'completed' | 'failed' | 'canceled'

export type DreamInput =
  | { readonly type: 'memory_store'; readonly memory_store_id: string }
  | { readonly type: 'sessions'; readonly session_ids: readonly string[] }

export type OutputBehavior =
  | { readonly type: 'create_new' }
  | { readonly type: 'update_existing'; readonly memory_store_id: string }

/** What a dream is made with. */
export type DreamSetup = {
  readonly inputs: readonly DreamInput[]
  readonly storeId: string
  readonly sessionIds: readonly string[]
  readonly model: string
  readonly instructions: string | null
  readonly outputBehavior: OutputBehavior
}

/** One dream. What changes while it runs is not readonly. */
export type DreamRecord = {
  readonly id: string
  readonly order: number
  readonly createdAt: string
  readonly setup: DreamSetup
  /** The model requests it has ended so far. */
  readonly requests: ModelRequest[]
  status: DreamStatus
  sessionId: string | null
  outputStoreId: string | null
  error: { readonly type: string; readonly message: string } | null
  endedAt: string | null
  archivedAt: string | null
  /** Whether its session may still write and use tokens, which a cancelled one does until its last request is over. */
  isWorking: boolean
}

const count = (requests: readonly ModelRequest[], read: (request: ModelRequest) => number): number =>
  requests.reduce((sum, request) => sum + read(request), 0)

/** A dream as the API shows it. */
export function dreamView({ setup, requests, ...dream }: DreamRecord) {
  return {
    id: dream.id,
    type: 'dream',
    status: dream.status,
    inputs: setup.inputs,
    outputs:
      dream.outputStoreId === null ? [] : [{ type: 'memory_store', memory_store_id: dream.outputStoreId }],
    model: { id: setup.model, speed: 'standard' },
    instructions: setup.instructions,
    output_behavior: setup.outputBehavior,
    session_id: dream.sessionId,
    usage: {
      input_tokens: count(requests, ({ inputTokens }) => inputTokens),
      output_tokens: count(requests, ({ outputTokens }) => outputTokens),
      cache_read_input_tokens: count(requests, ({ cacheReadTokens }) => cacheReadTokens),
      cache_creation_input_tokens: count(
        requests,
        ({ cacheWrite5mTokens, cacheWrite1hTokens }) => cacheWrite5mTokens + cacheWrite1hTokens,
      ),
    },
    error: dream.error,
    created_at: dream.createdAt,
    ended_at: dream.endedAt,
    archived_at: dream.archivedAt,
  }
}

/** The dream of an id. Throws a 404 when there is none. */
export function findDream(world: World, id: string): DreamRecord {
  const found = world.dreams.get(id)
  if (found === undefined) throw notFound(`dream \`${id}\` not found`)
  return found
}

/** The dream that writes into a store at this moment; undefined when none does. */
export const dreamWritingTo = (world: World, storeId: string): DreamRecord | undefined =>
  [...world.dreams.values()].find(
    ({ setup, outputStoreId, isWorking }) =>
      isWorking &&
      (outputStoreId === storeId ||
        (setup.outputBehavior.type === 'update_existing' &&
          setup.outputBehavior.memory_store_id === storeId)),
  )

/** What one dream is to be billed for: tokens at list price, and no running time. */
export type DreamCharge = {
  readonly dreamId: string
  /** The session that ran it, whose own meter counts the same requests; null while the dream is pending. */
  readonly sessionId: string | null
  readonly model: string
  readonly requests: readonly ModelRequest[]
}

/** Every dream since the start, in order of creation, with what it has used up to now. */
export const dreamCharges = (world: World): readonly DreamCharge[] =>
  [...world.dreams.values()].map(({ id, sessionId, setup, requests }) => ({
    dreamId: id,
    sessionId,
    model: setup.model,
    requests,
  }))
