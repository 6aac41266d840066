// Sessions and what lives inside them: events, threads, resources (SDK 1.12.0 resources/beta/sessions).
import type { Operation } from '../operation-type.ts'
import { rowsOf } from './row.ts'

const session = rowsOf('session')
const event = rowsOf('event')
const thread = rowsOf('thread')
const resource = rowsOf('session_resource')

/** A run: its life, its conversation, its threads and its mounts. */
export const sessionOperations: readonly Operation[] = [
  session.post('sessions.create', '/v1/sessions', 'create'),
  session.read('sessions.list', '/v1/sessions'),
  session.read('sessions.retrieve', '/v1/sessions/:session_id', 'session_id'),
  session.post('sessions.update', '/v1/sessions/:session_id', 'update', { on: 'session_id' }),
  session.remove('sessions.delete', '/v1/sessions/:session_id', 'session_id'),
  session.post('sessions.archive', '/v1/sessions/:session_id/archive', 'archive', {
    on: 'session_id',
    body: 'none',
  }),

  event.read('sessions.events.list', '/v1/sessions/:session_id/events'),
  event.post('sessions.events.send', '/v1/sessions/:session_id/events', 'send'),
  event.tail('sessions.events.stream', '/v1/sessions/:session_id/events/stream'),

  thread.read('sessions.threads.list', '/v1/sessions/:session_id/threads'),
  thread.read('sessions.threads.retrieve', '/v1/sessions/:session_id/threads/:thread_id', 'thread_id'),
  thread.post('sessions.threads.archive', '/v1/sessions/:session_id/threads/:thread_id/archive', 'archive', {
    on: 'thread_id',
    body: 'none',
  }),
  event.read('sessions.threads.events.list', '/v1/sessions/:session_id/threads/:thread_id/events'),
  // Not `/events/stream`: a thread's stream hangs off the thread itself.
  event.tail('sessions.threads.events.stream', '/v1/sessions/:session_id/threads/:thread_id/stream'),

  resource.read('sessions.resources.list', '/v1/sessions/:session_id/resources'),
  resource.post('sessions.resources.add', '/v1/sessions/:session_id/resources', 'create'),
  resource.read(
    'sessions.resources.retrieve',
    '/v1/sessions/:session_id/resources/:resource_id',
    'resource_id',
  ),
  resource.post('sessions.resources.update', '/v1/sessions/:session_id/resources/:resource_id', 'update', {
    on: 'resource_id',
  }),
  resource.remove(
    'sessions.resources.delete',
    '/v1/sessions/:session_id/resources/:resource_id',
    'resource_id',
  ),
]
