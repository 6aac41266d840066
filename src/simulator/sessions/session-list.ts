// The list of sessions: every filter of SDK 1.12.0 `SessionListParams`, and cursors that walk both ways.

import { invalidRequest } from '../http/api-error.ts'
import { type Page, paginate, readOrder, readPlace } from '../http/page.ts'
import { queryList } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import type { SessionRecord, World } from '../world.ts'
import { timestamp } from './live-session.ts'

const statuses: ReadonlySet<string> = new Set(['rescheduling', 'running', 'idle', 'terminated'])

/** The `statuses` of a query. Throws a 400 for one that neither sessions nor threads can have. */
export function readStatuses(query: URLSearchParams): ReadonlySet<string> {
  const wanted = queryList(query, 'statuses')
  const unknown = wanted.find((status) => !statuses.has(status))
  if (unknown === undefined) return new Set(wanted)
  throw invalidRequest(`statuses: \`${unknown}\` is none of \`${[...statuses].join('`, `')}\``)
}

function readFlag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name) ?? 'false'
  if (text === 'true' || text === 'false') return text === 'true'
  throw invalidRequest(`${name}: must be \`true\` or \`false\``)
}

function readVersion(query: URLSearchParams): number | null {
  const text = query.get('agent_version')
  if (text === null) return null
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw invalidRequest('agent_version: must be a whole number from 1')
}

/** The test a session must pass, read once for all of them. */
function readFilter(query: URLSearchParams): (record: SessionRecord) => boolean {
  const wanted = readStatuses(query)
  const isArchivedToo = readFlag(query, 'include_archived')
  const version = readVersion(query)
  const agentId = query.get('agent_id')
  const storeId = query.get('memory_store_id')
  const deploymentId = query.get('deployment_id')
  return ({ live, isDeleted }) =>
    !isDeleted &&
    (isArchivedToo || live.archivedAtMs === null) &&
    (wanted.size === 0 || wanted.has(live.status)) &&
    (agentId === null || live.agent.id === agentId) &&
    // A version means nothing without its agent.
    (agentId === null || version === null || live.agent.version === version) &&
    (storeId === null || live.resources.some((resource) => resource['memory_store_id'] === storeId)) &&
    (deploymentId === null || live.deploymentId === deploymentId)
}

const isInTime = ({ live }: SessionRecord, query: URLSearchParams): boolean =>
  isWithin(query, 'created_at', timestamp(live.createdAtMs))

/**
 * A page of the sessions that a query asks for, newest first unless told otherwise. The filters may change between
 * two pages, except `created_at` to where the cursor does not stand: that is a 400, as is another order.
 */
export function listSessions(world: World, query: URLSearchParams): Page<SessionRecord> {
  const order = readOrder(query, 'desc')
  const passes = readFilter(query)
  const records = [...world.sessions.values()]
  const place = readPlace(query, order)
  const standing = place === undefined ? undefined : records.find((record) => record.order === place)
  if (standing !== undefined && !isInTime(standing, query)) {
    throw invalidRequest('page: the cursor stands outside of `created_at`')
  }
  const items = records
    .filter((record) => passes(record) && isInTime(record, query))
    .map((item) => ({ order: item.order, item }))
  return paginate(items, query, order)
}
