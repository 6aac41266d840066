// What Tollgate knows of one upstream operation. The table itself is `operations.ts`.

export type ResourceKind =
  | 'agent'
  | 'environment'
  | 'work'
  | 'session'
  | 'event'
  | 'thread'
  | 'session_resource'
  | 'deployment'
  | 'deployment_run'
  | 'vault'
  | 'credential'
  | 'memory_store'
  | 'memory'
  | 'memory_version'
  | 'dream'
  | 'file'
  | 'skill'
  | 'tunnel'
  | 'model'
  | 'message'
  | 'user_profile'

export type Operation = {
  /** The SDK's own name, e.g. `sessions.events.send`. Unique. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Path with named parameters, e.g. `/v1/sessions/:session_id/events`. */
  readonly pattern: string
  /** The policy's word for it, `resource.verb`, e.g. `event.send`, `session.create`, `agent.read`. */
  readonly action: string
  readonly resource: ResourceKind
  /** The path parameter that names the object acted on; absent on collections. */
  readonly objectParam?: string
  readonly mutates: boolean
  /** `json`: read once, judged, sent. `stream`: passes unread (multipart). `none`: a body is refused. */
  readonly body: 'none' | 'json' | 'stream'
  readonly answer: 'json' | 'sse' | 'binary'
}
