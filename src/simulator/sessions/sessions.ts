// The routes of /v1/sessions: create, read, change, list, archive, delete.

import { invalidRequest } from '../http/api-error.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { newId } from '../ids.ts'
import { findSession, type SessionRecord, type World } from '../world.ts'
import { timestamp } from './live-session.ts'
import { resourceRoutes } from './resource-routes.ts'
import { announceSession } from './session-announcements.ts'
import { createSession } from './session-create.ts'
import { dropFiles } from './session-files.ts'
import { listSessions } from './session-list.ts'
import { updateSession } from './session-update.ts'
import { sessionView } from './session-view.ts'

const view = (world: World, { live }: SessionRecord) => sessionView(live, world.clock.nowMs())

function update(world: World, request: ApiRequest) {
  const record = findSession(world, request.param('id'))
  updateSession(world, record, request.body)
  return view(world, record)
}

function archiveSession(world: World, request: ApiRequest) {
  const record = findSession(world, request.param('id'))
  const { live, player } = record
  if (live.status === 'running') throw invalidRequest('session is running: interrupt it before archiving it')
  if (live.archivedAtMs !== null) return view(world, record)
  player.stop()
  live.archivedAtMs = world.clock.nowMs()
  live.updatedAtMs = live.archivedAtMs
  for (const thread of [...live.threads.values()].reverse()) {
    if (thread.status === 'terminated') continue
    live.emit(thread, 'session.thread_status_terminated', {
      session_thread_id: thread.id,
      agent_name: thread.agent.name,
    })
  }
  if (live.status !== 'terminated') live.emit(live.primary, 'session.status_terminated')
  announceSession(world, live, 'session.archived')
  return view(world, record)
}

async function deleteSession(world: World, request: ApiRequest) {
  const record = findSession(world, request.param('id'))
  const { live, player } = record
  if (live.status === 'running') throw invalidRequest('session is running: interrupt it before deleting it')
  player.stop()
  record.isDeleted = true
  const event = { id: newId('sevt'), type: 'session.deleted', processed_at: timestamp(world.clock.nowMs()) }
  for (const thread of live.threads.values()) thread.log.endWith(event)
  announceSession(world, live, 'session.deleted')
  await dropFiles(world, live.id)
  return { id: live.id, type: 'session_deleted' }
}

/** The session routes over `world`. */
export function sessionRoutes(world: World): readonly Route[] {
  const access = 'managed-agents'
  const all = '/v1/sessions'
  const one = `${all}/:id`
  const list = (request: ApiRequest) => {
    const page = listSessions(world, request.query)
    return { ...page, data: page.data.map((record) => view(world, record)) }
  }
  return [
    { method: 'POST', pattern: all, access, run: (r) => json(view(world, createSession(world, r.body))) },
    { method: 'GET', pattern: all, access, run: (r) => json(list(r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(view(world, findSession(world, r.param('id')))) },
    { method: 'POST', pattern: one, access, run: (r) => json(update(world, r)) },
    { method: 'DELETE', pattern: one, access, run: async (r) => json(await deleteSession(world, r)) },
    { method: 'POST', pattern: `${one}/archive`, access, run: (r) => json(archiveSession(world, r)) },
    ...resourceRoutes(world),
  ]
}
