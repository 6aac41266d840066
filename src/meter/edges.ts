// Edges of status as they were seen, anyhow and any number of times -> segments in time order, of one status each.
import type { SessionStatusRow } from '../ledger/rows.ts'
import type { Span } from './segments.ts'
import { parseLedgerTime } from './upstream-time.ts'

/** One edge of status, with its time in microseconds. */
export type Edge = Pick<
  SessionStatusRow,
  'event_id' | 'scope' | 'thread_id' | 'status' | 'occurred_at' | 'reason'
> & {
  readonly micros: number
}
/** The time from one edge to the next of the same session or thread; an open end is Infinity. */
export type Segment = Span & {
  readonly status: Edge['status']
  readonly edgeId: string
  /** `stop_reason.type` of the edge it begins with. */
  readonly reason: string
  /** Whether the first edge only says that the rest had begun by then. */
  readonly late: boolean
  /** Whether the next edge is this segment's own end, and not only the next thing that was seen. */
  readonly ends: boolean
}

/** One edge per id; of copies that differ in `ver`, the highest; sorted by time, then id. */
export function distinctEdges(rows: readonly SessionStatusRow[]): readonly Edge[] {
  const byId = new Map<string, SessionStatusRow>()
  for (const row of rows) {
    const kept = byId.get(row.event_id)
    const wins =
      kept === undefined || row.ver > kept.ver || (row.ver === kept.ver && row.occurred_at < kept.occurred_at)
    if (wins) byId.set(row.event_id, row)
  }
  return [...byId.values()]
    .map((row) => ({ ...row, micros: parseLedgerTime(row.occurred_at) }))
    .toSorted((a, b) => a.micros - b.micros || (a.event_id < b.event_id ? -1 : 1))
}

/** Nothing comes before a creation, and nothing after a deletion, whose time is by our clock and may lag. */
export function inLifeOrder(edges: readonly Edge[]): readonly Edge[] {
  const [first] = edges
  const last = edges.at(-1)
  if (first === undefined || last === undefined) return edges
  return edges
    .map((edge) => {
      if (edge.event_id === 'created') return { ...edge, micros: first.micros }
      return edge.event_id === 'deleted' ? { ...edge, micros: last.micros } : edge
    })
    .toSorted((a, b) => a.micros - b.micros || lifeRank(a) - lifeRank(b))
}

function lifeRank(edge: Edge): number {
  return edge.event_id === 'created' ? -1 : edge.event_id === 'deleted' ? 1 : 0
}

/** Segments between the sorted edges of one session or thread. `archived` is the session's edge of that name. */
export function toSegments(edges: readonly Edge[], archived: Edge | undefined): readonly Segment[] {
  return edges
    .map((edge, index): Segment => {
      const next = edges[index + 1]
      return {
        status: edge.status,
        edgeId: edge.event_id,
        reason: edge.reason,
        from: Math.floor(edge.micros / 1000),
        to: Math.floor((next?.micros ?? Number.POSITIVE_INFINITY) / 1000),
        late: comesAtRest(edge, archived),
        ends: next !== undefined && next.status !== edge.status && !comesAtRest(next, archived),
      }
    })
    .filter((segment) => segment.to > segment.from)
}

/** The upstream archives and deletes only what is not running: if we saw it running last, we missed its end. */
function comesAtRest(edge: Edge, archived: Edge | undefined): boolean {
  if (edge.event_id === 'archived' || edge.event_id === 'deleted') return true
  if (edge.status !== 'terminated' || archived === undefined) return false
  return Math.abs(edge.micros - archived.micros) < archivingMicros
}

/** An archive and the termination it causes are at most so far apart. */
const archivingMicros = 1_000_000
