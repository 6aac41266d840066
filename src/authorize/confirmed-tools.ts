// Which tools a confirmation lets run: it names the call, and what the call runs is read from the session itself, so that a
// rule about one tool holds for the call of that tool.
import { LRUCache } from 'lru-cache'
import { memberOf } from '../kernel/own-member.ts'
import type { AuthorizeRequest } from './authorize.ts'
import { asName } from './capabilities/gathering.ts'
import { textOf } from './ownership/owner.ts'
import type { Capability } from './permit.ts'

/** What is known of the calls that one request confirms. */
export type ConfirmedTools = {
  /** One for each tool; `tool/*` stands for calls of which nobody can say. */
  readonly capabilities: readonly Capability[]
  /** Ids that are no call of this session. */
  readonly strangers: readonly string[]
}

/** Null when the request confirms nothing. Does not reject: what cannot be read is `tool/*`. */
export type FindConfirmed = (
  request: Pick<AuthorizeRequest, 'operation' | 'caller' | 'params' | 'parsed'>,
) => Promise<ConfirmedTools> | ConfirmedTools | null

export type ConfirmedToolsDeps = {
  /** One GET of ours for a team; rejects when there is no answer. */
  readonly readUpstream: (
    team: string,
    path: string,
    betas: readonly string[],
  ) => Promise<{ readonly status: number; readonly body: unknown }>
}

const betas = ['managed-agents-2026-04-01']
/** Calls remembered; they never change. */
const callsMax = 20_000
/** The newest calls of a session, and of its threads when the session does not show them. */
const perPage = 100
const pagesMax = 10
const threadsMax = 20

/** Makes the finder. A call that is not remembered costs one read of the session's newest calls. */
export function createConfirmedTools({ readUpstream }: ConfirmedToolsDeps): FindConfirmed {
  const known = new LRUCache<string, string>({ max: callsMax })

  /** Reads one list of events until all `wanted` are found; true when it was read to its end. */
  async function readEvents(team: string, base: string, query: string, wanted: Wanted): Promise<boolean> {
    let cursor: string | undefined
    for (let pages = 0; pages < pagesMax; pages++) {
      const page = cursor === undefined ? '' : `&page=${encodeURIComponent(cursor)}`
      const { status, body } = await readUpstream(team, `${base}?limit=${perPage}${query}${page}`, betas)
      if (status !== 200) return false
      for (const event of listIn(body)) wanted.note(event)
      cursor = textOf(body, 'next_page')
      if (wanted.isFound() || cursor === undefined) return cursor === undefined
    }
    return false
  }

  /** True when every list of the session was read, so that what was not found is not there. */
  async function readSession(team: string, session: string, wanted: Wanted): Promise<boolean> {
    const base = `/v1/sessions/${session}`
    const isWhole = await readEvents(team, `${base}/events`, newestCalls, wanted)
    if (wanted.isFound()) return true
    const threads = await readUpstream(team, `${base}/threads?limit=${threadsMax}`, betas)
    if (threads.status !== 200) return false
    let isAll = isWhole && textOf(threads.body, 'next_page') === undefined
    for (const thread of listIn(threads.body)) {
      const id = textOf(thread, 'id')
      if (id === undefined || !plainId.test(id)) return false
      if (wanted.isFound()) return true
      isAll = (await readEvents(team, `${base}/threads/${id}/events`, '', wanted)) && isAll
    }
    return isAll
  }

  return ({ operation, caller, params, parsed }) => {
    const ids = operation.id === 'sessions.events.send' ? confirmedIn(parsed) : []
    if (ids.length === 0) return null
    const session = params['session_id'] ?? ''
    const key = (id: string): string => `${caller.team} ${session} ${id}`
    const tools = new Map(ids.map((id) => [id, known.get(key(id))]))
    const wanted: Wanted = {
      note: (event) => {
        const id = textOf(event, 'id')
        const tool = toolOf(event)
        if (id === undefined || tool === null || !tools.has(id)) return
        tools.set(id, tool)
        known.set(key(id), tool)
      },
      isFound: () => [...tools.values()].every((tool) => tool !== undefined),
    }
    if (wanted.isFound()) return conclude(tools, true)
    if (!plainId.test(session)) return conclude(tools, false)
    return readSession(caller.team, session, wanted).then(
      (isAll) => conclude(tools, isAll),
      () => conclude(tools, false),
    )
  }
}

type Wanted = { readonly note: (event: unknown) => void; readonly isFound: () => boolean }

const newestCalls = '&order=desc&types[]=agent.tool_use&types[]=agent.mcp_tool_use'
const plainId = /^[A-Za-z0-9_-]{1,128}$/

function conclude(tools: ReadonlyMap<string, string | undefined>, isAll: boolean): ConfirmedTools {
  const names = new Set<string>()
  const strangers: string[] = []
  for (const [id, tool] of tools) {
    if (tool !== undefined) names.add(tool)
    else if (isAll) strangers.push(id)
    else names.add('*')
  }
  return {
    capabilities: [...names].map((name) => ({ action: 'tool.confirm', object: `tool/${name}` })),
    strangers,
  }
}

/** What the call runs, as a policy names it; null for what is no call that waits for a person. */
function toolOf(event: unknown): string | null {
  const name = textOf(event, 'name')
  if (name === undefined) return null
  const type = textOf(event, 'type')
  if (type === 'agent.tool_use') return asName(name)
  const server = textOf(event, 'mcp_server_name')
  return type === 'agent.mcp_tool_use' && server !== undefined
    ? `mcp:${asName(server)}!${asName(name)}`
    : null
}

/** The calls a body confirms, each once. It has been judged readable. */
function confirmedIn(parsed: unknown): readonly string[] {
  const events = memberOf(parsed, 'events')
  const ids = (Array.isArray(events) ? events : []).flatMap((event: unknown) =>
    textOf(event, 'type') === 'user.tool_confirmation' ? [textOf(event, 'tool_use_id') ?? ''] : [],
  )
  return [...new Set(ids)]
}

function listIn(body: unknown): readonly unknown[] {
  const data = memberOf(body, 'data')
  return Array.isArray(data) ? data : []
}
