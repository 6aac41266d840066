// One HTTP request of `@clickhouse/client` -> what the engine shall do. What this facade does not speak it refuses
// aloud, so that nothing is silently different from a server.
import type { IncomingMessage } from 'node:http'
import { ServerException } from './server-exception.ts'

export type EngineRequest = {
  readonly queryId: string
  readonly sql: string
  /** Rows of an INSERT; empty for everything else. */
  readonly data: Buffer
  readonly database: string
  readonly settings: ReadonlyMap<string, string>
  /** Values of `{name: Type}`, in ClickHouse's escaped text form. */
  readonly params: ReadonlyMap<string, string>
  readonly defaultFormat: string
}

const bodyLimitBytes = 256 * 1024 * 1024
/** Parts of the protocol that are not settings, and that mean nothing to an engine without users and buffers. */
const ignored = new Set(['wait_end_of_query', 'buffer_size', 'session_timeout', 'session_check', 'quota_key'])
// `log_comment` is how the facade finds a session's running query.
const unspoken = new Set(['session_id', 'role', 'compress', 'decompress', 'user', 'password', 'log_comment'])

/** Reads URL and body. @throws ServerException for what the facade does not speak or a body over 256 MiB. */
export async function readRequest(request: IncomingMessage, queryId: string): Promise<EngineRequest> {
  const fields = new Map(new URL(request.url ?? '/', 'http://engine').searchParams)
  const body = await readBody(request)
  const contentType = request.headers['content-type'] ?? ''
  let data = body
  if (contentType.startsWith('multipart/form-data')) {
    // The client moves the SQL and long parameters here, out of the URL.
    for (const [name, value] of await new Response(body, {
      headers: { 'content-type': contentType },
    }).formData()) {
      if (typeof value === 'string') fields.set(name, value)
    }
    data = Buffer.alloc(0)
  }
  const inUrl = fields.get('query')
  if (inUrl === undefined) data = Buffer.alloc(0)
  return { queryId, sql: inUrl ?? body.toString('utf8'), data, ...sortFields(fields) }
}

function sortFields(fields: ReadonlyMap<string, string>) {
  const settings = new Map<string, string>()
  const params = new Map<string, string>()
  let database = 'default'
  let defaultFormat = 'TabSeparated'
  for (const [name, value] of fields) {
    if (name === 'query' || name === 'query_id' || ignored.has(name)) continue
    if (unspoken.has(name) || !/^\w+$/.test(name)) {
      throw new ServerException(48, 'NOT_IMPLEMENTED', `the embedded engine does not know \`${name}\``)
    }
    if (name === 'database') database = value
    else if (name === 'default_format') defaultFormat = value
    else if (name.startsWith('param_')) params.set(name.slice('param_'.length), value)
    else settings.set(name, value)
  }
  return { database, defaultFormat, settings, params }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    throw new ServerException(48, 'NOT_IMPLEMENTED', `the embedded engine takes no \`${encoding}\` bodies`)
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > bodyLimitBytes) throw new ServerException(307, 'TOO_MANY_BYTES', 'the body is over 256 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}
