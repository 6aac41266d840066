// What is exported of a session: each of its spans once it is complete, and a log record for each event. Plain data, made of
// what the ledger has; ids are hashes, so whoever makes it again makes it with the same ones.
import type { SessionTraceRows } from '../../ledger/queries/session-trace.ts'
import type { EventDetail } from '../../upstream/event-detail-schema.ts'
import type { StoredEvent } from '../turns/event-line.ts'
import type { Turn, TurnSpan } from '../turns/span.ts'

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

export type ItemsAsked = {
  readonly mode: AgentSpans
  readonly settledMicros: number
  /** False for what was handed over before, by uid. */
  readonly isNew: (uid: string) => boolean
}

/**
 * Everything of a session that is complete now; `stored` are the rows' events, read, in their order. What never ended ends with its turn, once that was over before
 * `settledMicros`: the upstream says a little late when it processed what it was sent.
 */
export function itemsOf(
  sessionId: string,
  turns: readonly Turn[],
  rows: SessionTraceRows,
  stored: readonly Pick<StoredEvent, 'detail'>[],
  { mode, settledMicros, isNew }: ItemsAsked,
): readonly TraceItem[] {
  const common = commonOf(sessionId, rows)
  const spans =
    mode === 'off' ? [] : turns.flatMap((turn) => spansOf(turn, rows, common, { mode, settledMicros }))
  const logs = rows.events.flatMap((row, at) =>
    isNew(row.event_id) ? [logOf(row, stored[at]?.detail ?? {}, turns, common)] : [],
  )
  return [...spans.filter(({ uid }) => isNew(uid)), ...logs]
}

function spansOf(
  turn: Turn,
  rows: SessionTraceRows,
  common: Attributes,
  { mode, settledMicros }: Pick<ItemsAsked, 'mode' | 'settledMicros'>,
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
    attributes: { ...common, ...admissionOf(rows), 'tollgate.turn.start_event': turn.startEventId },
  }
  const under = (span: TurnSpan, parentSpanId: string): readonly SpanItem[] => {
    const isShown = mode === 'full' || governed.has(span.kind) || 'permission' in span.facts
    const children = span.children.flatMap((child) => under(child, isShown ? span.spanId : parentSpanId))
    if (!isShown || span.endedAtMicros === null || !isSettled(span, turn, settledMicros)) return children
    return [toItem(span, turn, parentSpanId, rows, common), ...children]
  }
  return [anchor, ...turn.spans.flatMap((span) => under(span, turn.anchorId))]
}

/** How the session was let in: the decision, by which policy, and the pin; nothing of one made elsewhere. */
function admissionOf({ admission }: SessionTraceRows): Attributes {
  if (admission === null) return {}
  const { resolved, ...said } = admission
  const named: { readonly [name: string]: string } = {
    'tollgate.request.trace_id': said.trace_id,
    'tollgate.decision': said.decision,
    'tollgate.policy.rule': said.rules,
    'tollgate.policy.hash': said.policy_hash,
    'tollgate.pin.class': said.pin_class,
    'tollgate.pin.rule': said.pin_rule,
    'tollgate.pin.requested': said.requested,
    'tollgate.pin.version': resolved === 0 ? '' : String(resolved),
    'tollgate.pin.approved_by': said.approved_by,
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== ''))
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
    'tollgate.deployment.id': session?.deployment_id ?? '',
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
  detail: EventDetail,
  turns: readonly Turn[],
  common: Attributes,
): LogItem {
  const turn = turns.findLast(({ startedAtMicros }) => startedAtMicros <= row.at_micros)
  const thread = row.about_thread_id === '' ? row.thread_id : row.about_thread_id
  // Filled in place: there is one of these for every event of every session.
  const attributes: Record<string, string | number | boolean> = { ...common }
  if (thread !== '') attributes['anthropic.session.thread.id'] = thread
  attributes['tollgate.event.type'] = row.type
  attributes['log.record.uid'] = row.event_id
  for (const [name, value] of Object.entries(detail)) {
    if (value !== undefined) attributes[`tollgate.event.${name}`] = value
  }
  return {
    kind: 'log',
    uid: row.event_id,
    sessionId: String(common['session.id']),
    traceId: turn?.traceId ?? '',
    spanId: turn?.anchorId ?? '',
    atMicros: row.at_micros,
    severity: severityOf(row.type, detail),
    attributes,
  }
}

function severityOf(type: string, detail: EventDetail): LogItem['severity'] {
  if (type === 'session.error') return detail.retry_status === 'retrying' ? 'WARN' : 'ERROR'
  if (type === 'workflow_run.error') return 'ERROR'
  if (type === 'session.status_rescheduled' || detail.confirmation === 'deny' || detail.permission === 'deny')
    return 'WARN'
  return type === 'span.outcome_evaluation_ongoing' ? 'DEBUG' : 'INFO'
}
