// Atoms gathered into the groups of a report: one for each bucket of time and combination of the dimensions asked
// for, ranked as asked.

import type { ReportQuery } from './report-query.ts'
import type { Dimensions, UsageAtom } from './usage-atom.ts'

/** The atoms of one row, or of the rows it fans out into. Dimensions not asked for read null. */
export type ReportGroup = {
  readonly fromMs: number
  readonly toMs: number
  readonly dimensions: { readonly [Name in keyof Dimensions]: Dimensions[Name] | null }
  readonly atoms: readonly UsageAtom[]
}

/** A row's rank by one metric. */
export type Metric = (atoms: readonly UsageAtom[]) => bigint

function selected(dimensions: Dimensions | undefined, groupBy: readonly string[]): ReportGroup['dimensions'] {
  const pick = <Name extends keyof Dimensions>(name: Name): Dimensions[Name] | null =>
    groupBy.includes(name) ? (dimensions?.[name] ?? null) : null
  return {
    actor: pick('actor'),
    actor_type: pick('actor_type'),
    agent_id: pick('agent_id'),
    api_key_id: pick('api_key_id'),
    claude_tag_category: null,
    claude_tag_user_id: null,
    context_window: pick('context_window'),
    deployment_id: pick('deployment_id'),
    environment_id: pick('environment_id'),
    inference_geo: pick('inference_geo'),
    model: pick('model'),
    organization_id: null,
    product: pick('product'),
    rbac_group_id: null,
    service_tier: pick('service_tier'),
    session_id: pick('session_id'),
    slack_channel_id: null,
    speed: pick('speed'),
    user_profile_id: pick('user_profile_id'),
    workspace_id: pick('workspace_id'),
  }
}

const compare = (a: bigint | number, b: bigint | number): number => (a < b ? -1 : a > b ? 1 : 0)

function rank(groups: readonly ReportGroup[], query: ReportQuery, metric: Metric): readonly ReportGroup[] {
  const direction = query.order === 'asc' ? 1 : -1
  const ranked = groups.map((group) => ({ group, value: metric(group.atoms) }))
  // Sorting is stable, so groups of equal rank stay in the order of their first use.
  ranked.sort((a, b) =>
    query.orderBy === 'time' && query.isBucketed
      ? direction * compare(a.group.fromMs, b.group.fromMs) || compare(b.value, a.value)
      : direction * compare(a.value, b.value),
  )
  return ranked.map(({ group }) => group)
}

/** The groups of a report, ranked by `metric`. Without groups and buckets there is exactly one, even of no atoms. */
export function groupAtoms(
  atoms: readonly UsageAtom[],
  query: ReportQuery,
  metric: Metric,
): readonly ReportGroup[] {
  const { edgesMs, groupBy, isBucketed } = query
  const groups = new Map<string, { group: ReportGroup; atoms: UsageAtom[] }>()
  const open = (bucket: number, dimensions: Dimensions | undefined) => {
    const shown = selected(dimensions, groupBy)
    const key = JSON.stringify([bucket, shown])
    const known = groups.get(key)
    if (known !== undefined) return known
    const atomsOfGroup: UsageAtom[] = []
    const fromMs = edgesMs[bucket] ?? 0
    const group = { fromMs, toMs: edgesMs[bucket + 1] ?? fromMs, dimensions: shown, atoms: atomsOfGroup }
    const opened = { group, atoms: atomsOfGroup }
    groups.set(key, opened)
    return opened
  }
  if (!isBucketed && groupBy.length === 0) open(0, undefined)
  for (const atom of atoms.filter(({ dimensions }) => query.accepts(dimensions))) {
    const bucket = edgesMs.findLastIndex((edgeMs) => edgeMs <= atom.atMs)
    open(bucket, atom.dimensions).atoms.push(atom)
  }
  return rank(
    [...groups.values()].map(({ group }) => group),
    query,
    metric,
  )
}
