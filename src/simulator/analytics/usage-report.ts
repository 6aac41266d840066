// Usage rows: tokens, requests and searches (SDK 1.12.0 resources/beta/organization/analytics/usage).

import type { PricedTokens } from '../billing/prices.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import { groupAtoms, type Metric, type ReportGroup } from './report-groups.ts'
import type { RowSet } from './report-pages.ts'
import type { ReportKind, ReportQuery } from './report-query.ts'
import { gatherAtoms, type UsageAtom } from './usage-atom.ts'

/** What only usage reports can be asked. */
export const usageReport: ReportKind = {
  extraGroups: [],
  orders: ['total_tokens', 'output_tokens', 'requests', 'uncached_input_tokens'],
}

const sum = (atoms: readonly UsageAtom[], read: (atom: UsageAtom) => number): number =>
  atoms.reduce((total, atom) => total + read(atom), 0)

const totalOf = (tokens: PricedTokens): number =>
  tokens.inputTokens +
  tokens.outputTokens +
  tokens.cacheReadTokens +
  tokens.cacheWrite5mTokens +
  tokens.cacheWrite1hTokens

function usageOf(atoms: readonly UsageAtom[]) {
  return {
    uncached_input_tokens: sum(atoms, ({ tokens }) => tokens.inputTokens),
    cache_creation: {
      ephemeral_5m_input_tokens: sum(atoms, ({ tokens }) => tokens.cacheWrite5mTokens),
      ephemeral_1h_input_tokens: sum(atoms, ({ tokens }) => tokens.cacheWrite1hTokens),
    },
    cache_read_input_tokens: sum(atoms, ({ tokens }) => tokens.cacheReadTokens),
    output_tokens: sum(atoms, ({ tokens }) => tokens.outputTokens),
    total_tokens: sum(atoms, ({ tokens }) => totalOf(tokens)),
    requests: sum(atoms, ({ requests }) => requests),
    server_tool_use: { web_search_requests: sum(atoms, ({ webSearches }) => webSearches) },
  }
}

const metrics: Readonly<Record<string, (usage: ReturnType<typeof usageOf>) => number>> = {
  output_tokens: (usage) => usage.output_tokens,
  requests: (usage) => usage.requests,
  uncached_input_tokens: (usage) => usage.uncached_input_tokens,
}

const rowOf = (group: ReportGroup) => ({
  starting_at: timestamp(group.fromMs),
  ending_at: timestamp(group.toMs),
  group: group.dimensions,
  usage: usageOf(group.atoms),
})

/** The rows of a usage report. Running time is no usage of tokens, so a session that only ran has no row. */
export function usageReportRows(world: World, query: ReportQuery): readonly RowSet[] {
  const metric: Metric = (atoms) => {
    const usage = usageOf(atoms)
    return BigInt(metrics[query.orderBy]?.(usage) ?? usage.total_tokens)
  }
  const atoms = gatherAtoms(world, query.edgesMs).filter(({ requests }) => requests > 0)
  return groupAtoms(atoms, query, metric).map((group) => [rowOf(group)])
}
