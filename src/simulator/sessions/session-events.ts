// The routes of a session's events and of its threads: send, list, stream.

import { invalidRequest, notFound } from '../http/api-error.ts'
import { type EventStreams, readDeltas } from '../http/event-stream.ts'
import { paginateForward, readOrder } from '../http/page.ts'
import { type ApiReply, type ApiRequest, json, queryList, type Route } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import { findSession, type World } from '../world.ts'
import type { LiveThread } from './live-session.ts'
import { acceptEvents, parseSend } from './session-inbox.ts'
import { threadView } from './session-view.ts'

function findThread(world: World, request: ApiRequest): LiveThread {
  const { live } = findSession(world, request.param('id'))
  const thread = live.threads.get(request.param('thread'))
  if (thread === undefined) throw notFound(`thread \`${request.param('thread')}\` not found`)
  return thread
}

function sendEvents(world: World, request: ApiRequest) {
  const record = findSession(world, request.param('id'))
  return { data: acceptEvents(record, parseSend(request.body), world.clock.nowMs()) }
}

function listEvents(thread: LiveThread, query: URLSearchParams) {
  const types = new Set(queryList(query, 'types'))
  const items = thread.log
    .entries()
    .filter(({ item }) => types.size === 0 || types.has(item.type))
    .filter(({ item }) => isWithin(query, 'created_at', item.processed_at))
  return paginateForward(items, query, readOrder(query, 'asc'))
}

function listThreads(world: World, request: ApiRequest) {
  const { live } = findSession(world, request.param('id'))
  const statuses = queryList(request.query, 'statuses')
  const items = [...live.threads.values()]
    .filter(({ status }) => statuses.length === 0 || statuses.includes(status))
    .map((thread) => ({ order: thread.order, item: threadView(live, thread, world.clock.nowMs()) }))
  return paginateForward(items, request.query, 'asc')
}

function archiveThread(world: World, request: ApiRequest) {
  const { live } = findSession(world, request.param('id'))
  const thread = findThread(world, request)
  if (thread === live.primary)
    throw invalidRequest('the primary thread cannot be archived: archive the session')
  if (thread.status === 'running') throw invalidRequest('thread is running: interrupt it before archiving it')
  if (thread.archivedAtMs === null) {
    thread.archivedAtMs = world.clock.nowMs()
    live.emit(thread, 'session.thread_status_terminated', {
      session_thread_id: thread.id,
      agent_name: thread.agent.name,
    })
  }
  return threadView(live, thread, world.clock.nowMs())
}

/** The event and thread routes over `world`, streaming through `streams`. */
export function sessionEventRoutes(world: World, streams: EventStreams): readonly Route[] {
  const access = 'managed-agents'
  const events = '/v1/sessions/:id/events'
  const threads = '/v1/sessions/:id/threads'
  const one = `${threads}/:thread`
  const primary = (request: ApiRequest): LiveThread => findSession(world, request.param('id')).live.primary
  const stream = (thread: LiveThread, query: URLSearchParams): ApiReply => {
    const deltas = readDeltas(query)
    return { kind: 'stream', attach: (response) => streams.attach(thread.log, deltas, response) }
  }
  const showThread = (request: ApiRequest) =>
    threadView(findSession(world, request.param('id')).live, findThread(world, request), world.clock.nowMs())

  return [
    { method: 'POST', pattern: events, access, run: (r) => json(sendEvents(world, r)) },
    { method: 'GET', pattern: events, access, run: (r) => json(listEvents(primary(r), r.query)) },
    { method: 'GET', pattern: `${events}/stream`, access, run: (r) => stream(primary(r), r.query) },
    { method: 'GET', pattern: threads, access, run: (r) => json(listThreads(world, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(showThread(r)) },
    { method: 'POST', pattern: `${one}/archive`, access, run: (r) => json(archiveThread(world, r)) },
    {
      method: 'GET',
      pattern: `${one}/events`,
      access,
      run: (r) => json(listEvents(findThread(world, r), r.query)),
    },
    { method: 'GET', pattern: `${one}/stream`, access, run: (r) => stream(findThread(world, r), r.query) },
  ]
}
