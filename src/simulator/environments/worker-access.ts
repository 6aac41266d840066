// Lets workers at the routes of other families that their tools need, each credential only as far as it reaches:
// a session token its own session and that session's memory stores, an environment key its sessions.

import type { RouteAccess } from '../http/access.ts'
import { permissionDenied } from '../http/api-error.ts'
import type { ApiRequest, Route } from '../http/router.ts'
import { findSession, type World } from '../world.ts'

type Opening = { readonly access: RouteAccess; readonly check: (world: World, request: ApiRequest) => void }

/** The id after the family's name, whatever the family's own pattern calls it. */
const idOf = ({ raw }: ApiRequest): string => raw.url?.split('?')[0]?.split('/')[3] ?? ''

/** The session a worker may see: the token's own, or any of the key's environment. */
function checkSession(world: World, request: ApiRequest): void {
  const { identity } = request
  if (identity === null || !('environmentId' in identity)) return
  const { live } = findSession(world, idOf(request))
  const isOwn = identity.kind === 'session_token' ? identity.sessionId === live.id : true
  if (isOwn && live.environmentId === identity.environmentId) return
  throw permissionDenied('this credential is for another session')
}

/** The stores attached to the token's session; one attached for reading cannot be written. */
function checkStore(world: World, request: ApiRequest, isWrite: boolean): void {
  const { identity } = request
  if (identity?.kind !== 'session_token') return
  const { live } = findSession(world, identity.sessionId)
  const storeId = idOf(request)
  const attached = live.resources.find((resource) => resource['memory_store_id'] === storeId)
  if (attached === undefined) throw permissionDenied('this memory store is not attached to the session')
  if (isWrite && attached['access'] === 'read_only') {
    throw permissionDenied('this memory store is attached for reading only')
  }
}

const anySkill = (): void => {}

/** What SDK 1.12.0 lib/environments/worker and tools/agent-toolset call with a worker's credential. */
function openingOf({ method, pattern }: Route): Opening | undefined {
  if (/^\/v1\/sessions\/:\w+(\/(events|threads)(\/.*)?)?$/.test(pattern)) {
    const isOpen = method === 'GET' || /^\/v1\/sessions\/:\w+\/events$/.test(pattern)
    return isOpen ? { access: 'session-worker', check: checkSession } : undefined
  }
  if (/^\/v1\/memory_stores\/:\w+\/memories(\/:\w+)?$/.test(pattern)) {
    const check: Opening['check'] = (world, request) => checkStore(world, request, method !== 'GET')
    return { access: 'memory-worker', check }
  }
  if (method === 'GET' && /^\/v1\/skills\/:\w+\/versions\/:\w+(\/content)?$/.test(pattern)) {
    return { access: 'skill-worker', check: anySkill }
  }
  return undefined
}

/** The same routes, with workers let into those they need. */
export function admitWorkers(world: World, routes: readonly Route[]): readonly Route[] {
  return routes.map((route) => {
    const opening = openingOf(route)
    if (opening === undefined) return route
    return {
      ...route,
      access: opening.access,
      run: (request) => {
        opening.check(world, request)
        return route.run(request)
      },
    }
  })
}
