// The list of memories: ordered by path, below a prefix, either all of them or one level with the deeper ones rolled up.
// A cursor holds the last path shown, so what is added or removed meanwhile moves nothing else.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import type { Memory, MemoryStoreRecord } from './memory-store-record.ts'
import { inView, limitIn, readView } from './view.ts'

type Prefix = { readonly type: 'memory_prefix'; readonly path: string }

const cursorSchema = z.strictObject({ after: z.string(), prefix: z.string(), depth: z.enum(['0', '1']) })
type Cursor = z.infer<typeof cursorSchema>
type Scope = Omit<Cursor, 'after'>

const writeCursor = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url')

function readCursor(text: string, { prefix, depth }: Scope): string {
  let decoded: unknown
  try {
    decoded = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    throw invalidRequest('page: not a cursor of this endpoint')
  }
  const { success, data } = cursorSchema.safeParse(decoded)
  if (!success) throw invalidRequest('page: not a cursor of this endpoint')
  if (data.prefix === prefix && data.depth === depth) return data.after
  throw invalidRequest('page: the cursor was made with another `path_prefix` or `depth`')
}

function readScope(query: URLSearchParams): Scope {
  const prefix = query.get('path_prefix') ?? '/'
  if (!prefix.startsWith('/') || !prefix.endsWith('/')) {
    throw invalidRequest('path_prefix: must start and end with `/`')
  }
  const depth = query.get('depth') ?? '0'
  if (depth !== '0' && depth !== '1') throw invalidRequest('depth: must be 0 or 1')
  return { prefix, depth }
}

function rollUp(memory: Memory, prefix: string): Memory | Prefix {
  const slash = memory.path.indexOf('/', prefix.length)
  return slash === -1 ? memory : { type: 'memory_prefix', path: memory.path.slice(0, slash + 1) }
}

/** One page of a store's memories. Throws a 400 for a query that is not valid. */
export function listMemories({ memories }: MemoryStoreRecord, query: URLSearchParams) {
  const view = readView(query, 'basic')
  const limit = limitIn(query, view)
  const scope = readScope(query)
  const cursorText = query.get('page')
  const after = cursorText ? readCursor(cursorText, scope) : ''

  const entries = new Map<string, Memory | Prefix>()
  for (const memory of memories.values()) {
    if (!memory.path.startsWith(scope.prefix)) continue
    const entry = scope.depth === '1' ? rollUp(memory, scope.prefix) : memory
    if (entry.path > after) entries.set(entry.path, entry)
  }
  const paths = [...entries.keys()].sort()
  const shown = paths.slice(0, limit).flatMap((path) => entries.get(path) ?? [])
  const last = shown.at(-1)
  return {
    data: shown.map((entry) => (entry.type === 'memory' ? inView(entry, view) : entry)),
    next_page:
      last !== undefined && paths.length > limit ? writeCursor({ ...scope, after: last.path }) : null,
  }
}
