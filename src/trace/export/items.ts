// What is exported of a session: each of its spans once it is complete, and a log record for each event. Plain data, made of
// what the ledger has; ids are hashes, so whoever makes it again makes it with the same ones.
import type { SessionTraceRows } from '../../ledger/queries/session-trace.ts'
import type { EventDetail } from '../../upstream/event-detail-schema.ts'
import type { Turn, TurnSpan } from '../turns/span.ts'
import { detailOf } from '../turns/stored-session.ts'

export type Attributes = { readonly [name: string]: string | number | boolean }

export type SpanItem = {
  readonly kind: 'span'
  readonly uid: string
  readonly sessionId: string
  readonly traceId: string
  readonly spanId: string
  /** '' for the anchor of a turn. */
  readonly parentSpanId: string
  readonly name: string
  readonly startMicros: number
  readonly endMicros: number
  readonly error: string
  readonly attributes: Attributes
}

export type LogItem = {
  readonly kind: 'log'
  /** The event's id. */
  readonly uid: string
  readonly sessionId: string
  /** '' for what happened in no turn. */
  readonly traceId: string
  readonly spanId: string
  readonly atMicros: number
  readonly severity: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'
  readonly attributes: Attributes
}

export type TraceItem = SpanItem | LogItem

/** `governance`: what people and policy decided, for who has the provider's own spans of the rest. */
export type AgentSpans = 'full' | 'governance' | 'off'

const governed: ReadonlySet<TurnSpan['kind']> = new Set(['await_approval', 'await_client'])

/**
 * Everything of a session that is complete now. What never ended ends with its turn, once that was over before
 * `settledMicros`: the upstream says a little late when it processed what it was sent.
 */
export function itemsOf(
  sessionId: string,
  turns: readonly Turn[],
  rows: SessionTraceRows,
  { mode, settledMicros }: { readonly mode: AgentSpans; readonly settledMicros: number },
): readonly TraceItem[] {
  const common = commonOf(sessionId, rows)
  const spans =
    mode === 'off' ? [] : turns.flatMap((turn) => spansOf(turn, rows, common, { mode, settledMicros }))
  return [...spans, ...rows.events.flatMap((row) => logOf(row, turns, common))]
}

function spansOf(
  turn: Turn,
  rows: SessionTraceRows,
  common: Attributes,
  { mode, settledMicros }: { readonly mode: AgentSpans; readonly settledMicros: number },
): readonly SpanItem[] {
  const sessionId = String(common['session.id'])
  const anchor: SpanItem = {
    kind: 'span',
    uid: `span:${turn.anchorId}`,
    sessionId,
    traceId: turn.traceId,
    spanId: turn.anchorId,
    parentSpanId: '',
    name: 'turn',
    // There as soon as the turn is, so that a trace under way has its root.
    startMicros: turn.startedAtMicros,
    endMicros: turn.startedAtMicros,
    error: '',
    attributes: { ...common, 'tollgate.turn.start_event': turn.startEventId },
  }
  const under = (span: TurnSpan, parentSpanId: string): readonly SpanItem[] => {
    const isShown = mode === 'full' || governed.has(span.kind) || 'permission' in span.facts
    const children = span.children.flatMap((child) => under(child, isShown ? span.spanId : parentSpanId))
    if (!isShown || span.endedAtMicros === null || !isSettled(span, turn, settledMicros)) return children
    return [toItem(span, turn, parentSpanId, rows, common), ...children]
  }
  return [anchor, ...turn.spans.flatMap((span) => under(span, turn.anchorId))]
}

/** Without an end of its own it ends with its turn, which must be over, and settled. */
const isSettled = (span: TurnSpan, { endedAtMicros }: Turn, settledMicros: number): boolean =>
  span.endEventId !== '' || (endedAtMicros !== null && endedAtMicros <= settledMicros)

function toItem(
  span: TurnSpan,
  turn: Turn,
  parentSpanId: string,
  rows: SessionTraceRows,
  common: Attributes,
): SpanItem {
  const thread: Attributes =
    span.threadId === ''
      ? {}
      : { 'anthropic.session.thread.id': span.threadId, 'gen_ai.conversation.id': span.threadId }
  const facts = Object.fromEntries(
    Object.entries(span.facts).map(([name, value]) => [factNames[name] ?? `tollgate.${name}`, value]),
  )
  return {
    kind: 'span',
    uid: `span:${span.spanId}`,
    sessionId: String(common['session.id']),
    traceId: turn.traceId,
    spanId: span.spanId,
    parentSpanId,
    name: span.name === '' || span.kind === 'workflow_phase' ? span.kind : `${span.kind} ${span.name}`,
    startMicros: span.startedAtMicros,
    endMicros: span.endedAtMicros ?? span.startedAtMicros,
    error: span.error,
    attributes: {
      ...common,
      ...thread,
      'gen_ai.operation.name': span.kind,
      ...ofKind(span, rows),
      ...facts,
      ...(span.error === '' ? {} : { 'error.type': span.error }),
    },
  }
}

