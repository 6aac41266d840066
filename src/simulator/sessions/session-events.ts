// The routes of a session's events, which are those of its primary thread: send, list, stream.

import { type EventStreams, readDeltas } from '../http/event-stream.ts'
import { paginateForward, readOrder } from '../http/page.ts'
import { type ApiReply, type ApiRequest, json, queryList, type Route } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import { findSession, type World } from '../world.ts'
import { parseSend } from './inbox-events.ts'
import type { LiveThread } from './live-session.ts'
import { acceptEvents } from './session-inbox.ts'
import { threadRoutes } from './session-threads.ts'

function sendEvents(world: World, request: ApiRequest) {
  const record = findSession(world, request.param('id'))
  return { data: acceptEvents(world, record, parseSend(request.body)) }
}

/** Queued events have no time yet: any `created_at` filter leaves them out. */
function listEvents({ log }: LiveThread, query: URLSearchParams) {
  const types = new Set(queryList(query, 'types'))
  const items = log
    .entries()
    .filter(({ item }) => types.size === 0 || types.has(item.type))
    .filter(({ item }) => isWithin(query, 'created_at', item.processed_at))
  return paginateForward(items, query, readOrder(query, 'asc'))
}

/** Answers a stream of a thread's coming events, with the previews the query asks for. */
export function streamThread(streams: EventStreams, { log }: LiveThread, query: URLSearchParams): ApiReply {
  const deltas = readDeltas(query)
  return { kind: 'stream', attach: (response) => streams.attach(log, deltas, response) }
}

/** The event and thread routes over `world`, streaming through `streams`. */
export function sessionEventRoutes(world: World, streams: EventStreams): readonly Route[] {
  const access = 'managed-agents'
  const events = '/v1/sessions/:id/events'
  const primary = (request: ApiRequest): LiveThread => findSession(world, request.param('id')).live.primary
  return [
    { method: 'POST', pattern: events, access, run: (r) => json(sendEvents(world, r)) },
    { method: 'GET', pattern: events, access, run: (r) => json(listEvents(primary(r), r.query)) },
    {
      method: 'GET',
      pattern: `${events}/stream`,
      access,
      run: (r) => streamThread(streams, primary(r), r.query),
    },
    ...threadRoutes(world, (thread, query) => streamThread(streams, thread, query)),
  ]
}
