// What a usage or cost report is asked for: range, buckets, grouping, filters, order and page size
// (SDK 1.12.0 resources/beta/organization/analytics/usage and cost).

import { invalidRequest } from '../http/api-error.ts'
import { readLimit, readOrder } from '../http/page.ts'
import { queryList } from '../http/router.ts'
import type { Dimensions } from './usage-atom.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const earliestMs = Date.UTC(2026, 0, 1)
const rangeDaysMax = 31
const groupsMax = 5

const widths = { '1m': 60_000, '1h': hourMs, '1d': dayMs } as const

/** Every dimension, by the filter that selects its values. */
const filters = {
  actor_ids: 'actor',
  actor_types: 'actor_type',
  agent_ids: 'agent_id',
  api_key_ids: 'api_key_id',
  claude_tag_categories: 'claude_tag_category',
  claude_tag_user_ids: 'claude_tag_user_id',
  context_windows: 'context_window',
  deployment_ids: 'deployment_id',
  environment_ids: 'environment_id',
  inference_geos: 'inference_geo',
  models: 'model',
  organization_ids: 'organization_id',
  products: 'product',
  rbac_group_ids: 'rbac_group_id',
  service_tiers: 'service_tier',
  session_ids: 'session_id',
  slack_channel_ids: 'slack_channel_id',
  speeds: 'speed',
  user_profile_ids: 'user_profile_id',
  workspace_ids: 'workspace_id',
} as const satisfies Readonly<Record<string, keyof Dimensions>>

/** The values a filter of fixed vocabulary takes. */
const vocabularies: Readonly<Record<string, string>> = {
  actor_types: 'api_actor federated_actor service_account_actor user_actor',
  claude_tag_categories: 'dm engaged monitoring proactive scheduled',
  context_windows: '0-200k 200k-1M',
  inference_geos: 'global not_available us',
  products:
    'chat chat_cowork_unified claude_code claude_console claude_design claude_in_chrome claude_tag cowork managed_agents_api message_batches_api messages_api office_agent',
  service_tiers: 'batch flex flex_discount priority priority_on_demand standard',
  speeds: 'fast standard',
}

/** A report's query, read and checked. */
export type ReportQuery = {
  /** The edges of the buckets, or of the whole range when there are none. Rows cover from one to the next. */
  readonly edgesMs: readonly number[]
  readonly isBucketed: boolean
  readonly groupBy: readonly string[]
  readonly accepts: (dimensions: Dimensions) => boolean
  readonly orderBy: string
  readonly order: 'asc' | 'desc'
  readonly limit: number
}

/** What the two reports ask differently: the extra dimensions, which cost nothing of the limit, and the orders. */
export type ReportKind = { readonly extraGroups: readonly string[]; readonly orders: readonly string[] }

function readTime(query: URLSearchParams, name: string): number | null {
  const text = query.get(name)
  if (text === null || text === '') return null
  const atMs = Date.parse(text)
  if (Number.isNaN(atMs) || !/(?:Z|[+-]\d\d:\d\d)$/i.test(text)) {
    throw invalidRequest(`${name}: must be an RFC 3339 time with its zone`)
  }
  return atMs
}

function readWidth(query: URLSearchParams): number | null {
  const text = query.get('time_bucket_width')
  if (text === null || text === '') return null
  if (text === '1m' || text === '1h' || text === '1d') return widths[text]
  throw invalidRequest('time_bucket_width: must be `1m`, `1h` or `1d`')
}

const floorTo = (atMs: number, stepMs: number): number => Math.floor(atMs / stepMs) * stepMs

