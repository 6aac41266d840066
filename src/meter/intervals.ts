// Edges of status -> running, idle, waiting and rescheduling intervals of a session. Pure: any order, any duplication and any
// split of the same edges give the same intervals.
//
// Running time is what the upstream bills: time with at least one thread running, overlaps counted once (SDK 1.12.0,
// `BetaManagedAgentsSessionUsage.active_seconds`). Where the primary thread's edges are seen, it is the union over
// threads; otherwise the session's own status, which covers its threads. Where the session said it was not running,
// no thread runs, so an edge of a thread that was missed cannot bill the pause. A run whose own end was missed is
// never billed up to the next thing seen: how much of it ran is for the upstream to state (`stated-time.ts`).
import type { SessionStatusRow } from '../ledger/rows.ts'
import type { IntervalStatus, SessionIntervalsRow, StatedTimeRow } from '../ledger/session-rows.ts'
import { distinctEdges, type Edge, inLifeOrder, type Segment, toSegments } from './edges.ts'
import { type Span, subtract, union } from './segments.ts'
import { type Runs, settleRuns } from './stated-time.ts'
import { formatLedgerTime, parseLedgerTime } from './upstream-time.ts'

export type Interval = {
  readonly status: IntervalStatus
  readonly startedAtMs: number
  /** Null: open, and nothing seen bounds it. */
  readonly endedAtMs: number | null
  /** True while the end is not known: then `endedAtMs` is at most a bound. */
  readonly provisional: boolean
}

/** The intervals of one session, in time order, none overlapping. `stated`: its running time by the upstream. */
export function deriveIntervals(
  rows: readonly SessionStatusRow[],
  stated?: StatedTimeRow,
): readonly Interval[] {
  const edges = distinctEdges(rows)
  const archived = edges.find((edge) => edge.event_id === 'archived')
  const session = toSegments(inLifeOrder(edges.filter((edge) => edge.scope === 'session')), archived)
  const observed = edges.filter((edge) => edge.scope === 'observed')

  // That a session was made idle is no proof that it still was when the first thread ran: `created` blocks nothing.
  const paused = session.filter((segment) => segment.status !== 'running' && segment.edgeId !== 'created')
  const seen = runsOf(edges, session, paused)
  // A pause is no proof against a run between two edges of it that were missed; only an end is.
  const room = session.filter((segment) => segment.status !== 'terminated')
  const { known, unknown } = stated === undefined ? seen : settleRuns(seen, toStated(stated, observed), room)

  const running = [...known, ...unknown]
  const waiting = session.filter(isWaiting)
  const idle = session.filter(
    (segment) => (segment.status === 'idle' && !isWaiting(segment)) || segment.status === 'running',
  )
  const rescheduling = session.filter((segment) => segment.status === 'rescheduling')
  const atRest = (status: IntervalStatus, spans: readonly Span[]) =>
    subtract(spans, running).flatMap((span) => toRest(status, span, observed))
  return [
    ...known.map(({ from, to }) => toInterval('running', from, to, false)),
    ...unknown.map((span) => toInterval('running', span.from, boundOf(span, observed), true)),
    ...atRest('idle', idle),
    ...atRest('waiting', waiting),
    ...atRest('rescheduling', rescheduling),
  ].toSorted((a, b) => a.startedAtMs - b.startedAtMs)
}

/** The row that holds a session's intervals. `rows` must be all edges of that session that the ledger has. */
export function toIntervalsRow(
  sessionId: string,
  rows: readonly SessionStatusRow[],
  stated?: StatedTimeRow,
): SessionIntervalsRow {
  const intervals = deriveIntervals(rows, stated)
  const time = (ms: number) => formatLedgerTime(ms * 1000).slice(0, -3)
  return {
    session_id: sessionId,
    statuses: intervals.map((interval) => interval.status),
    started_at: intervals.map((interval) => time(interval.startedAtMs)),
    ended_at: intervals.map(({ endedAtMs }) => (endedAtMs === null ? null : time(endedAtMs))),
    provisional: intervals.map((interval) => (interval.provisional ? 1 : 0)),
    generation:
      new Set(rows.map((row) => row.event_id)).size +
      (stated === undefined ? 0 : stated.snapshots + stated.checkpoints.length),
  }
}