/** The names that others read, where there are such; the rest is `tollgate.…`. */
const factNames: { readonly [fact: string]: string } = {
  stop_reason: 'anthropic.session.turn.stop_reason',
  permission: 'tollgate.permission.evaluated',
  server: 'tollgate.mcp_server.name',
  confirmation: 'tollgate.approval.result',
  result: 'tollgate.approval.result',
  incomplete: 'tollgate.span.incomplete',
  outcome_id: 'tollgate.outcome.id',
  workflow_run_id: 'tollgate.workflow_run.id',
}

function ofKind(span: TurnSpan, rows: SessionTraceRows): Attributes {
  if (span.kind === 'chat') {
    const charge = rows.charges.get(span.endEventId)
    const model = charge?.model || span.name
    return {
      ...(model === '' ? {} : { 'gen_ai.request.model': model }),
      ...(charge === undefined
        ? {}
        : {
            'gen_ai.usage.input_tokens': charge.input_tokens,
            'gen_ai.usage.cache_read.input_tokens': charge.cached_tokens,
            'gen_ai.usage.output_tokens': charge.output_tokens,
            // An exact decimal: money is no float here either.
            ...(charge.cost_usd === null ? {} : { 'tollgate.cost_usd': charge.cost_usd }),
          }),
    }
  }
  if (span.kind === 'execute_tool' || span.kind === 'await_client') {
    return { 'gen_ai.tool.name': span.name, 'gen_ai.tool.call.id': span.startEventId }
  }
  if (span.kind === 'await_approval') {
    const sentBy = rows.events.find(({ event_id }) => event_id === span.endEventId)?.sent_by ?? ''
    const sender = rows.senders.get(sentBy)
    return {
      'gen_ai.tool.name': span.name,
      'gen_ai.tool.call.id': span.startEventId,
      ...(sender === undefined ? {} : { 'tollgate.approval.actor': `${sender.team}/${sender.caller}` }),
    }
  }
  return {}
}

function commonOf(sessionId: string, { session }: SessionTraceRows): Attributes {
  const named: { readonly [name: string]: string | number } = {
    'gen_ai.agent.id': session?.agent_id ?? '',
    'gen_ai.agent.name': session?.agent_name ?? '',
    'gen_ai.agent.version':
      session === null || session.agent_version === 0 ? '' : String(session.agent_version),
    'tollgate.team': session?.team ?? '',
    'tollgate.caller': session?.caller ?? '',
    'tollgate.environment.id': session?.environment_id ?? '',
  }
  return {
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.conversation.id': sessionId,
    'anthropic.session.id': sessionId,
    'session.id': sessionId,
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== '')),
  }
}

function logOf(
  row: SessionTraceRows['events'][number],
  turns: readonly Turn[],
  common: Attributes,
): readonly LogItem[] {
  const turn = turns.findLast(({ startedAtMicros }) => startedAtMicros <= row.at_micros)
  const detail = detailOf(row)
  const thread = row.about_thread_id === '' ? row.thread_id : row.about_thread_id
  return [
    {
      kind: 'log',
      uid: row.event_id,
      sessionId: String(common['session.id']),
      traceId: turn?.traceId ?? '',
      spanId: turn?.anchorId ?? '',
      atMicros: row.at_micros,
      severity: severityOf(row.type, detail),
      attributes: {
        ...common,
        ...(thread === '' ? {} : { 'anthropic.session.thread.id': thread }),
        'tollgate.event.type': row.type,
        'log.record.uid': row.event_id,
        ...Object.fromEntries(
          Object.entries(detail).flatMap(([name, value]) =>
            value === undefined ? [] : [[`tollgate.event.${name}`, value]],
          ),
        ),
      },
    },
  ]
}

function severityOf(type: string, detail: EventDetail): LogItem['severity'] {
  if (type === 'session.error') return detail.retry_status === 'retrying' ? 'WARN' : 'ERROR'
  if (type === 'workflow_run.error') return 'ERROR'
  if (type === 'session.status_rescheduled' || detail.confirmation === 'deny' || detail.permission === 'deny')
    return 'WARN'
  return type === 'span.outcome_evaluation_ongoing' ? 'DEBUG' : 'INFO'
}
