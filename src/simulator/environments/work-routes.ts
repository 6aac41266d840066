// The routes of an environment's work queue: what a worker calls to get work and keep it, and what an
// operator calls to look at it.

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { metadataPatch, parseBody, patchMetadata } from '../json.ts'
import { findEnvironment, type World } from '../world.ts'
import { parseMetadata } from './environments.ts'
import { acknowledge, heartbeat, stopWork, type WorkItem, workView } from './work-item.ts'
import { checkWorkScope, issueSecret } from './worker-credentials.ts'

const reclaimMsDefault = 5000

const updateParams = z.object({ metadata: z.unknown() })
const stopParams = z.object({ force: z.boolean().nullish() })

/** A whole number of the query, null when absent. Throws a 400 outside its bounds. */
function readWhole(query: URLSearchParams, name: string, min: number, max: number): number | null {
  const text = query.get(name)
  if (text === null || text === '') return null
  const number = Number(text)
  if (Number.isInteger(number) && number >= min && number <= max) return number
  const bounds = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`
  throw invalidRequest(`${name}: must be a whole number ${bounds}`)
}

/** The environment of the path, once the credential is known to be for it. */
function environmentOf(world: World, request: ApiRequest): string {
  const { item } = findEnvironment(world, request.param('id'))
  checkWorkScope(request.identity, item.id)
  if (item.config.type === 'self_hosted') return item.id
  throw invalidRequest(`environment \`${item.id}\` is not self-hosted: it has no work queue`)
}

function itemOf(world: World, request: ApiRequest): WorkItem {
  const item = world.work.find(environmentOf(world, request), request.param('work'))
  checkWorkScope(request.identity, item.environmentId, item.id)
  return item
}

type Wait = { readonly environmentId: string; readonly blockMs: number; readonly reclaimMs: number }

/** The next item, waiting for one until `blockMs` are over or the worker hangs up. */
function claimWithin(
  { work, clock }: World,
  { environmentId, blockMs, reclaimMs }: Wait,
  socket: Socket,
): WorkItem | undefined | Promise<WorkItem | undefined> {
  const atOnce = work.claim(environmentId, reclaimMs)
  if (atOnce !== undefined || blockMs === 0) return atOnce
  return new Promise((resolve) => {
    const finish = (item: WorkItem | undefined): void => {
      unsubscribe()
      cancelTimer()
      socket.off('close', hangUp)
      resolve(item)
    }
    // Nobody would read the answer, so nothing may be claimed for it.
    const hangUp = (): void => finish(undefined)
    const unsubscribe = work.onQueued(environmentId, () => {
      const item = work.claim(environmentId, reclaimMs)
      if (item !== undefined) finish(item)
    })
    const cancelTimer = clock.after(blockMs, () => finish(work.claim(environmentId, reclaimMs)))
    socket.once('close', hangUp)
  })
}

/** Where the request came to; undefined when it does not say. */
function baseUrlOf({ headers, raw }: ApiRequest): string | undefined {
  if (headers.host === undefined) return undefined
  return `${raw.socket instanceof TLSSocket ? 'https' : 'http'}://${headers.host}`
}

async function poll(world: World, request: ApiRequest) {
  const environmentId = environmentOf(world, request)
  const blockMs = readWhole(request.query, 'block_ms', 1, 999) ?? 0
  const reclaimMs =
    readWhole(request.query, 'reclaim_older_than_ms', 0, Number.MAX_SAFE_INTEGER) ?? reclaimMsDefault
  const workerId = request.headers['anthropic-worker-id']
  if (typeof workerId === 'string') world.work.noteWorker(environmentId, workerId)
  const item = await claimWithin(world, { environmentId, blockMs, reclaimMs }, request.raw.socket)
  if (item === undefined) return json(null)
  return json(workView(item, issueSecret(world.credentials, item, baseUrlOf(request))))
}

function beat(world: World, request: ApiRequest) {
  const item = itemOf(world, request)
  const ttlSeconds = readWhole(request.query, 'desired_ttl_seconds', 1, Number.MAX_SAFE_INTEGER)
  const expected = request.query.get('expected_last_heartbeat')
  return heartbeat(item, { expected, ttlSeconds }, world.clock.nowMs())
}

function stop(world: World, request: ApiRequest) {
  const item = itemOf(world, request)
  stopWork(item, parseBody(stopParams, request.body).force ?? false, world.clock.nowMs())
  return workView(item)
}

function update(world: World, request: ApiRequest) {
  const item = itemOf(world, request)
  const { metadata } = parseBody(updateParams, request.body)
  item.metadata = patchMetadata(item.metadata, parseMetadata(metadataPatch, metadata))
  return workView(item)
}

function list(world: World, request: ApiRequest) {
  const items = world.work.list(environmentOf(world, request))
  const page = paginateForward(items, request.query, 'desc')
  return { ...page, data: page.data.map((item) => workView(item)) }
}

/** The work routes over `world`. Who may call which is as the SDK documents it; see `http/access.ts`. */
export function workRoutes(world: World): readonly Route[] {
  const queue = '/v1/environments/:id/work'
  const one = `${queue}/:work`
  return [
    { method: 'GET', pattern: queue, access: 'environment-work', run: (r) => json(list(world, r)) },
    { method: 'GET', pattern: `${queue}/poll`, access: 'environment-work', run: (r) => poll(world, r) },
    {
      method: 'GET',
      pattern: `${queue}/stats`,
      access: 'work-operation',
      run: (r) => json(world.work.stats(environmentOf(world, r))),
    },
    {
      method: 'GET',
      pattern: one,
      access: 'managed-agents',
      run: (r) => json(workView(itemOf(world, r))),
    },
    { method: 'POST', pattern: one, access: 'managed-agents', run: (r) => json(update(world, r)) },
    {
      method: 'POST',
      pattern: `${one}/ack`,
      access: 'work-lease',
      run: (r) => {
        const item = itemOf(world, r)
        acknowledge(item, world.clock.nowMs())
        return json(workView(item))
      },
    },
    { method: 'POST', pattern: `${one}/heartbeat`, access: 'work-lease', run: (r) => json(beat(world, r)) },
    { method: 'POST', pattern: `${one}/stop`, access: 'work-operation', run: (r) => json(stop(world, r)) },
  ]
}
