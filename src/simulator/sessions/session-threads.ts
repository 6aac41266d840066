// The routes of a session's threads: list, retrieve, archive, and the events of each
// (SDK 1.12.0 resources/beta/sessions/threads).

import { z } from 'zod'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { paginateForward } from '../http/page.ts'
import { type ApiReply, type ApiRequest, json, type Route } from '../http/router.ts'
import { findSession, type World } from '../world.ts'
import type { LiveSession, LiveThread } from './live-session.ts'
import { readStatuses } from './session-list.ts'
import { threadView } from './session-view.ts'

function findThread(world: World, request: ApiRequest) {
  const record = findSession(world, request.param('id'))
  const thread = record.live.threads.get(request.param('thread'))
  if (thread === undefined) throw notFound(`thread \`${request.param('thread')}\` not found`)
  return { ...record, thread }
}

/** Every thread, archived ones too, the primary one first. */
function listThreads(world: World, request: ApiRequest) {
  const { live } = findSession(world, request.param('id'))
  const wanted = readStatuses(request.query)
  const items = [...live.threads.values()]
    .filter(({ status }) => wanted.size === 0 || wanted.has(status))
    .map((thread) => ({ order: thread.order, item: threadView(live, thread, world.clock.nowMs()) }))
  return paginateForward(items, request.query, 'asc')
}

function showThread(world: World, request: ApiRequest) {
  const { live, thread } = findThread(world, request)
  return threadView(live, thread, world.clock.nowMs())
}

const idleSchema = z.looseObject({ stop_reason: z.looseObject({ type: z.string() }) })

/** Whether an idle thread is in the middle of a turn: it waits for the client, or for money. */
function isParked({ log }: LiveThread): boolean {
  const last = log.entries().findLast(({ item }) => item.type === 'session.thread_status_idle')
  const reason = idleSchema.safeParse(last?.item).data?.stop_reason.type
  return reason === 'requires_action' || reason === 'budget_reached'
}

/** A run archives its threads itself when it ends. */
function isInOpenRun({ primary }: LiveSession, { workflowRunId }: LiveThread): boolean {
  if (workflowRunId === null) return false
  return !primary.log
    .entries()
    .some(
      ({ item }) => item.type === 'workflow_run.status_ended' && item['workflow_run_id'] === workflowRunId,
    )
}

function checkArchivable(live: LiveSession, thread: LiveThread): void {
  if (thread === live.primary) {
    throw invalidRequest('the primary thread cannot be archived: archive the session')
  }
  if (isInOpenRun(live, thread)) {
    throw invalidRequest('the thread belongs to a workflow run that is open', 'workflow_run_open')
  }
  if (thread.status === 'idle' || thread.status === 'terminated') return
  throw invalidRequest(`thread is ${thread.status}, and only an idle one can be archived: interrupt it first`)
}

function archiveThread(world: World, request: ApiRequest) {
  const { live, player, thread } = findThread(world, request)
  if (thread.archivedAtMs !== null) return showThread(world, request)
  checkArchivable(live, thread)
  if (thread.status === 'idle') {
    // What it waited for is not waited for any more.
    if (isParked(thread)) player.interrupt(thread)
    live.emit(thread, 'session.thread_status_terminated', {
      session_thread_id: thread.id,
      agent_name: thread.agent.name,
    })
  }
  thread.archivedAtMs = world.clock.nowMs()
  thread.updatedAtMs = thread.archivedAtMs
  return showThread(world, request)
}

/** A thread's events know no filter and no order but the one they happened in. */
const listEvents = ({ log }: LiveThread, query: URLSearchParams) =>
  paginateForward(log.entries(), query, 'asc')

/** The thread routes over `world`; `stream` answers a thread's stream. */
export function threadRoutes(
  world: World,
  stream: (thread: LiveThread, query: URLSearchParams) => ApiReply,
): readonly Route[] {
  const access = 'managed-agents'
  const all = '/v1/sessions/:id/threads'
  const one = `${all}/:thread`
  return [
    { method: 'GET', pattern: all, access, run: (r) => json(listThreads(world, r)) },
    { method: 'GET', pattern: one, access, run: (r) => json(showThread(world, r)) },
    { method: 'POST', pattern: `${one}/archive`, access, run: (r) => json(archiveThread(world, r)) },
    {
      method: 'GET',
      pattern: `${one}/events`,
      access,
      run: (r) => json(listEvents(findThread(world, r).thread, r.query)),
    },
    {
      method: 'GET',
      pattern: `${one}/stream`,
      access,
      run: (r) => stream(findThread(world, r).thread, r.query),
    },
  ]
}