/** The edges of the report. Without buckets, both ends are rounded down to the hour. */
function readEdges(query: URLSearchParams, nowMs: number): readonly number[] {
  const startMs = readTime(query, 'starting_at')
  const widthMs = readWidth(query)
  if (startMs === null) throw invalidRequest('starting_at: required')
  if (startMs < earliestMs || startMs < nowMs - 365 * dayMs) {
    throw invalidRequest('starting_at: must be within the last 365 days and not before 2026-01-01T00:00:00Z')
  }
  const givenEndMs = readTime(query, 'ending_at')
  if (givenEndMs === null && widthMs !== null) {
    throw invalidRequest('ending_at: required with `time_bucket_width`')
  }
  const endMs = givenEndMs ?? Math.min(nowMs, startMs + rangeDaysMax * dayMs)
  if (givenEndMs !== null && endMs <= startMs) throw invalidRequest('ending_at: must be after `starting_at`')
  if (endMs - startMs > rangeDaysMax * dayMs) {
    throw invalidRequest(`ending_at: the range may span at most ${rangeDaysMax} days`)
  }
  if (widthMs === widths['1m'] && endMs - startMs > dayMs) {
    throw invalidRequest('ending_at: with `1m` buckets the range may span at most 24 hours')
  }
  if (widthMs === null) return [floorTo(startMs, hourMs), floorTo(endMs, hourMs)]
  const edges: number[] = []
  for (let edgeMs = floorTo(startMs, widthMs); edgeMs < endMs; edgeMs += widthMs) edges.push(edgeMs)
  return [...edges, floorTo(endMs + widthMs - 1, widthMs)]
}

function readGroups(query: URLSearchParams, extraGroups: readonly string[]): readonly string[] {
  const groups = [...new Set(queryList(query, 'group_by'))]
  const dimensions: readonly string[] = [...Object.values(filters), ...extraGroups]
  const unknown = groups.find((group) => !dimensions.includes(group))
  if (unknown !== undefined)
    throw invalidRequest(`group_by: \`${unknown}\` is not a dimension of this report`)
  if (groups.filter((group) => !extraGroups.includes(group)).length > groupsMax) {
    throw invalidRequest(`group_by: at most ${groupsMax} dimensions`)
  }
  const isTagged = groups.includes('claude_tag_user_id')
  if (isTagged && (groups.includes('rbac_group_id') || queryList(query, 'rbac_group_ids').length > 0)) {
    throw invalidRequest('group_by: `claude_tag_user_id` cannot be combined with RBAC groups')
  }
  if (query.get('exclude_deleted_users') === 'true' && !groups.includes('actor')) {
    throw invalidRequest('exclude_deleted_users: requires `group_by[]=actor`')
  }
  return groups
}

/** The value of a dimension as a filter names it; null for none. */
function filterValue(dimensions: Dimensions, dimension: keyof Dimensions): string | null {
  const value = dimensions[dimension]
  if (value === null || typeof value === 'string') return value
  return typeof value['api_key_id'] === 'string' ? value['api_key_id'] : null
}

function readFilters(query: URLSearchParams): ReportQuery['accepts'] {
  const wanted = Object.entries(filters).flatMap(([name, dimension]) => {
    const values = queryList(query, name)
    const known = vocabularies[name]?.split(' ')
    const unknown = values.find((value) => known !== undefined && !known.includes(value))
    if (unknown !== undefined) throw invalidRequest(`${name}: \`${unknown}\` is not a value of this filter`)
    // The two ways to ask for usage that has no value: an empty API key, and a region that is not available.
    const isNullToo = name === 'api_key_ids' ? values.includes('') : values.includes('not_available')
    return values.length === 0 ? [] : [{ dimension, values, isNullToo }]
  })
  return (dimensions) =>
    wanted.every(({ dimension, values, isNullToo }) => {
      const value = filterValue(dimensions, dimension)
      return value === null ? isNullToo : values.includes(value)
    })
}

/** Reads a report's query. Throws a 400 that names the parameter at fault. */
export function readReportQuery(query: URLSearchParams, kind: ReportKind, nowMs: number): ReportQuery {
  const orderBy = query.get('order_by') ?? kind.orders[0] ?? 'time'
  if (orderBy !== 'time' && !kind.orders.includes(orderBy)) {
    throw invalidRequest(`order_by: must be one of \`${[...kind.orders, 'time'].join('`, `')}\``)
  }
  return {
    edgesMs: readEdges(query, nowMs),
    isBucketed: readWidth(query) !== null,
    groupBy: readGroups(query, kind.extraGroups),
    accepts: readFilters(query),
    orderBy,
    order: readOrder(query, 'desc'),
    limit: readLimit(query),
  }
}
