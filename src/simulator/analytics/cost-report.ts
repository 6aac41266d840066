// Cost rows: exact list prices in fractional cents, alone or broken out by component and kind of token
// (SDK 1.12.0 resources/beta/organization/analytics/cost).

import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import { groupAtoms, type Metric, type ReportGroup } from './report-groups.ts'
import type { RowSet } from './report-pages.ts'
import type { ReportKind, ReportQuery } from './report-query.ts'
import { type CostPart, gatherAtoms } from './usage-atom.ts'

/** What only cost reports can be asked. */
export const costReport: ReportKind = {
  extraGroups: ['cost_type', 'token_type'],
  orders: ['amount', 'list_amount'],
}

/** Pico-dollars as exact cents, without trailing zeros: `123.4567`. */
function formatExactCents(picoUsd: bigint): string {
  const digits = picoUsd.toString().padStart(11, '0')
  const fraction = digits.slice(-10).replace(/0+$/, '')
  return fraction === '' ? digits.slice(0, -10) : `${digits.slice(0, -10)}.${fraction}`
}

const sumOf = (parts: readonly CostPart[]): bigint => parts.reduce((sum, { picoUsd }) => sum + picoUsd, 0n)
const byCost: Metric = (atoms) => sumOf(atoms.flatMap(({ costs }) => costs))

/** The components that a group fans out into; one when the report asks for none. */
function fanOut(parts: readonly CostPart[], groupBy: readonly string[]) {
  const isByCost = groupBy.includes('cost_type')
  const isByToken = groupBy.includes('token_type')
  if (!isByCost && !isByToken) return [{ costType: null, tokenType: null, parts }]
  const rows = new Map<string, { costType: string; tokenType: string | null; parts: CostPart[] }>()
  for (const part of parts) {
    // By kind of token alone, only tokens are in the report.
    if (!isByCost && part.costType !== 'tokens') continue
    const tokenType = isByToken ? part.tokenType : null
    const key = `${part.costType} ${tokenType}`
    const row = rows.get(key) ?? { costType: part.costType, tokenType, parts: [] }
    row.parts.push(part)
    rows.set(key, row)
  }
  return [...rows.values()]
}

function rowsOf(group: ReportGroup, groupBy: readonly string[]): RowSet {
  const parts = group.atoms.flatMap(({ costs }) => costs)
  const requests = group.atoms.reduce((sum, atom) => sum + atom.requests, 0)
  return fanOut(parts, groupBy).map((row) => {
    const amount = formatExactCents(sumOf(row.parts))
    return {
      starting_at: timestamp(group.fromMs),
      ending_at: timestamp(group.toMs),
      group: { ...group.dimensions, cost_type: row.costType, token_type: row.tokenType },
      cost: {
        // Nobody has a discount here, so what is charged is the list price.
        amount,
        list_amount: amount,
        currency: 'USD',
        requests: row.costType === null ? requests : null,
      },
    }
  })
}

/** The rows of a cost report, one set for each group that has cost. */
export function costRows(world: World, query: ReportQuery): readonly RowSet[] {
  return groupAtoms(gatherAtoms(world, query.edgesMs), query, byCost).map((group) =>
    rowsOf(group, query.groupBy),
  )
}
