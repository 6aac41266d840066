// The routes of /v1/dreams: jobs that read a memory store and past sessions and write a tidier store.

import { z } from 'zod'
import { knownModels } from '../billing/prices.ts'
import { ApiError, invalidRequest } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, queryList, type Route } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import { newId } from '../ids.ts'
import { parseBody } from '../json.ts'
import { findMemoryStore } from '../memory/memory-store-record.ts'
import { timestamp } from '../sessions/live-session.ts'
import { findSession, type World } from '../world.ts'
import {
  type DreamRecord,
  type DreamSetup,
  dreamView,
  dreamWritingTo,
  findDream,
  type OutputBehavior,
} from './dream-record.ts'
import { cancelDream, runDream } from './dream-run.ts'

const limitMax = 100
const statuses: ReadonlySet<string> = new Set(['pending', 'running', 'completed', 'failed', 'canceled'])

const modelId = z.string().min(1).max(256)
const createParams = z.object({
  inputs: z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('memory_store'), memory_store_id: z.string() }),
      z.object({
        type: z.literal('sessions'),
        session_ids: z
          .array(z.string())
          .min(1)
          .max(100)
          .refine((ids) => new Set(ids).size === ids.length, 'must not name a session twice'),
      }),
    ]),
  ),
  model: z.union([modelId, z.object({ id: modelId, speed: z.literal('standard').nullish() })]),
  instructions: z.string().min(1).max(4096).nullish(),
  output_behavior: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('create_new') }),
      z.object({ type: z.literal('update_existing'), memory_store_id: z.string() }),
    ])
    .default({ type: 'create_new' }),
})

/** The one entry of its kind. Throws a 400 when there is none, or more. */
function only<T>(entries: readonly T[], type: string): T {
  const [entry, ...others] = entries
  if (entry !== undefined && others.length === 0) return entry
  throw invalidRequest(`inputs: must have exactly one entry of type \`${type}\``)
}

/** 409 while another dream writes into the store. SDKs are told not to retry it. */
function checkFree(world: World, behavior: OutputBehavior): void {
  if (behavior.type !== 'update_existing') return
  const holder = dreamWritingTo(world, behavior.memory_store_id)
  if (holder === undefined) return
  const message = `output_behavior: dream \`${holder.id}\` still writes into this memory store`
  throw new ApiError(409, 'conflict_error', message, undefined, { headers: { 'x-should-retry': 'false' } })
}

function readSetup(world: World, body: unknown): DreamSetup {
  const params = parseBody(createParams, body)
  const storeInput = only(
    params.inputs.flatMap((input) => (input.type === 'memory_store' ? [input] : [])),
    'memory_store',
  )
  const sessionsInput = only(
    params.inputs.flatMap((input) => (input.type === 'sessions' ? [input] : [])),
    'sessions',
  )
  const model = typeof params.model === 'string' ? params.model : params.model.id
  if (!knownModels.includes(model)) throw invalidRequest(`model: \`${model}\` cannot run dreams`)
  const behavior = params.output_behavior
  if (behavior.type === 'update_existing' && behavior.memory_store_id !== storeInput.memory_store_id) {
    throw invalidRequest('output_behavior.memory_store_id: must be the memory store of `inputs`')
  }
  const { store } = findMemoryStore(world, storeInput.memory_store_id)
  if (store.archived_at !== null) throw invalidRequest(`inputs: memory store \`${store.id}\` is archived`)
  const sessionIds = sessionsInput.session_ids.toSorted()
  for (const id of sessionIds) findSession(world, id)
  checkFree(world, behavior)
  return {
    inputs: params.inputs.map((input) =>
      input.type === 'sessions' ? { type: input.type, session_ids: sessionIds } : input,
    ),
    storeId: store.id,
    sessionIds,
    model,
    instructions: params.instructions ?? null,
    outputBehavior: behavior,
  }
}

function createDream(world: World, request: ApiRequest): DreamRecord {
  const dream: DreamRecord = {
    id: newId('drm'),
    order: world.nextOrder(),
    createdAt: timestamp(world.clock.nowMs()),
    setup: readSetup(world, request.body),
    requests: [],
    status: 'pending',
    sessionId: null,
    outputStoreId: null,
    error: null,
    endedAt: null,
    archivedAt: null,
    isWorking: true,
  }
  world.dreams.set(dream.id, dream)
  runDream(world, dream)
  return dream
}

const isOver = ({ status }: DreamRecord): boolean => status !== 'pending' && status !== 'running'

function cancel(world: World, request: ApiRequest): DreamRecord {
  const dream = findDream(world, request.param('id'))
  if (dream.status === 'canceled') return dream
  if (isOver(dream)) throw invalidRequest(`dream \`${dream.id}\` is ${dream.status} and cannot be canceled`)
  cancelDream(world, dream)
  return dream
}

function archive(world: World, request: ApiRequest): DreamRecord {
  const dream = findDream(world, request.param('id'))
  if (!isOver(dream)) throw invalidRequest(`dream \`${dream.id}\` is ${dream.status}: cancel it first`)
  dream.archivedAt ??= timestamp(world.clock.nowMs())
  return dream
}

function listDreams(world: World, { query }: ApiRequest) {
  if (Number(query.get('limit')) > limitMax) throw invalidRequest(`limit: must be at most ${limitMax}`)
  const wanted = queryList(query, 'statuses')
  const unknown = wanted.find((status) => !statuses.has(status))
  if (unknown !== undefined) throw invalidRequest(`statuses: no status \`${unknown}\``)
  const isArchivedToo = query.get('include_archived') === 'true'
  const items = [...world.dreams.values()]
    .filter(({ archivedAt }) => isArchivedToo || archivedAt === null)
    .filter(({ status }) => wanted.length === 0 || wanted.includes(status))
    .filter(({ createdAt }) => isWithin(query, 'created_at', createdAt))
    .map((dream) => ({ order: dream.order, item: dreamView(dream) }))
  return paginateForward(items, query, 'desc')
}

/** The dream routes over `world`. */
export function dreamRoutes(world: World): readonly Route[] {
  const access = 'dreaming'
  const one = '/v1/dreams/:id'
  return [
    {
      method: 'POST',
      pattern: '/v1/dreams',
      access,
      run: (r) => json(dreamView(createDream(world, r))),
    },
    { method: 'GET', pattern: '/v1/dreams', access, run: (r) => json(listDreams(world, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(dreamView(findDream(world, r.param('id')))) },
    { method: 'POST', pattern: `${one}/cancel`, access, run: (r) => json(dreamView(cancel(world, r))) },
    { method: 'POST', pattern: `${one}/archive`, access, run: (r) => json(dreamView(archive(world, r))) },
  ]
}