function toStated(stated: StatedTimeRow, observed: readonly Edge[]) {
  const atRest = observed.map((edge) => toMs(edge.occurred_at))
  return {
    checkpoints: stated.checkpoints
      .map(({ observed_at, active_ms }) => ({ atMs: toMs(observed_at), activeMs: active_ms }))
      .toSorted((a, b) => a.atMs - b.atMs || a.activeMs - b.activeMs),
    latest: { atMs: toMs(stated.observed_at), activeMs: stated.active_ms },
    atRestMs: atRest.length === 0 ? null : Math.max(...atRest),
  }
}

/** Runs of the threads where the primary's are seen, else of the session and its threads together. */
function runsOf(edges: readonly Edge[], session: readonly Segment[], paused: readonly Segment[]): Runs {
  const threadEdges = edges.filter((edge) => edge.scope === 'thread')
  const children = new Set(
    threadEdges.filter((edge) => edge.status === 'child').map((edge) => edge.thread_id),
  )
  const moving = threadEdges.filter((edge) => edge.status !== 'child' && edge.status !== 'primary')
  const archived = edges.find((edge) => edge.event_id === 'archived')
  const ofThreads = [...byThread(moving).values()]
    .flatMap((ofThread) => toSegments(ofThread, archived))
    .filter(isRunning)
    .flatMap((run) =>
      // Cut short by a pause of the session, a run has its end.
      subtract([run], pausesIn(run, paused)).map((span) => ({
        ...span,
        ends: span.to === run.to ? run.ends : paused.some((pause) => pause.from === span.to && !pause.late),
      })),
    )
  const primarySeen = moving.some((edge) => !children.has(edge.thread_id))
  const runs = primarySeen ? ofThreads : [...session.filter(isRunning), ...ofThreads]
  const known = union(runs.filter((run) => run.ends))
  return {
    known,
    unknown: subtract(
      runs.filter((run) => !run.ends),
      known,
    ),
  }
}

// A session may have thousands of threads and of pauses: each thread's edges are gathered once, each run is cut by
// its own pauses only.
function byThread(edges: readonly Edge[]): ReadonlyMap<string, readonly Edge[]> {
  const threads = new Map<string, Edge[]>()
  for (const edge of edges) {
    const known = threads.get(edge.thread_id)
    if (known === undefined) threads.set(edge.thread_id, [edge])
    else known.push(edge)
  }
  return threads
}

const pausesIn = (run: Span, paused: readonly Segment[]): readonly Segment[] =>
  paused.filter((pause) => pause.from < run.to && pause.to > run.from)

const isRunning = (segment: Segment): boolean => segment.status === 'running'

/** An approval, or the result of a tool that runs elsewhere, is asked for (SDK 1.12.0, `stop_reason` of `session.status_idle`). */
const isWaiting = (segment: Segment): boolean =>
  segment.status === 'idle' && segment.reason === 'requires_action'

/** An open run is bounded by the latest sight of another status after its start; that is not yet its end. */
function boundOf(span: Span, observed: readonly Edge[]): number | null {
  if (span.to !== Number.POSITIVE_INFINITY) return span.to
  const bounds = observed.map((edge) => toMs(edge.occurred_at)).filter((ms) => ms > span.from)
  return bounds.length === 0 ? null : Math.max(...bounds)
}

/** Rest that is still open lasts as far as it was seen: an abandoned session does not add hours for ever. */
function toRest(status: IntervalStatus, span: Span, observed: readonly Edge[]): readonly Interval[] {
  if (span.to !== Number.POSITIVE_INFINITY) return [toInterval(status, span.from, span.to, false)]
  // An object only says `idle`: whether it waits is in the event that put it to rest.
  const seenAs = status === 'waiting' ? 'idle' : status
  const seenUntil = observed.find((edge) => edge.status === seenAs)
  const to = seenUntil === undefined ? span.from : toMs(seenUntil.occurred_at)
  return to > span.from ? [toInterval(status, span.from, to, true)] : []
}

function toInterval(
  status: IntervalStatus,
  startedAtMs: number,
  endedAtMs: number | null,
  provisional: boolean,
): Interval {
  return { status, startedAtMs, endedAtMs, provisional }
}

const toMs = (ledgerTime: string): number => Math.floor(parseLedgerTime(ledgerTime) / 1000)
