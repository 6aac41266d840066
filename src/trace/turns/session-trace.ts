// The trace of one session as it is told: its turns with what they used and cost, from the ledger alone.
import { formatUsd, parseUsd } from '../../kernel/money.ts'
import type { Ledger } from '../../ledger/port.ts'
import { readSessionTrace, type SessionTraceRows } from '../../ledger/queries/session-trace.ts'
import { readTurns } from './read-turns.ts'
import type { Turn, TurnSpan } from './span.ts'
import { sessionFacts, toStored } from './stored-session.ts'
import type { Linked } from './trace-link.ts'

/** A span; times are ISO 8601 with microseconds, durations milliseconds. */
export type ToldSpan = {
  readonly span_id: string
  readonly kind: TurnSpan['kind']
  readonly name: string
  readonly started_at: string
  /** Null while it goes on. */
  readonly duration_ms: number | null
  readonly thread_id: string
  readonly error: string
  readonly facts: TurnSpan['facts']
  /** Of a model request, where the ledger has it. `cost_usd` is null when no price is known. */
  readonly usage: ToldUsage | null
  readonly children: readonly ToldSpan[]
}

export type ToldUsage = {
  readonly requests: number
  /** Those read from and written to the cache in it. */
  readonly input_tokens: number
  readonly cached_tokens: number
  readonly output_tokens: number
  /** Exact, US dollars at list price, without running time. */
  readonly cost_usd: string
  readonly unpriced_requests: number
}

export type ToldTurn = {
  readonly trace_id: string
  /** Where a backend shows it; '' where nobody said. */
  readonly url: string
  readonly started_at: string
  readonly duration_ms: number | null
  readonly stop_reason: string
  readonly usage: ToldUsage
  readonly spans: readonly ToldSpan[]
  /** What was refused on this session meanwhile. */
  readonly refusals: readonly {
    readonly at: string
    readonly operation: string
    readonly caller: string
    readonly code: string
  }[]
}

export type SessionTrace = {
  readonly session_id: string
  readonly team: string
  readonly caller: string
  readonly agent_id: string
  readonly agent_name: string
  readonly agent_version: number
  readonly model: string
  readonly environment_id: string
  /** False when the session has more events than are read. */
  readonly complete: boolean
  readonly events: number
  readonly turns: readonly ToldTurn[]
}

/** A session of more events is shown as far as these reach. */
const eventsMax = 100_000

/** Loads the trace of a session; null when the ledger has never heard of it. Rejects with what the ledger throws. */
export async function loadSessionTrace(
  ledger: Pick<Ledger, 'query'>,
  sessionId: string,
  linkTo: (linked: Linked) => string = () => '',
): Promise<SessionTrace | null> {
  const rows = await readSessionTrace(ledger, sessionId, eventsMax)
  if (rows.session === null && rows.events.length === 0) return null
  const { session } = rows
  const turns = readTurns(rows.events.slice(0, eventsMax).map(toStored), sessionFacts(sessionId, rows))
  return {
    session_id: sessionId,
    team: session?.team ?? '',
    caller: session?.caller ?? '',
    agent_id: session?.agent_id ?? '',
    agent_name: session?.agent_name ?? '',
    agent_version: session?.agent_version ?? 0,
    model: session?.model ?? '',
    environment_id: session?.environment_id ?? '',
    complete: rows.events.length <= eventsMax,
    events: Math.min(rows.events.length, eventsMax),
    turns: turns.map((turn, index) => ({
      ...tellTurn(turn, turns[index + 1], rows),
      url: linkTo({
        traceId: turn.traceId,
        spanId: turn.anchorId,
        sessionId,
        fromMs: Math.floor(turn.startedAtMicros / 1_000),
        toMs: Math.ceil((turn.endedAtMicros ?? turn.startedAtMicros) / 1_000),
      }),
    })),
  }
}

function tellTurn(turn: Turn, next: Turn | undefined, rows: SessionTraceRows): Omit<ToldTurn, 'url'> {
  const untilMicros = next?.startedAtMicros ?? Number.POSITIVE_INFINITY
  const spans = turn.spans.map((span) => tellSpan(span, rows))
  return {
    trace_id: turn.traceId,
    started_at: toTime(turn.startedAtMicros),
    duration_ms: durationOf(turn),
    stop_reason: turn.stopReason,
    usage: addUp(flatten(spans).flatMap(({ usage }) => (usage === null ? [] : [usage]))),
    spans,
    refusals: rows.refusals
      .filter(({ at_micros }) => at_micros >= turn.startedAtMicros && at_micros < untilMicros)
      .map(({ at_micros, operation, caller, error_code: code }) => ({
        at: toTime(at_micros),
        operation,
        caller,
        code,
      })),
  }
}

function tellSpan(span: TurnSpan, rows: SessionTraceRows): ToldSpan {
  const charge = span.kind === 'chat' ? rows.charges.get(span.endEventId) : undefined
  return {
    span_id: span.spanId,
    kind: span.kind,
    name: charge?.model || span.name,
    started_at: toTime(span.startedAtMicros),
    duration_ms: durationOf(span),
    thread_id: span.threadId,
    error: span.error,
    facts: span.kind === 'await_approval' ? { ...span.facts, ...answeredBy(span, rows) } : span.facts,
    usage:
      charge === undefined
        ? null
        : {
            requests: 1,
            input_tokens: charge.input_tokens,
            cached_tokens: charge.cached_tokens,
            output_tokens: charge.output_tokens,
            cost_usd: formatUsd(parseUsd(charge.cost_usd ?? '0')),
            unpriced_requests: charge.cost_usd === null ? 1 : 0,
          },
    children: span.children.map((child) => tellSpan(child, rows)),
  }
}

/** Who allowed or denied, where the word was sent through a gateway. */
function answeredBy({ endEventId }: TurnSpan, { events, senders }: SessionTraceRows) {
  const sender = senders.get(events.find(({ event_id }) => event_id === endEventId)?.sent_by ?? '')
  return sender === undefined ? {} : { by: `${sender.team}/${sender.caller}` }
}

const flatten = (spans: readonly ToldSpan[]): readonly ToldSpan[] =>
  spans.flatMap((span) => [span, ...flatten(span.children)])

function addUp(usages: readonly ToldUsage[]): ToldUsage {
  const sum = (pick: (usage: ToldUsage) => number): number =>
    usages.reduce((total, each) => total + pick(each), 0)
  return {
    requests: sum(({ requests }) => requests),
    input_tokens: sum(({ input_tokens }) => input_tokens),
    cached_tokens: sum(({ cached_tokens }) => cached_tokens),
    output_tokens: sum(({ output_tokens }) => output_tokens),
    cost_usd: formatUsd(usages.reduce((total, { cost_usd }) => total + parseUsd(cost_usd), 0n)),
    unpriced_requests: sum(({ unpriced_requests }) => unpriced_requests),
  }
}

const durationOf = (span: Pick<TurnSpan, 'startedAtMicros' | 'endedAtMicros'>): number | null =>
  span.endedAtMicros === null ? null : (span.endedAtMicros - span.startedAtMicros) / 1_000

function toTime(micros: number): string {
  const ms = Math.floor(micros / 1_000)
  return new Date(ms).toISOString().replace('Z', `${String(micros % 1_000).padStart(3, '0')}Z`)
}
