// What a session has mounted: repositories, files and memory stores (SDK 1.12.0 resources/beta/sessions/resources).
// A repository's token goes in and never comes out; a file becomes a copy of its own in the session.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import type { JsonObject } from '../json.ts'
import type { World } from '../world.ts'
import { type LiveSession, timestamp } from './live-session.ts'
import { checkFile, copyFile } from './session-files.ts'
import { attachStore, checkStore } from './session-stores.ts'

const mountPath = z.string().startsWith('/', 'must be an absolute path').max(4096).nullish()

const checkout = z.discriminatedUnion('type', [
  z.object({ type: z.literal('branch'), name: z.string().min(1) }),
  z.object({
    type: z.literal('commit'),
    sha: z.string().regex(/^[0-9a-f]{40}$/i, 'must be a full commit SHA'),
  }),
])

const repositoryParams = z.object({
  type: z.literal('github_repository'),
  url: z
    .string()
    .regex(/^https:\/\/github\.com\/[\w.-]+\/[\w.-]+$/, 'must be `https://github.com/<owner>/<repository>`'),
  authorization_token: z.string().min(1).optional(),
  checkout: checkout.nullish(),
  mount_path: mountPath,
})

/** A file to mount: the only kind of resource that can be added later. */
export const fileParams = z.object({
  type: z.literal('file'),
  file_id: z.string().min(1),
  mount_path: mountPath,
})

const storeParams = z.object({
  type: z.literal('memory_store'),
  memory_store_id: z.string().min(1),
  access: z.enum(['read_write', 'read_only']).nullish(),
  instructions: z.string().max(4096).nullish(),
})

const resource = z.discriminatedUnion('type', [repositoryParams, fileParams, storeParams])
type ResourceParams = z.infer<typeof resource>

const filesMax = 500
const storesMax = 8

const countOf = (resources: readonly { readonly [key: string]: unknown }[], type: string): number =>
  resources.filter((each) => each['type'] === type).length

/** The `resources` of a session or deployment. */
export const resourcesParams = z
  .array(resource)
  .max(filesMax)
  .refine((all) => countOf(all, 'memory_store') <= storesMax, `at most ${storesMax} memory stores`)
  .refine((all) => {
    const stores = all.flatMap((each) => (each.type === 'memory_store' ? [each.memory_store_id] : []))
    return new Set(stores).size === stores.length
  }, 'a memory store can be attached once')

const repositoryName = (url: string): string => (url.split('/').at(-1) ?? '').replace(/\.git$/, '')

function mount(world: World, session: LiveSession, params: ResourceParams): JsonObject {
  if (params.type === 'memory_store') return attachStore(world, params)
  const now = timestamp(world.clock.nowMs())
  const head = { id: newId('sesrsc'), type: params.type }
  const tail = { created_at: now, updated_at: now }
  if (params.type === 'file') {
    return {
      ...head,
      file_id: copyFile(world, session.id, params.file_id),
      mount_path: params.mount_path ?? `/mnt/session/uploads/${params.file_id}`,
      ...tail,
    }
  }
  return {
    ...head,
    url: params.url,
    checkout: params.checkout ?? null,
    mount_path: params.mount_path ?? `/workspace/${repositoryName(params.url)}`,
    ...tail,
  }
}

/**
 * Mounts resources, all or none. Throws a 400 for what the environment or the session has no room for, and a 404 for
 * a file or store that is not there.
 */
export function mountResources(
  world: World,
  session: LiveSession,
  all: readonly ResourceParams[],
): readonly JsonObject[] {
  const foreign = all.find(({ type }) => type !== 'memory_store')
  if (session.isSelfHosted && foreign !== undefined) {
    throw invalidRequest(`resources: a self-hosted environment takes no \`${foreign.type}\``)
  }
  if (countOf(session.resources, 'file') + countOf(all, 'file') > filesMax) {
    throw invalidRequest(`resources: at most ${filesMax} files in a session`)
  }
  for (const params of all) {
    if (params.type === 'memory_store') checkStore(world, params)
    if (params.type === 'file') checkFile(world, params.file_id)
  }
  const mounted = all.map((params) => mount(world, session, params))
  session.resources = [...session.resources, ...mounted]
  return mounted
}
