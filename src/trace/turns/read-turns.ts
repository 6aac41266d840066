// The events of a session -> its turns, each a tree of spans. A pure function: any order and any duplication of the same
// events give the same turns, and a turn that is over never changes.
import { type EventLine, inOrder, type StoredEvent } from './event-line.ts'
import { findPairs, type Pair } from './pairs.ts'
import { findThreadRuns, findTurns, type Run, type TurnTime } from './runs.ts'
import { type Turn, type TurnSpan, turnSpanId, turnTraceId } from './span.ts'

/** What is known of the session beside its events. */
export type SessionFacts = {
  readonly sessionId: string
  readonly agentName: string
  /** Names of the primary thread. */
  readonly primaryThreads: ReadonlySet<string>
  /** The model that a thread runs on, '' for the primary's name; '' while not known. */
  readonly modelOf: (threadId: string) => string
}

/** The turns, oldest first. */
export function readTurns(stored: readonly StoredEvent[], facts: SessionFacts): readonly Turn[] {
  const events = inOrder(stored, facts.primaryThreads)
  const times = findTurns(events)
  const pairs = findPairs(facts.sessionId, events, ({ threadId }) => facts.modelOf(threadId))
  const threadRuns = findThreadRuns(events)
  const errors = events.filter(
    ({ type, detail }) => type === 'session.error' && detail.retry_status !== 'retrying',
  )
  return times.map((time, index) => {
    const untilMicros = times[index + 1]?.start.atMicros ?? Number.POSITIVE_INFINITY
    const isIn = (atMicros: number): boolean => atMicros >= time.start.atMicros && atMicros < untilMicros
    return toTurn(facts, time, {
      pairs: pairs.filter(({ startedAtMicros }) => isIn(startedAtMicros)),
      runs: [...time.runs, ...threadRuns.filter(({ start }) => isIn(start.atMicros))],
      errors: errors.filter(({ atMicros }) => isIn(atMicros)),
    })
  })
}

type Parts = {
  readonly pairs: readonly Pair[]
  readonly runs: readonly Run[]
  readonly errors: readonly EventLine[]
}

function toTurn(facts: SessionFacts, time: TurnTime, { pairs, runs, errors }: Parts): Turn {
  const { sessionId } = facts
  const endMicros = time.end?.atMicros ?? null
  const closed = pairs.map((pair) => close(pair, endMicros))
  const waits = closed.filter(({ kind }) => kind === 'await_client')
  const phases = closed.filter(({ kind }) => kind === 'workflow_phase')
  const spans = closed
    .filter(({ kind }) => kind !== 'await_client' && kind !== 'workflow_phase')
    .map(
      (pair): TurnSpan => ({
        ...pair,
        children: [
          ...(pair.kind === 'execute_tool'
            ? leaves(waits, (wait) => wait.startEventId === pair.startEventId)
            : []),
          ...(pair.kind === 'invoke_workflow'
            ? leaves(phases, (phase) => phase.facts['workflow_run_id'] === pair.name)
            : []),
        ],
      }),
    )
  const taken = new Set<TurnSpan>()
  const segments = runs.map((run): TurnSpan => {
    const children = spans.filter((span) => !taken.has(span) && happensIn(span, run))
    for (const child of children) taken.add(child)
    return toSegment(facts, run, endMicros, errors, children)
  })
  return {
    traceId: turnTraceId(sessionId, time.start.eventId),
    anchorId: turnSpanId(sessionId, 'turn', time.start.eventId),
    startEventId: time.start.eventId,
    startedAtMicros: time.start.atMicros,
    endedAtMicros: endMicros,
    stopReason: time.stopReason,
    spans: [...segments, ...spans.filter((span) => !taken.has(span))].toSorted(byStart),
  }
}

/** Of those that began at the same moment, one order for all who read them. */
const byStart = (a: TurnSpan, b: TurnSpan): number =>
  a.startedAtMicros - b.startedAtMicros || compare(a.kind, b.kind) || compare(a.startEventId, b.startEventId)
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const leaves = (pairs: readonly Pair[], isOf: (pair: Pair) => boolean): readonly TurnSpan[] =>
  pairs.filter(isOf).map((pair) => ({ ...pair, children: [] }))

/** What never ended ends with its turn, and says so. */
function close(pair: Pair, endMicros: number | null): Pair {
  if (pair.endedAtMicros !== null || endMicros === null) return pair
  return {
    ...pair,
    endedAtMicros: Math.max(pair.startedAtMicros, endMicros),
    error: pair.error === '' ? 'incomplete' : pair.error,
    facts: { ...pair.facts, incomplete: true },
  }
}

/** Only what also ended in it is a run's: what waited for people outlives it. */
function happensIn(span: TurnSpan, run: Run): boolean {
  if (span.kind === 'await_approval' || span.threadId !== run.threadId) return false
  if (span.startedAtMicros < run.start.atMicros) return false
  if (run.end === undefined) return true
  return span.endedAtMicros !== null && span.endedAtMicros <= run.end.atMicros
}

function toSegment(
  { sessionId, agentName }: SessionFacts,
  run: Run,
  endMicros: number | null,
  errors: readonly EventLine[],
  children: readonly TurnSpan[],
): TurnSpan {
  const ended = run.end?.atMicros ?? endMicros
  const error = errors.find(
    ({ threadId, atMicros }) =>
      threadId === run.threadId && atMicros >= run.start.atMicros && (ended === null || atMicros <= ended),
  )
  const isOpen = run.end === undefined && endMicros !== null
  return {
    spanId: turnSpanId(sessionId, 'invoke_agent', run.start.eventId),
    kind: 'invoke_agent',
    name: run.threadId === '' ? agentName : run.agentName,
    startedAtMicros: run.start.atMicros,
    endedAtMicros: ended,
    startEventId: run.start.eventId,
    endEventId: run.end?.eventId ?? '',
    threadId: run.threadId,
    error: error?.detail.error_type ?? (isOpen ? 'incomplete' : ''),
    facts: {
      ...(run.end?.detail.stop_reason === undefined ? {} : { stop_reason: run.end.detail.stop_reason }),
      ...(run.end?.detail.refusal_category === undefined ? {} : { refusal: run.end.detail.refusal_category }),
      ...(isOpen ? { incomplete: true } : {}),
    },
    children,
  }
}
