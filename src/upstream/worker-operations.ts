// Which operations take a bearer that is the upstream's own: the key of a self-hosted environment, or the session token
// of one work item (SDK 1.12.0 lib/environments, lib/tools/SessionToolRunner, tools/agent-toolset).

/** Operation ids that a self-hosted worker calls with a credential the upstream gave it. No other takes one. */
export const workerOperations: ReadonlySet<string> = new Set([
  // The queue. `retrieve` and `update` are for API keys alone.
  'environments.work.poll',
  'environments.work.list',
  'environments.work.stats',
  'environments.work.ack',
  'environments.work.heartbeat',
  'environments.work.stop',
  // The session of the item: read it, follow it, answer its tool calls.
  'sessions.retrieve',
  'sessions.events.list',
  'sessions.events.send',
  'sessions.events.stream',
  'sessions.threads.list',
  'sessions.threads.retrieve',
  'sessions.threads.events.list',
  'sessions.threads.events.stream',
  // What its tools need on the worker's disk.
  'skills.versions.retrieve',
  'skills.versions.download',
  'files.download',
  'memory_stores.memories.list',
  'memory_stores.memories.retrieve',
  'memory_stores.memories.create',
  'memory_stores.memories.update',
  'memory_stores.memories.delete',
])
