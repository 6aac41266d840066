// The routes of /v1/messages/batches: create, list, retrieve, cancel, delete, and the results as a JSONL file.

import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { paginateById } from '../http/id-page.ts'
import { type ApiReply, type ApiRequest, json, type Route } from '../http/router.ts'
import { jsonObject, parseBody } from '../json.ts'
import type { World } from '../world.ts'
import { type BatchRecord, createBatch } from './batch-record.ts'
import type { MessageEngine } from './message-engine.ts'
import { readOrigin } from './message-origin.ts'

const createParams = z.looseObject({
  requests: z
    .array(
      z.looseObject({
        custom_id: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must match ^[a-zA-Z0-9_-]{1,64}$'),
        params: jsonObject,
      }),
    )
    .min(1)
    .max(100_000),
})

type Batches = Map<string, BatchRecord>

function findBatch(batches: Batches, request: ApiRequest): BatchRecord {
  const id = request.param('id')
  const batch = batches.get(id)
  if (batch === undefined) throw notFound(`message batch \`${id}\` not found`)
  return batch
}

/** Where the results will be: at the address the client called us by. */
function viewFor(batch: BatchRecord, { raw }: ApiRequest) {
  const scheme = 'encrypted' in raw.socket ? 'https' : 'http'
  return batch.view(`${scheme}://${raw.headers.host ?? 'localhost'}/v1/messages/batches/${batch.id}/results`)
}

function create(world: World, engine: MessageEngine, batches: Batches, request: ApiRequest) {
  const { requests } = parseBody(createParams, request.body)
  const seen = new Set<string>()
  for (const [at, { custom_id }] of requests.entries()) {
    if (seen.has(custom_id)) throw invalidRequest(`requests.${at}.custom_id: \`${custom_id}\` is there twice`)
    seen.add(custom_id)
  }
  const from = { headers: request.headers, identity: request.identity }
  const batch = createBatch(requests, world.clock, (params) =>
    engine.answer(params, readOrigin('message_batches_api', from, params.user_profile_id)),
  )
  batches.set(batch.id, batch)
  return viewFor(batch, request)
}

function cancel(batch: BatchRecord, request: ApiRequest) {
  if (batch.hasEnded()) throw invalidRequest(`message batch \`${batch.id}\` has ended and cannot be canceled`)
  batch.cancel()
  return viewFor(batch, request)
}

function remove(batches: Batches, batch: BatchRecord) {
  if (!batch.hasEnded()) {
    throw invalidRequest(`message batch \`${batch.id}\` is still processing: cancel it first`)
  }
  batches.delete(batch.id)
  return { id: batch.id, type: 'message_batch_deleted' }
}

function results(batch: BatchRecord): ApiReply {
  if (!batch.hasEnded()) throw notFound(`message batch \`${batch.id}\` has no results before it ends`)
  if (batch.isArchived())
    throw notFound(`the results of message batch \`${batch.id}\` are no longer available`)
  return {
    kind: 'stream',
    attach: (response) => {
      response.writeHead(200, { 'content-type': 'application/x-jsonl' })
      const lines = batch.resultLines().map((line) => `${line}\n`)
      // A client that leaves in the middle is none of our business.
      void pipeline(lines, response).catch(() => {})
    },
  }
}

/** The batch routes, their requests answered by `engine`. They need a key and no beta header. */
export function batchRoutes(world: World, engine: MessageEngine): readonly Route[] {
  const access = 'key-only'
  const batches: Batches = new Map()
  const path = '/v1/messages/batches'
  const newestFirst = (request: ApiRequest) =>
    [...batches.values()].reverse().map((batch) => viewFor(batch, request))
  return [
    {
      method: 'POST',
      pattern: path,
      access,
      run: (request) => json(create(world, engine, batches, request)),
    },
    {
      method: 'GET',
      pattern: path,
      access,
      run: (request) => json(paginateById(newestFirst(request), request.query)),
    },
    {
      method: 'GET',
      pattern: `${path}/:id`,
      access,
      run: (request) => json(viewFor(findBatch(batches, request), request)),
    },
    {
      method: 'DELETE',
      pattern: `${path}/:id`,
      access,
      run: (request) => json(remove(batches, findBatch(batches, request))),
    },
    {
      method: 'POST',
      pattern: `${path}/:id/cancel`,
      access,
      run: (request) => json(cancel(findBatch(batches, request), request)),
    },
    {
      method: 'GET',
      pattern: `${path}/:id/results`,
      access,
      run: (request) => results(findBatch(batches, request)),
    },
  ]
}
